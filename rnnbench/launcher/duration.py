"""Durations as people read them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Return a duration in the unit that suits it: `12 s`, `3 min`, `2.5 h`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
