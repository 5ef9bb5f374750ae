"""Draw commands: words that are right, and words that are wrong, each known to be the one or other.

A row of a table has texts with spaces between them.
"""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from tests.fuzz.stored_files import PLAN, RESULTS

TRAINING = "rnnbench"
# Small, so that what is right is soon done; all are there in every command.
TINY = "dry_run=true tracker=none seeds=1 engine=reference task=recall task.gap=3 cell=gru "
TINY += "model.hidden_size=4 trainer.batch_size=2 trainer.eval_size=4 output_dir=out"
OVER_RESULTS = "dry_run=true tracker=none seeds=2 engine=reference task=recall task.gap=3 cell=gru"
OVER_RESULTS += f" model.hidden_size=4 trainer.steps=3 trainer.eval_size=8 output_dir={RESULTS}"
LONG = "x" * 201
# Of each setting: what it may be, and what it must not be.
KEYS = {
    "task.gap": ("2 3 7 2,3 range(2,4) choice(2,5)", "0 -1 2.5 2,x 3,0"),
    "task.alphabet_size": ("2 3 7", "1 0 -3 2.0"),
    "task.distractors": ("noise blank lure", "loud 1"),
    "task.name": ("recall other", f"'' 5 {LONG}"),
    "task._target_": ("tasks.delayed_recall.DelayedRecall", "os.system no.such '' 5 builtins"),
    "cell.init": ("torch orthogonal glorot", "zero 0 ''"),
    "cell.keep_bias": ("0 1.5 -2", "'1' big"),
    "cell.name": ("gru other", "'' [a] null"),
    "cell._target_": ("rnnbench.cells.GRU", "os.system rnnbench.Task builtins.eval this.X . a..b"),
    "model.hidden_size": ("2 3 7", "0 -1 1.5"),
    "model.num_layers": ("1 2", "0 1.0"),
    "model.bidirectional": ("true false", "2 maybe"),
    "model.match": ("hidden parameters state", "size"),
    "trainer.lr": ("0.1 [0.1,0.2] 1e-3,1e-2 1 auto", "0 -1 [0.1,0.1] [] x [0.1,-1] [auto,auto]"),
    "trainer.steps": ("2 3 7", "0 -1 3.0 99999999"),
    "trainer.batch_size": ("2 3 7", "0 -1 2.5"),
    "trainer.optimizer": ("adam sgd rmsprop", "adamw 0"),
    "trainer.clip_norm": ("1 0.5 null", "0 -1 '1'"),
    "trainer.clip_value": ("1 null", "0 -0.1 x"),
    "trainer.eval_every": ("2 3 7", "0 1.5"),
    "trainer.eval_size": ("2 3 7", "0 -4"),
    "trainer.train_set_size": ("100 null", "1 -1 2.5 x"),
    "engine": ("reference auto", "warp 0 Reference"),
    "device": ("cpu auto", "tpu cuda:99 CPU"),
    "dtype": ("float32 float64", "float16 32"),
    "seeds": ("1 2 [5] [0,7]", "0 -1 [] [1,1] [-1] 1022 2.5 [1.0]"),
    "name": ("abc a.b-c_d+e 'ü'", f"../x a/b /abs .. . '' ~ {LONG} [a] '\u200da'"),
    "output_dir": ("out out/deep/er 'ü'", f"'' ü null [a] {LONG * 2} file/below"),
    "workers": ("auto 1 2", "0 -1 1.5 none"),
    "dry_run": ("true", "maybe 1 null"),
    "plan": ("null out/plan.json", "'' 5 plan a.txt .json file/a.json"),
    "tracker": ("none wandb", "mlflow"),
    "tracker.mode": ("auto online offline disabled", "loud"),
    "tracker.project": ("abc 'ü'", f"'' null 5 a/b {'a' * 129}"),
    "tracker.entity": ("abc null", "5 [a] 'a:b'"),
    "tracker.group": ("abc null", "5 ''"),
    "tracker.tags": ("[] [a,b]", "a [5] ['']"),
    "tracker.notes": ("null 'why?'", "5 [a]"),
    "task": ("recall", "copi ../task/copy /etc/passwd null ''"),
    "cell": ("gru lstm", "lstmm .. gru,nope null"),
}
FREE = ("task.name", "cell.name", "name", "output_dir", "tracker.project", "tracker.entity")
HUGE = f"{'9' * 12} {'9' * 30} -{'9' * 30} 1{'0' * 400} 1e308 1e400 -1e400"
# Of no type that any setting takes.
NONSENSE = (
    "{a:1} [[1]] [{a:1}] ??? ${nosuch} ${trainer} ${oc.env:NO_SUCH} ${oc.decode:'{'} inf nan "
)
NONSENSE += "${task.gap [1 ' a'b { =,= \\x00 \x01 \udcff ${name}${name} glob(*) interval(1,2) 💥 "
NONSENSE += (
    "range(5,2) shuffle(x) tag(a,b) ${oc.create:{a:1}} ${oc.env:HOME} !!python/object:os.system"
)
STRAY = (
    "+foo=1 +trainer.foo=1 ++trainer.foo=1 +task.deep.er=1 foo=1 task.gab=3 ~trainer.steps ~task "
)
STRAY += (
    "~cell.name ~model ~seeds trainer=5 model=null +task@other=copy +sweep=nope +sweep=gaps,smoke "
)
STRAY += "+sweep=../sweep/gaps +_target_=os.system hydra/sweeper=basic = a ' + ~ ++ hydra.mode=RUN "
STRAY += (
    "hydra/launcher=basic hydra.sweeper._target_=os.system +hydra.callbacks.x._target_=os.system "
)
STRAY += (
    "task.gap --nonsense --cfg --cfg=nope --config-dir --config-dir=nope -cn -x --config-name=nope "
)
STRAY += (
    "--config-name=../../etc/passwd --multirun=5 --run --experimental-rerun=file +sweep.lr.recall=x"
)
SHOWING = "--help --version --cfg=job --cfg=all --info --hydra-help hydra.verbose=true"
NUMBERS = "0 -1 1.5 nan x 99999999999"
# Of each other command: the words of a call that soon ends, what it may write, and wrong words.
COMMANDS = {
    "report": (RESULTS, RESULTS, "nowhere --nope file/below"),
    "status": (RESULTS, "", "nowhere --nope"),
    "publish": (f"{RESULTS} published", f"published {RESULTS}", "--nope one-more"),
    "transfer": (f"{RESULTS} --workers=1", RESULTS, "--gaps=0 --gaps=2,x --task=nope --cell=, x"),
    "guess": (f"{RESULTS} --workers=1 --guesses=1", RESULTS, "--guesses=0 --task= --workers=x"),
    "diagnose": (f"{RESULTS} --sequences=64", RESULTS, "--sequences=63 --gap=99 --cell=nope"),
    "verify": (f"{RESULTS} --sample=1 --workers=1", "", "--sample=0 --seed=-1 --nope"),
    # No place for results: the plan is read, and no more.
    "train": (f"{RESULTS}/{PLAN} file/below", "file/below", "--workers=0 one-more --nope"),
    "sync": (RESULTS, "", "nowhere --nope"),
    "dashboard": (f"{RESULTS} --json=out/board.json", "out", "nowhere --nope"),
    "check": ("rnnbench.cells.GRU --set=keep_bias=x", "", "--set= --set=1=2 --hidden-size=0"),
    "bench": ("--rounds=x", "", "--shapes= --shapes=0,1,3 --shapes=a,b,c --plot=a.pdf --cells=x"),
}
ALWAYS_WRONG = ("check", "bench", "train")  # right calls of these take long
# What reads a results directory; drawing and working take long, and come seldom.
QUICK = ("status", "diagnose", "dashboard", "transfer --gaps=3", "guess --task=nope", TRAINING)
SLOW = ("report", "publish", "transfer", "guess", "verify")


class Input(NamedTuple):
    """A command on a working directory.

    Attributes:
        right: whether it must work; None where it may or may not.
        damages: how many files of the results directory are damaged before.
    """

    program: str
    words: list[str]
    right: bool | None
    damages: int = 0

    @property
    def main(self) -> Callable[[list[str]], int]:
        """Return the command's main function."""
        if self.program == TRAINING:
            return importlib.import_module("rnnbench.cli.command").run_command
        name = f"rnnbench.{self.program}"
        is_folder = hasattr(importlib.import_module(name), "__path__")
        return importlib.import_module(f"{name}.__main__" if is_folder else name).main

    @property
    def own(self) -> list[str]:
        """Return what the command may change."""
        return ["out"] if self.program == TRAINING else COMMANDS[self.program][1].split()

    def __str__(self) -> str:
        module = TRAINING if self.program == TRAINING else f"{TRAINING}.{self.program}"
        return shlex.join(["python", "-m", module, *self.words])


def text(draw: Random, longest: int = 12) -> str:
    """Draw a text that a command line can hold: any without the character that ends one."""
    letters = "=+~.,[]{}()'\"$:@/\\ -ab1\n\té\u202e\udcff💥\x1b"
    return "".join(draw.choice(letters) for _ in range(draw.randrange(longest)))


def training(draw: Random) -> Input:
    """Draw a training command: a few settings, and now and then a word of another kind."""
    settings = dict(word.split("=", 1) for word in TINY.split())
    known: list[bool | None] = []
    for key in draw.sample(sorted(KEYS), draw.randrange(4)):
        right, wrong = KEYS[key]
        settings[key], is_right = draw.choice(
            [
                (draw.choice(right.split()), True),
                *[(draw.choice(wrong.split()), False)] * 2,
                (draw.choice(NONSENSE.split()), None if key in FREE else False),
                (draw.choice(HUGE.split()), None),
                (text(draw), None),
            ]
        )
        known.append(is_right)
    words = [f"{key}={value}" for key, value in settings.items()]
    if draw.random() < 0.5:
        words.insert(draw.randrange(len(words)), draw.choice(STRAY.split()))
        known.append(False)
    if draw.random() < 0.1:
        words.append(draw.choice([*SHOWING.split(), *[text(draw, 20)] * 6]))
        known.append(None)
    return Input(TRAINING, words, None if None in known else all(known))


def other(draw: Random) -> Input:
    """Draw another command with words that are wrong, or a word of any kind."""
    name = draw.choice(sorted(COMMANDS))
    right, _, bad = COMMANDS[name]
    wrong = draw.sample(bad.split(), draw.randrange(3))
    words = [*right.split(), *(wrong or [draw.choice([text(draw, 20), "--", "-", "@file"])])]
    return Input(name, words, False if wrong or name in ALWAYS_WRONG else None)


def reading(draw: Random) -> Input:
    """Draw a command on a results directory of which some files are damaged."""
    name, *options = draw.choice(SLOW if draw.random() < 1 / 60 else (*QUICK, "train")).split()
    words = OVER_RESULTS if name == TRAINING else COMMANDS[name][0]
    return Input(name, [*words.split(), *options], None, draw.randint(1, 3))


KINDS = {"training": training, "reading": reading, "other": other}
