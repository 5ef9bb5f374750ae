"""Inputs drawn in a fixed order, each run in a sandbox; what must not be is told, and counted."""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.damage import Directory
from tests.fuzz.inputs import KINDS, Input
from tests.fuzz.sandbox import Outcome, Sandbox
from tests.fuzz.stored_files import RESULTS, consolidated, make_directory

SEED = 0
TRACEBACK, HANG, OUTSIDE, WRONGLY = "tracebacks", "hangs", "files outside", "accepted wrongly"
CODES = (0, 1, 2)


class Campaign:
    """Runs inputs one after the other.

    Attributes:
        faults: how many there are of each kind.
        number: of inputs so far.
    """

    def __init__(self, base: Path, tell: Callable[[str], None] = print) -> None:
        self.sandbox, self.tell = Sandbox(base), tell
        self.faults: Counter[str] = Counter()
        self.number = 0
        self.whole = make_directory(base / "templates" / "whole")
        self.published = consolidated(self.whole, base / "templates" / "published")

    def run(self, kind: str, count: int, start: int = SEED, only: int | None = None) -> None:
        """Draw inputs of a kind and run each, or all are drawn and one is run.

        Args:
            kind: training, other or reading.
            count: how many.
            start: seed of the draws.
            only: the number of the one to run.
        """
        number = -1

        @seed(start)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(KINDS[kind])
        def draw(drawn: Input) -> None:
            nonlocal number
            number += 1
            if only is None or number == only:
                repeat = (
                    f"python -m tests.fuzz {kind} --count {count} --seed {start} --only {number}"
                )
                self.attempt(drawn, repeat)

        draw()

    def attempt(self, drawn: Input, repeat: str) -> None:
        """Run one input, and tell what is wrong with what came of it."""
        self.number += 1
        (self.sandbox.base / "current").write_text(f"{drawn}\n{repeat}\n", errors="replace")
        changes = self._prepare(drawn)
        outcome = self.sandbox.run(drawn.main, drawn.words, drawn.own)
        found = judge(drawn, outcome)
        self.faults.update(found.keys())
        for fault, what in found.items():
            lines = [f"{fault}: {drawn}", *changes, what.rstrip(), f"repeat: {repeat}"]
            self.tell("\n    ".join(lines))

    def _prepare(self, drawn: Input) -> list[str]:
        self.sandbox.empty()
        (self.sandbox.work / "file").touch()
        if not any(RESULTS in word for word in drawn.words):
            return []
        place = self.sandbox.work / RESULTS
        shutil.copytree(self.published if drawn.published else self.whole, place)
        directory = Directory(place)
        return [directory.damage(damage) for damage in drawn.damages]


def judge(drawn: Input, outcome: Outcome) -> dict[str, str]:
    """Return what must not be in an outcome, by kind of fault, in words."""
    found = {}
    said = outcome.output + outcome.errors
    if outcome.hung:
        found[HANG] = "it went on for too long"
    elif outcome.raised or "Traceback" in said:
        found[TRACEBACK] = outcome.raised or said
    elif outcome.code not in CODES:
        found[TRACEBACK] = f"exit code {outcome.code}: {said}"
    elif outcome.code == 2 and not _is_one_line(outcome.errors):
        found[TRACEBACK] = f"more or less than a line: {outcome.errors!r}"
    elif not is_clean(said):
        found[TRACEBACK] = f"characters that are none of a text: {said!r}"
    if outcome.written:
        found[OUTSIDE] = ", ".join(outcome.written)
    if drawn.right is False and outcome.code != 2 and not found:
        found[WRONGLY] = f"exit code {outcome.code}: {said}"
    if drawn.right and outcome.code != 0 and not found:
        found[WRONGLY] = f"refused, though it is right: {said}"
    return found


def _is_one_line(errors: str) -> bool:
    """Return whether one line, the last, says what is wrong; others may say what is left out."""
    *before, last = errors.splitlines() or [""]
    may_be = re.compile(r"rnnbench: warning: .*|.* left out(: .*)?")
    return "error: " in last and all(map(may_be.fullmatch, before))


def is_clean(text: str) -> bool:
    """Return whether a text can be shown in a terminal: no control characters but line ends."""
    return not any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in text)
