"""Draw the accuracy at each distance, of tasks whose distances vary inside a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from rnnbench.plot.curves import Curve
from rnnbench.plot.frame import Canvas
from rnnbench.plot.looks import REFERENCE_COLOUR
from rnnbench.plot.selection import Selection
from rnnbench.plot.summary import BROKEN
from rnnbench.store.settings import curve_label

PER_OCTAVE = 4  # dots: of single distances many would lie on each other, and be of few answers
SPAN = 1.5  # times the least distance: nearer ones lie on the marks of their gap
DOTTED: Any = {"marker": ".", "ms": 3, "lw": 0.6, "linestyle": (0.0, (4, 2)), "zorder": 3}


def curves_by_age(chosen: Selection, task: str) -> dict[Curve, pd.Series[float]]:
    """Return what `by_age` does of a task's curves in colour, where distances differ by SPAN."""
    in_colour = [each for each in chosen.curves if not chosen.styles[each].is_behind]
    found = {each: by_age(chosen.of(task, each)) for each in in_colour}
    return {
        each: means for each, means in found.items() if means.index.max() > SPAN * means.index.min()
    }


def by_age(runs: pd.DataFrame) -> pd.Series[float]:
    """Return the mean accuracy over seeds by distance, at the greatest gap of a curve's runs.

    Neighbouring distances are one. Broken runs count with the chance of all answers, as in every
    mean. There are no rows where no run tells its answers apart.
    """
    own = runs[runs["gap"] == runs["gap"].max()]
    told = own["accuracy_by_age"].dropna()
    if told.empty:
        return pd.Series(dtype=float)
    chances = own.loc[own["status"].isin(BROKEN), "chance_accuracy"]
    broken = [dict.fromkeys(told.iloc[0], chance) for chance in chances]
    means = pd.DataFrame([*told, *broken]).mean()
    ages = np.log2(means.index.astype(float))
    bins = pd.DataFrame({"age": ages, "mean": means}).groupby(np.round(PER_OCTAVE * ages)).mean()
    return pd.Series(bins["mean"].to_numpy(), index=2 ** bins["age"])


def draw_ages(panel: Axes, chosen: Selection, each: Curve, means: pd.Series[float]) -> None:
    """Draw what `by_age` returns of a curve: small dots, joined by a thin line."""
    look = {**DOTTED, "color": chosen.styles[each].colour}
    panel.plot(means.index, means, **look, label=f"_ages {curve_label(*each)}")


def ages_entry(canvas: Canvas) -> list[tuple[Any, str]]:
    """Return the entry of a legend that says what the dots are, where there are any."""
    lines = [line for panel in canvas.panels.values() for line in panel.get_lines()]
    if not any(str(line.get_label()).startswith("_ages") for line in lines):
        return []
    mark = Line2D([], [], color=REFERENCE_COLOUR, **DOTTED)
    return [(mark, "at each distance, greatest gap")]
