"""The axis of gaps: logarithmic, with the measured gaps as its ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

LABEL_ROOM = 0.075  # of the axis: narrower ticks stay without a number


def set_gap_ticks(panel: Axes, gaps: Sequence[float]) -> None:
    """Put a tick at every gap on a logarithmic axis, with a number where there is room."""
    panel.set_xscale("log")
    margin = 1.25 if len(gaps) > 1 else 2
    low, high = gaps[0] / margin, gaps[-1] * margin
    panel.set_xlim(low, high)
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_locator(FixedLocator(gaps))
    labels, last = [], -math.inf
    for gap in gaps:
        place = math.log(gap / low) / math.log(high / low)
        shown = place - last >= LABEL_ROOM
        labels.append(f"{gap:g}" if shown else "")
        last = place if shown else last
    panel.set_xticks(gaps, labels)


def room_at_a_gap(gaps: Sequence[float]) -> float:
    """Return the width, in log gap, in which a gap's marks stay clear of its neighbours'."""
    nearest = np.diff(np.log(gaps)).min() if len(gaps) > 1 else math.log(2)
    return 0.5 * float(nearest)
