"""All inputs there are, of three kinds, each with what must become of it."""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.fuzz.command_words import commands
from tests.fuzz.damage import Damage, damages
from tests.fuzz.other_words import COMMANDS, calls
from tests.fuzz.stored_files import RESULTS

TRAINING = "rnnbench"
# What reads a results directory; drawing and working take long, and come seldom.
QUICK = ("status", "diagnose", "dashboard", "transfer --gaps=3", "guess --task=nope")
QUICK = (*QUICK, TRAINING, "train")
SLOW = ("report", "publish", "transfer", "guess", "verify")
OVER_RESULTS = "dry_run=true tracker=none seeds=2 engine=reference task=recall task.gap=3 cell=gru"
OVER_RESULTS += f" model.hidden_size=4 trainer.steps=3 trainer.eval_size=8 output_dir={RESULTS}"


@dataclass(frozen=True)
class Input:
    """A command on a working directory.

    Attributes:
        program: which command.
        words: what follows it.
        right: whether it must work; None where it may or may not.
        damages: done to the results directory before.
        published: the results directory is a published one.
    """

    program: str
    words: tuple[str, ...]
    right: bool | None
    damages: tuple[Damage, ...] = ()
    published: bool = False

    @property
    def main(self) -> Callable[[list[str]], int]:
        """Return the command's main function."""
        if self.program == TRAINING:
            return importlib.import_module("rnnbench.cli.main").run_command
        for name in (f"rnnbench.{self.program}.__main__", f"rnnbench.{self.program}"):
            try:
                return importlib.import_module(name).main
            except ModuleNotFoundError:
                continue
        raise ValueError(f"program must be a command of rnnbench, got {self.program}")

    @property
    def own(self) -> tuple[str, ...]:
        """Return what the command may change."""
        return ("out",) if self.program == TRAINING else COMMANDS[self.program].writes

    def __str__(self) -> str:
        module = TRAINING if self.program == TRAINING else f"{TRAINING}.{self.program}"
        return shlex.join(["python", "-m", module, *self.words])


@st.composite
def trainings(draw: st.DrawFn) -> Input:
    words, right = draw(commands())
    return Input(TRAINING, tuple(words), right)


@st.composite
def others(draw: st.DrawFn) -> Input:
    name, words, right = draw(calls())
    return Input(name, tuple(words), right)


@st.composite
def readings(draw: st.DrawFn) -> Input:
    is_slow = draw(st.integers(1, 60)) == 60
    name, *options = draw(st.sampled_from(SLOW if is_slow else QUICK)).split()
    words = OVER_RESULTS.split() if name == TRAINING else [*COMMANDS[name].words, *options]
    changes = draw(st.lists(damages, min_size=1, max_size=3))
    return Input(name, tuple(words), None, tuple(changes), draw(st.booleans()))


KINDS = {"training": trainings(), "other": others(), "reading": readings()}
