"""Draw stored results as figures, tables and a page, without training code and without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnnbench.report.drawn import is_drawn

if TYPE_CHECKING:
    from rnnbench.report.write import draw_report, write_report

__all__ = ["draw_report", "is_drawn", "write_report"]


def __getattr__(name: str) -> Any:
    """Import what draws when it is first asked for: `is_drawn` needs no library that draws."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rnnbench.report import write

    return getattr(write, name)
