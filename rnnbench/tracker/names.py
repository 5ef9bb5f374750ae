"""What W&B takes for the name of a thing, and how a longer one is cut."""

from __future__ import annotations

import re
from typing import Any

from rnnbench.store.rules import Rule
from rnnbench.store.settings import digest

LONGEST, LONGEST_TAG = 128, 64
NOT_IN_PLACES = r"/\#?%:"  # as W&B's client has it for projects


def _is_name(value: Any, longest: int = LONGEST) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()


GROUP = Rule(f"1 to {LONGEST} printable characters", _is_name)
# A project or an entity: part of an address.
PLACE = Rule(
    f"{GROUP.words}, none of {' '.join(NOT_IN_PLACES)}",
    lambda value: _is_name(value) and not set(value) & set(NOT_IN_PLACES),
)
TAGS = Rule(
    f"a list of texts of 1 to {LONGEST_TAG} printable characters",
    lambda value: isinstance(value, list) and all(_is_name(tag, LONGEST_TAG) for tag in value),
)


def fitted(name: str, longest: int = LONGEST) -> str:
    """Return a name of at most so many characters: its ends, and what tells it from others."""
    if len(name) <= longest:
        return name
    half = (longest - 8) // 2
    return f"{name[:half]}~{digest(name)[:6]}~{name[-half:]}"


def safe(name: str, longest: int = 80) -> str:
    """Return a name in letters that files and artifacts may have, told from others if changed."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:longest]
    return plain if plain == name else f"{plain}-{digest(name)[:6]}"
