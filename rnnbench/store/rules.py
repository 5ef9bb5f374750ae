"""Check values that come from a file by rules, and say in words what each must be."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

LONGEST_NAME = 200
LONGEST_TEXT = 100_000
MOST = 2**53  # whole numbers up to here are exact as floats, too
LARGEST = 1e100  # of a number: squares of larger ones, and sums of squares, are not finite
SHOWN = 60  # characters of a wrong value


class Rule(NamedTuple):
    """What a value must be: the words after "must be", and the check."""

    words: str
    holds: Callable[[Any], bool]

    @property
    def or_none(self) -> Rule:
        holds = self.holds
        return Rule(f"{self.words}, or null", lambda value: value is None or holds(value))


def whole(least: int, most: int = MOST) -> Rule:
    """Return the rule of whole numbers from `least` to `most`."""
    return Rule(
        f"a whole number from {least} to {most}",
        lambda value: type(value) is int and least <= value <= most,
    )


def one_of(choices: Iterable[str]) -> Rule:
    """Return the rule of a few words."""
    known = tuple(choices)
    return Rule(f"one of {', '.join(known)}", lambda value: value in known)


def _number(words: str, least: float, most: float) -> Rule:
    """Return the rule of numbers from `least` to `most`; whole ones are exact as floats, too."""
    least_whole, most_whole = max(least, -MOST), min(most, MOST)

    def holds(value: Any) -> bool:
        if type(value) is float:
            return least <= value <= most
        return type(value) is int and least_whole <= value <= most_whole

    return Rule(words, holds)


def is_text(value: Any) -> bool:
    """Return whether a value is a text that can be written again: no half of a surrogate pair."""
    return (
        isinstance(value, str)
        and len(value) <= LONGEST_TEXT
        and (value.isascii() or not re.search("[\ud800-\udfff]", value))
    )


def is_name(value: Any) -> bool:
    """Return whether a value can be shown as a name: on one line, and not too long."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable()


# What was measured just before a run diverged may have any size; the report cuts it.
FINITE = _number("a finite number", -sys.float_info.max, sys.float_info.max)
NUMBER = _number(f"a number from -{LARGEST:g} to {LARGEST:g}", -LARGEST, LARGEST)
SHARE = _number("a number from 0 to 1", 0, 1)
AT_LEAST_0 = _number(f"a number from 0 to {LARGEST:g}", 0, LARGEST)
ABOVE_0 = _number(f"a number above 0, up to {LARGEST:g}", math.ulp(0.0), LARGEST)
NAME = Rule(f"a name of 1 to {LONGEST_NAME} printable characters", is_name)
TEXT = Rule(f"a text of at most {LONGEST_TEXT} characters", is_text)
TRUTH = Rule("true or false", lambda value: isinstance(value, bool))
LIST = Rule("a list", lambda value: isinstance(value, list))
SHARES = Rule(
    "numbers from 0 to 1 by whole numbers",
    lambda found: (
        isinstance(found, dict)
        and all(re.fullmatch(r"[1-9][0-9]{0,8}", str(key)) for key in found)
        and all(map(SHARE.holds, found.values()))
    ),
)
SECTION = Rule("an object", lambda value: isinstance(value, dict))
# Files are named after it.
IDENTITY = Rule(
    "1 to 64 letters, digits, dashes and underscores",
    lambda value: isinstance(value, str) and bool(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value)),
)
Rules = Mapping[str, Rule]


def replica(most: int = MOST, rate: Rule = ABOVE_0) -> Rule:
    """Return the rule of pairs of a seed up to `most` and a learning rate."""
    seed = whole(0, most)

    def holds(pair: Any) -> bool:
        is_pair = isinstance(pair, list) and len(pair) == 2
        return is_pair and seed.holds(pair[0]) and rate.holds(pair[1])

    return Rule("a seed and a learning rate", holds)


def list_of(rule: Rule) -> Rule:
    """Return the rule of lists of values that each obey a rule."""
    return Rule(
        f"a list, each {rule.words}",
        lambda value: isinstance(value, list) and all(map(rule.holds, value)),
    )


def check_fields(found: Any, needed: Rules, optional: Rules, what: str) -> None:
    """Check the values of an object.

    Raises:
        ValueError: it is none, or it lacks something, or a value is wrong.
    """
    if not isinstance(found, dict):
        raise ValueError(f"{what} must be an object, got {shown(found)}")
    if not needed.keys() <= found.keys():
        missing = needed.keys() - found.keys()
        raise ValueError(f"{what} must have {', '.join(sorted(missing))}")
    for rules in (needed, optional):
        for key, (words, holds) in rules.items():
            if key in found and not holds(found[key]):
                raise ValueError(f"{what}'s {key} must be {words}, got {shown(found[key])}")


def shown(value: Any) -> str:
    """Return the beginning of a value, on one line."""
    try:
        text = ascii(value)
    except (RecursionError, ValueError):  # too deep, or a number of too many digits
        text = f"a {type(value).__name__}"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
