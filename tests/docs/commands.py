"""How a command of the documentation is run by the tests, and why some are not."""

import re
import shlex
import sys

from .markdown import ROOT

# A training of so many steps is run; what trains longer, and every sweep, is planned only.
FEW_STEPS = 600
PYTHON = ("python", ".venv/bin/python")
BENCH = "--rounds 1 --processes 1 --cells rnn --shapes 8,4,5".split()
# Commands that are not run, and why.
EXCEPTED = {
    "source": "the tests' interpreter stands for the activated environment",
    "pip": "needs the network; the tests of packaging install the wheel and a clean clone",
    ".venv/bin/pre-commit": "writes into .git of the checkout",
}
EXCEPTED_MODULES = {
    "rnnbench.verify": "results of another machine need not be the same; tests/verify trains some",
    "rnnbench.sync": "needs a W&B account; tests/tracker/test_online.py runs it with a stand-in",
}


class Unknown(ValueError):
    """A command that the tests do not know how to run."""


def lines_of(text):
    """Return the commands of a bash block, as words."""
    whole = text.replace("\\\n", " ")
    # As in a shell, a comment begins with a word of its own: gru=#1b6 has none.
    words = [shlex.split(re.sub(r"(^|\s)#.*", "", line)) for line in whole.splitlines()]
    return [line for line in words if line]


def as_run(words):
    """Return a command's words as the tests run it; none where it is excepted.

    Raises:
        Unknown: it has no way to be run, and no reason not to be.
    """
    program, *rest = words
    single = not {"&&", "||", "|", ";", ">"} & set(words)
    if program == "make" and single:
        # It would install, train for minutes, or run these tests: only what it would do is asked.
        return ["make", "-n", "-C", str(ROOT), *rest]
    if program in EXCEPTED and single:
        return []
    if program in PYTHON and single and "+cluster=" in " ".join(rest):
        return []  # needs that cluster; tests/launcher/cluster runs its like
    if program in PYTHON and single and rest[:1] == ["docs/draw.py"]:
        return [sys.executable, *rest]
    if program in PYTHON and single and rest[0] == "-m" and rest[1] in EXCEPTED_MODULES:
        return []
    if program in PYTHON and single and rest[0] == "-m" and re.match(r"rnnbench(\.|$)", rest[1]):
        return ["-m", rest[1], *_bounded(rest[1], rest[2:])]
    raise Unknown(f"tests/docs/commands.py does not know how to run: {shlex.join(words)}")


def _bounded(module, arguments):
    """Return the arguments with what keeps a command short."""
    if module == "rnnbench.bench":
        return [*arguments, *BENCH]
    if module != "rnnbench" or _is_short(arguments):
        return arguments
    return [*arguments, "dry_run=true"]


def _is_short(arguments):
    values = dict(word.split("=", 1) for word in arguments if "=" in word)
    if "dry_run" in values or "--help" in arguments:
        return True
    return "+sweep" not in values and int(values.get("trainer.steps", 3000)) <= FEW_STEPS


def is_long(step):
    """Return whether a command, as it is run, is for the slow tests; another test has its like."""
    kind, *rest = step
    if kind == sys.executable:
        return True
    if kind != "-m":
        return False
    module, *arguments = rest
    several = module == "rnnbench.report" and len(arguments) > 1
    trains = module == "rnnbench" and "dry_run=true" not in arguments
    return several or trains or module == "rnnbench.bench"
