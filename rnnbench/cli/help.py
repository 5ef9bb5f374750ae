"""List keys and commands for `--help`."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

PACKAGE = Path(__file__).resolve().parent.parent
WIDTH = 100


def register_help() -> None:
    """Let the help's template use `${rnnbench.keys:}` and `${rnnbench.commands:}`."""
    OmegaConf.register_new_resolver("rnnbench.keys", keys, replace=True)
    OmegaConf.register_new_resolver("rnnbench.commands", commands, replace=True)


def keys(*, _root_: DictConfig) -> str:
    """Return every key of a configuration: a line for each section, then all other keys."""
    lines, alone = [], []
    for key in filter(lambda key: key != "hydra", _root_):
        node = _root_._get_node(key)
        if isinstance(node, DictConfig):
            names = [str(name) for name in node if not str(name).startswith("_")]
            lines.append(f"{key}: {', '.join(names)}")
        else:
            alone.append(str(key))
    return "\n".join([*lines, ", ".join(alone)])


def commands() -> str:
    """Return a line for each other command: its name, and what it is for."""
    found = find_commands()
    width = max(len(words) for words, _ in found)
    return "\n".join(f"{words:<{width}}  {purpose}" for words, purpose in found)


def find_commands() -> list[tuple[str, str]]:
    """Return the words and the purpose of each command, as its module's docstring has them."""
    found = []
    for path in sorted([*PACKAGE.glob("*.py"), *PACKAGE.glob("*/__main__.py")]):
        text = path.read_text(encoding="utf-8")
        if '\nif __name__ == "__main__":' not in text:
            continue
        docstring = ast.get_docstring(ast.parse(text)) or ""
        head = re.match(r"`python -m (rnnbench\.[^`]*)`: (.*)", docstring)
        if head:
            found.append((head.group(1), head.group(2).rstrip(".")))
    return found


def wrap(text: str) -> str:
    """Fold the lines of a text that are wider than a screen."""
    lines = []
    for line in text.splitlines():
        margin = line[: len(line) - len(line.lstrip())]
        folded = textwrap.wrap(line, WIDTH, subsequent_indent=margin + 4 * " ")
        lines += folded or [""]
    return "\n".join(lines)
