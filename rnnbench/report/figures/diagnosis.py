"""Draw why runs forget: the gradient against the lag, the cue against time, a panel per curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from rnnbench.diagnose.label import VANISHED
from rnnbench.plot.curves import CURVE, curves_of
from rnnbench.report.document import Figure, one_panel_each
from rnnbench.report.figures.frame import mark_level, panel_grid, plain
from rnnbench.report.figures.style import REFERENCE_COLOUR, SHIPPED, Style, curve_styles, themed
from rnnbench.report.study import Study
from rnnbench.store.diagnoses import Diagnoses
from rnnbench.store.rules import LARGEST
from rnnbench.store.settings import curve_label

MOST_COLUMNS = 4
MOST_GAPS = 3
SHOWN = ["task", "label", "gap", "phase", "name", "run_id", "value"]  # of a curve
LOOKS: dict[str, Any] = {"initial": {"ls": "--", "lw": 1.4}, "trained": {"lw": 2.0}}
# What is less lies at the lower edge, for nothing else would be seen; more widens the axis.
FAINTEST, STRONGEST = 1e-9, 1e2
Panels = dict[tuple[str, str], Axes]


@themed
def draw_gradients(diagnoses: Diagnoses) -> Drawing:
    """Draw the gradient's norm against the lag, as a multiple of that at lag 0."""
    curves = diagnoses.curves[diagnoses.curves.measure == "gradient"]
    curves = curves[curves.age >= 0]
    total = curves[curves.name == "total"]
    at_the_end = total[total.lag == 0].set_index(["run_id", "phase"])["value"]
    keys = pd.MultiIndex.from_frame(curves[["run_id", "phase"]])
    ratios = curves["value"] / at_the_end.reindex(keys).to_numpy()
    curves = curves.assign(value=ratios.clip(upper=LARGEST))
    xlabel, ylabel = "lag (time steps)", "gradient / at lag 0"
    figure = _draw(diagnoses.runs, curves, "total", "lag", xlabel, ylabel)
    top = max(STRONGEST, 2 * float(curves["value"].max()))
    for panel in figure.axes:
        panel.set(yscale="log", ylim=(FAINTEST, top))
        mark_level(panel, VANISHED, "noise")
        for marks in panel.collections:
            low = np.asarray(marks.get_offsets()).clip(min=FAINTEST)
            marks.set(offsets=low, clip_on=False)
    one_state = Line2D([], [], color=REFERENCE_COLOUR, lw=1, ls=":")
    name_lines(figure, *_of_seeds(), (one_state, "after, h alone"))
    return figure


@themed
def draw_cue(diagnoses: Diagnoses) -> Drawing:
    """Draw what a linear read-out recovers of the cue against the time since it was shown."""
    curves = diagnoses.curves[(diagnoses.curves.measure == "cue") & (diagnoses.curves.age >= 0)]
    xlabel, ylabel = "time steps since the cue", "recoverable of the cue"
    figure = _draw(diagnoses.runs, curves, "cue", "age", xlabel, ylabel)
    for panel in figure.axes:
        panel.set(ylim=(-0.06, 1.06))
        mark_level(panel, 0, "chance")
    name_lines(figure, *_of_seeds())
    return figure


def curve_grid(
    pairs: Sequence[tuple[str, str]], width: float = 2.9, ylabel: str = ""
) -> tuple[Drawing, Panels]:
    """Return a figure with a titled panel for each (task, label), tasks on rows of their own.

    A panel is `width` inches wide.
    """
    by_task = [list(own) for _, own in groupby(pairs, key=itemgetter(0))]
    most = max(map(len, by_task))
    columns = math.ceil(most / math.ceil(most / MOST_COLUMNS))
    rows = [own[at : at + columns] for own in by_task for at in range(0, len(own), columns)]
    figure, panels = panel_grid(rows, width, 2.3, ylabel)
    for (task, label), panel in panels.items():
        panel.set_title(plain(f"{task}, {label}"), fontsize="medium")
    return figure, panels


def _set_time_axis(panel: Axes, gaps: Sequence[int], most: int) -> None:
    """Draw time steps from 0 up to `most`, log from 1 on, with a tick at each gap."""
    panel.set_xscale("symlog", linthresh=1, linscale=0.3)
    panel.set_xticks([0, 1, *gaps], ["0", "1", *(f"{gap:g}" for gap in gaps)])
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set_xlim(-0.15, most * 1.25)


def name_lines(figure: Drawing, *extra: tuple[Line2D | Patch, str]) -> None:
    """Put one legend for all panels below them: what is dashed, thick, thin, and what else."""
    first = Line2D([], [], color=REFERENCE_COLOUR, ls="--", lw=1.4)
    last = Line2D([], [], color=REFERENCE_COLOUR, lw=2)
    medians = (first, "before training, seeds' median"), (last, "after, seeds' median")
    handles, texts = zip(*medians, *extra, strict=True)
    columns = 2 if figure.get_figwidth() < 7 else len(handles)
    figure.legend(handles, texts, loc="outside lower center", ncols=columns, fontsize="small")


def _of_seeds() -> list[tuple[Line2D, str]]:
    seed = Line2D([], [], color=REFERENCE_COLOUR, lw=0.6)
    end = Line2D([], [], color=REFERENCE_COLOUR, marker="o", mfc="white", ls="none", ms=4)
    return [(seed, "after, one seed"), (end, "one seed at the gap")]


def panels_of(curves: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the (task, label) pairs that are there, in the order of panels."""
    pairs = curves[[*CURVE, "label"]].drop_duplicates()
    # The plain network first: the others are answers to what it cannot do.
    pairs = pairs.assign(place=[SHIPPED.get(cell, len(SHIPPED)) for cell in pairs["cell"]])
    pairs = pairs.sort_values(["task", "variant", "place", "cell"], kind="stable")
    return list(zip(pairs["task"], pairs["label"], strict=True))


def drawn_gaps(curve: pd.DataFrame) -> list[int]:
    """Return the gaps of a curve to draw: the least, the middle one and the greatest."""
    gaps = sorted(curve["gap"].unique())
    return gaps if len(gaps) <= MOST_GAPS else [gaps[0], gaps[len(gaps) // 2], gaps[-1]]


def _draw(
    runs: pd.DataFrame, curves: pd.DataFrame, name: str, x: str, xlabel: str, ylabel: str
) -> Drawing:
    styles = {curve_label(*pair): style for pair, style in curve_styles(curves_of(runs)).items()}
    figure, panels = curve_grid(panels_of(curves), ylabel=ylabel)
    most = curves.groupby("task")["gap"].max()
    by_panel = dict(iter(curves[[*SHOWN, x]].groupby(["task", "label"])))
    for (task, label), panel in panels.items():
        own = by_panel[task, label]
        shown = drawn_gaps(own)
        _set_time_axis(panel, shown, most=most[task])
        panel.set_xlabel(xlabel)
        # A light shade for the least gap, a dark one for the greatest.
        shades = sns.blend_palette(["white", styles[label].colour, "black"], n_colors=9)[3:7]
        for gap, shade in zip(shown, shades[-len(shown) :], strict=True):
            lines = own[(own.gap == gap) & (own.name == name)]
            _draw_gap(panel, lines, x, styles[label]._replace(colour=shade))
        others = own[(own.gap == shown[-1]) & (own.phase == "trained")]
        if others["name"].nunique() > 2:  # total, and more than one state
            alone = others[others.name == others["name"].iloc[0]]
            middle = alone.groupby(x)["value"].median()
            panel.plot(middle.index, middle, color=shades[-1], ls=":", lw=1, zorder=3)
    return figure


def _draw_gap(panel: Axes, lines: pd.DataFrame, x: str, style: Style) -> None:
    """Draw all seeds of one gap, with a mark at the cue, where each line ends."""
    colour, gap = style.colour, lines["gap"].iloc[0]
    for phase, look in LOOKS.items():
        own = lines[(lines.phase == phase) & lines["value"].notna()]
        own = own.pivot(index=x, columns="run_id", values="value")
        if own.empty:
            continue
        middle = own.median(axis=1)
        panel.plot(middle.index, middle, color=colour, label=f"{phase} {gap}", zorder=4, **look)
        if phase == "trained":
            panel.plot(own.index, own, color=colour, lw=0.6, alpha=0.6, label="_seed", zorder=2)
            ends = np.full(own.shape[1], own.index.max())
            marks = panel.scatter(ends, own.iloc[-1], s=14, marker=style.marker, zorder=5)
            marks.set(facecolors="white", edgecolors=[colour], linewidths=0.9)
            marks.set_label(f"_ends {gap}")


def rows_of_curves(study: Study, measure: str) -> pd.Series[int]:
    """Return the panels of a figure that draws a measure: one for each curve that has it."""
    curves = study.diagnoses.curves
    return one_panel_each(panels_of(curves[curves["measure"] == measure]))


GRADIENT = Figure(
    "gradient_vs_lag",
    "Norm of the gradient of one answer's loss with respect to all states, against the lag: time "
    "steps before the read-out. As a multiple of that at lag 0; each line ends at its gap, where "
    "the cue is; marks at the lower edge lie below it. Dotted level: as large is the noise of a "
    "mean over all sequences of a training, so that what is less is lost among the rest.",
    draw=lambda study, size="text": draw_gradients(study.diagnoses),
    rows=lambda study: rows_of_curves(study, "gradient"),
)
CUE = Figure(
    "cue_vs_time",
    "What a linear read-out recovers of the cue from all states, on sequences held out, against "
    "the time since the cue was shown: 0 is chance, 1 all of it. Classes: accuracy corrected for "
    "chance; values: R squared. A network that keeps only a sum or a function of the cue needs "
    "less than 1; and what no linear read-out tells half-way may come back, for it is there in "
    "another form.",
    draw=lambda study, size="text": draw_cue(study.diagnoses),
    rows=lambda study: rows_of_curves(study, "cue"),
)
