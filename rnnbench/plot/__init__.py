"""Draw stored results: how far back cells remember, how they learn, and why they forget.

Each function takes the plain frames of `rnnbench.load_results`, `load_history`, `load_diagnosis`
and `load_transfer`, and returns matplotlib's Axes: one, or an array where there are several panels.
matplotlib is imported here, as it is without the user's settings; what draws, when it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from rnnbench.console import matplotlib_settings

if TYPE_CHECKING:
    from rnnbench.plot.diagnosis import cue, gradient
    from rnnbench.plot.files import save
    from rnnbench.plot.gap import curve
    from rnnbench.plot.gating import gates
    from rnnbench.plot.loads import load
    from rnnbench.plot.looks import style
    from rnnbench.plot.matrix import transfer
    from rnnbench.plot.reach import horizons
    from rnnbench.plot.solved import solving
    from rnnbench.plot.starts import keep_bias
    from rnnbench.plot.training import learning

SETTINGS = matplotlib_settings()  # before any other module imports it

_HOMES = {
    "cue": "diagnosis",
    "curve": "gap",
    "gates": "gating",
    "gradient": "diagnosis",
    "horizons": "reach",
    "keep_bias": "starts",
    "learning": "training",
    "load": "loads",
    "save": "files",
    "solving": "solved",
    "style": "looks",
    "transfer": "matrix",
}
__all__ = ["cue", "curve", "gates", "gradient", "horizons", "keep_bias", "learning", "load"]
__all__ += ["save", "solving", "style", "transfer"]


def __getattr__(name: str) -> Any:
    """Import what draws when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
