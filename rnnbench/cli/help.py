"""List keys and commands for `--help`."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parent.parent
WIDTH = 100
# Kinds of cells, and of tasks by what must be kept, in the order in which they are listed.
KINDS = (
    *("classical", "gated", "input-gated", "linear", "oscillating", "orthogonal", "reference"),
    *("one item", "many items", "which item", "order", "numbers"),
)


TEXT = """\
rnnbench: how far back can a recurrent cell remember, at what cost, and why does it stop?

python -m rnnbench +sweep=gaps                               the main job; figures in its report/
python -m rnnbench +sweep=smoke                              everything once, in a minute
python -m rnnbench +sweep=gaps cell=gru,lstm task.gap=20,40  the command line narrows a sweep
python -m rnnbench task=adding cell=gru task.gap=50 seeds=5  one condition, five seeds
python -m rnnbench +sweep=gaps dry_run=true                  the plan, and what it will cost

Choices
{choices}

Keys, as in trainer.lr=1e-3; --cfg job prints them with their values
{keys}

Commands, as in python -m rnnbench report results/gaps; each has --help
{commands}

--config-dir DIR adds your own tasks, cells and sweeps; --version is rnnbench's.
"""


def help_text(choices: Mapping[str, Sequence[str]], keys: Iterable[str], files: Path) -> str:
    """Return what `--help` prints.

    Args:
        choices: of each group.
        keys: all keys, those of sections with a dot.
        files: the directory of the shipped choices.
    """
    groups = [
        line for group, names in choices.items() for line in _choice_lines(group, names, files)
    ]
    found = find_commands().values()
    width = max(len(command.words) for command in found)
    commands = [f"{command.words:<{width}}  {command.purpose}" for command in found]
    parts = {"choices": groups, "keys": _key_lines(keys), "commands": commands}
    return wrap(TEXT.format_map({name: "\n".join(lines) for name, lines in parts.items()}))


def _choice_lines(group: str, names: Sequence[str], files: Path) -> list[str]:
    """Return a group's choices: by kind, a line each, where their files begin with one."""
    kinds: dict[str, list[str]] = {}
    width = max(map(len, names), default=0)
    for name in names:
        path = files / group / f"{name}.yaml"
        first = path.read_text(encoding="utf-8").partition("\n")[0] if path.exists() else ""
        kind, told, line = first.removeprefix("# ").partition(": ")
        has_line = told and first.startswith("# ")
        text = f"    {name:<{width}}  {line}" if has_line else name
        kinds.setdefault(kind if has_line else "", []).append(text)
    plain = kinds.pop("", [])
    lines = [f"{group}: {', '.join(plain)}" if plain else f"{group}:"]
    order = {kind: place for place, kind in enumerate(KINDS)}
    for kind in sorted(kinds, key=lambda kind: (order.get(kind, len(order)), kind)):
        lines += [f"  {kind}", *kinds[kind]]
    return lines


def _key_lines(keys: Iterable[str]) -> list[str]:
    """Return a line for each section, then all other keys."""
    sections: dict[str, list[str]] = {}
    for key in keys:
        section, _, name = key.partition(".")
        sections.setdefault(section, []).extend([name] if name else [])
    lines = [f"{section}: {', '.join(names)}" for section, names in sections.items() if names]
    return [*lines, ", ".join(section for section, names in sections.items() if not names)]


class Command(NamedTuple):
    """A command besides the main one: its module, and its words and purpose for the help."""

    module: str
    words: str
    purpose: str


def find_commands() -> dict[str, Command]:
    """Return each command by its name, as its module's docstring tells of it."""
    found = {}
    for path in sorted([*PACKAGE.glob("*.py"), *PACKAGE.glob("*/__main__.py")]):
        text = path.read_text(encoding="utf-8")
        if '\nif __name__ == "__main__":' not in text:
            continue
        docstring = ast.get_docstring(ast.parse(text)) or ""
        head = re.match(r"`python -m rnnbench\.((\w+)[^`]*)`: (.*)", docstring)
        if head:
            words, name, purpose = head.groups()
            module = f"rnnbench.{name}" + ".__main__" * (path.name == "__main__.py")
            found[name] = Command(module, words, purpose.rstrip("."))
    return found


def wrap(text: str) -> str:
    """Fold the lines of a text that are wider than a screen."""
    lines = []
    for line in text.splitlines():
        margin = line[: len(line) - len(line.lstrip())]
        folded = textwrap.wrap(line, WIDTH, subsequent_indent=margin + 4 * " ")
        lines += folded or [""]
    return "\n".join(lines)
