"""The choices of engines that are remembered beside the results, as data from anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rnnbench.errors import warn
from rnnbench.rules import AT_LEAST_0, Rule, Rules, is_text
from rnnbench.within import read_file

FILE = "engines.json"
# In this order, the first that is nearly the fastest: a close race is not decided by noise.
PREFERENCE = ("compiled", "reference", "torch")
Choice = dict[str, Any]


def _of_engines(rule: Rule) -> Rule:
    """Return the rule of objects that have something for some of the engines."""
    return Rule(
        f"for some engines {rule.words}",
        lambda found: (
            isinstance(found, dict)
            and found.keys() <= set(PREFERENCE)
            and all(map(rule.holds, found.values()))
        ),
    )


ENGINE = Rule(f"one of {', '.join(PREFERENCE)}", lambda value: value in PREFERENCE)
REASON = Rule("a printable text", lambda value: is_text(value) and value.isprintable())
CHOICE: Rules = {
    "engine": ENGINE,
    "seconds_per_step": _of_engines(AT_LEAST_0),
    "lacking": _of_engines(REASON),
}


def read_choices(path: Path) -> dict[str, Choice]:
    """Return the remembered choices; none where there is no file, or one that says no such thing.

    That one is named.
    """
    try:
        found = json.loads(read_file(path))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        found = None
    pairs = found.items() if isinstance(found, dict) else ()
    choices = {key: choice for key, choice in pairs if _is_choice(choice)}
    if not isinstance(found, dict) or len(choices) < len(found):
        warn(f"{path} is passed over: no choice of engines")
    return choices


def _is_choice(choice: Any) -> bool:
    return isinstance(choice, dict) and all(
        rule.holds(choice.get(name)) for name, rule in CHOICE.items()
    )
