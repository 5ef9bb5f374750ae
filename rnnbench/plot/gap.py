"""Draw score, accuracy or share solved against gap or path: a panel per task, a line per curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Unpack

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from rnnbench.plot import frame, naming
from rnnbench.plot.ages import ages_entry, curves_by_age, draw_ages
from rnnbench.plot.curves import Curve, is_tuned
from rnnbench.plot.frame import Canvas, Drawn
from rnnbench.plot.looks import REFERENCE_COLOUR, Style, known
from rnnbench.plot.options import Options, begin, themed
from rnnbench.plot.selection import KINDS, Selection, plain, shortened
from rnnbench.statistics import HORIZON, Interval, mean_interval, wilson_interval
from rnnbench.store.settings import curve_label

Floats = NDArray[np.float64]
Panel = tuple[str, bool, str]  # a task, whether rates are tuned, and what is across
SHARE = "share"
ACROSS = {"gap": ("gap",), "path": ("path",), "both": ("gap", "path")}  # by x
INTERVALS = {"score": "gaffke", "accuracy": "gaffke", SHARE: "wilson"}  # by measure
HEIGHTS = {"column": 1.5, "text": 1.65, "slides": 2.5, "phone": 1.9}  # of a row, in inches
IN_A_ROW = {"column": 1, "text": 3, "slides": 3, "phone": 1}
# Of a gap: how far a curve and its seeds are moved aside together, and its seeds beside it.
ASIDE, SWARM = 0.04, 0.01
NEAR = 0.02  # of the axis: marks nearer than this would cover each other
GUESSED: Any = {"color": "0.72", "lw": 1.2, "drawstyle": "steps-mid", "zorder": 1.2}


@themed
def curve(
    runs: pd.DataFrame,
    y: str = "score",
    *,
    x: str = "gap",
    level: float = HORIZON,
    interval: str | None = "usual",
    seeds: bool = True,
    guesses: pd.DataFrame | None = None,
    **options: Unpack[Options],
) -> Drawn:
    """Draw a measure against the gap: the mean over seeds, its interval, and every seed.

    The path is how many steps of the cell are from the oldest input to the answer: over time the
    gap, over a balanced tree (`model.wiring`) its levels.

    Curves with tuned rates have panels of their own below. Where all seeds of a gap agree,
    "10/10" says how many they are. A share of runs has neither marks of seeds nor guesses.

    Args:
        runs: of `rnnbench.load_results`.
        y: "score", "accuracy" or "share", of runs that solve their task.
        x: "gap", "path", or "both" of them side by side.
        level: of the score, at which the horizon is read.
        interval: None for none; else that of the measure: "gaffke", of a share "wilson".
        seeds: whether each one is marked.
        guesses: of `rnnbench.load_guesses`; the best random network of each gap is drawn.
    """
    usual = INTERVALS[known("y", y, INTERVALS)]
    if interval != "usual":
        known("interval", interval, (usual, None))
    axes = ACROSS[known("x", x, ACROSS)]
    chosen, where = begin(runs, options)
    chosen = chosen._replace(runs=chosen.runs.assign(path=path_lengths(chosen.runs)))
    if y == SHARE:
        chosen = chosen._replace(runs=chosen.runs.assign(share=chosen.runs["status"] == "solved"))
        seeds, guesses = False, None
    rows = _rows(chosen, where.size, axes)
    beside = naming.room_beside(list(chosen.looks))
    canvas = frame.make_canvas(rows, HEIGHTS[where.size], where, beside=beside, around=0.9)
    best = None if guesses is None or guesses.empty else best_of_cells(guesses)
    look = _Look(y, level, interval, seeds)
    for (task, kind, axis), panel in canvas.panels.items():
        _draw_panel(canvas, panel, chosen, (task, kind, axis), look)
        if best is not None and axis == "gap":
            own = best[best["task"] == task]
            panel.plot(own["gap"], own[y].clip(0, 1), **GUESSED, label="_random networks")
    _name_panels(canvas, rows, chosen, "share solved" if y == SHARE else y)
    named = naming.name_curves(canvas, rows, chosen, marked=seeds)
    naming.add_legend(canvas, [*named, *_entries(chosen, look, best), *ages_entry(canvas)])
    frame.stamp(canvas, chosen.runs["sweep"])
    return canvas.drawn


class _Look(NamedTuple):
    """What is drawn of each curve."""

    measure: str
    level: float
    interval: str | None
    seeds: bool


def path_lengths(runs: pd.DataFrame) -> pd.Series[int]:
    """Return of each run the steps of the cell from the oldest input to the answer."""
    if "model.wiring" not in runs:
        return runs["gap"]
    levels = np.ceil(np.log2(runs["sequence_length"]))
    return runs["gap"].where(runs["model.wiring"] != "balanced", levels).astype("int64")


def _rows(chosen: Selection, size: str, axes: Sequence[str]) -> list[list[Panel | None]]:
    """Arrange panels: tasks across, tuned rates in rows of their own; tasks down in a column.

    Two axes of a task are side by side, but for a phone's.
    """
    tasks, kinds = chosen.tasks, chosen.kinds
    if len(axes) > 1 and size != "phone":
        return [[(task, kind, axis) for axis in axes] for task in tasks for kind in kinds]
    if size == "column" and len(kinds) > 1:
        return [[(task, kind, axes[0]) for kind in kinds] for task in tasks]
    across = 2 if size == "column" and len(tasks) > 3 else IN_A_ROW[size]
    parts = frame.split(tasks, across)
    below = [(kind, axis) for kind in kinds for axis in axes]
    return [[(task, *own) for task in part] for part in parts for own in below]


def _name_panels(canvas: Canvas, rows: Any, chosen: Selection, measure: str) -> None:
    """Write tasks above panels, and at the left what is drawn and with which rates."""
    several = len(chosen.kinds) > 1
    side_by_side = len(rows[0]) > 1 and len({task for task, *_ in rows[0]}) == 1
    kinds_below = several and len({kind for _, kind, _ in rows[0]}) == 1
    for number, row in enumerate(rows):
        for place, (task, kind, axis) in enumerate(row):
            panel = canvas.panels[task, kind, axis]
            title = plain(shortened(task, min(24, canvas.longest)))
            if side_by_side:
                panel.set_title(KINDS[kind] if several and not kinds_below and not number else "")
            else:
                panel.set_title(title if not (kind and several) else "")
            own = title if side_by_side else ""
            if kinds_below:
                own = f"{own}, {KINDS[kind]}" if own else KINDS[kind]
            panel.set_ylabel(f"{own}\n{measure}" if own else measure)
            if canvas.is_named_below(rows, number, place):
                panel.set_xlabel("")
            if place and canvas.is_own:
                panel.set_ylabel("")
                panel.tick_params(labelleft=False)


def _draw_panel(canvas: Canvas, panel: Axes, chosen: Selection, key: Panel, look: _Look) -> None:
    """Draw the curves with one kind of rates, on the axis of all gaps or paths of the task."""
    task, kind, axis = key
    runs = chosen.of(task)
    ticks = sorted(runs[axis].unique())
    varies = (runs["least_distance"] < runs["greatest_distance"]).any()
    unit = "time steps" if axis == "gap" else "steps of the cell"
    panel.set_xlabel(f"{axis} ({unit}{'; distances vary' if varies else ''})")
    panel.set_ylim(-0.14, 1.14)
    panel.set_yticks([0, 0.25, 0.5, 0.75, 1])
    by_age = curves_by_age(chosen, task) if (look.measure, axis) == ("accuracy", "gap") else {}
    ends = (runs["least_distance"].min(), runs["greatest_distance"].max()) if by_age else ()
    frame.set_gap_ticks(panel, sorted({*ticks, *ends}), canvas.width)
    _draw_levels(canvas, panel, runs, look, axis)
    curves = [each for each in chosen.curves if is_tuned(each[1]) == kind]
    curves = [each for each in curves if len(chosen.of(task, each))]
    points = []
    for place, each in enumerate(curves):
        own = chosen.of(task, each)
        aside = np.exp(ASIDE * (2 * (place + 0.5) / len(curves) - 1))
        places = own.groupby("gap")[axis].first().to_numpy(float)
        found = _draw_curve(panel, own, each, places * aside, chosen.styles[each], look)
        points.append(found.assign(place=places))
        if each in by_age:
            draw_ages(panel, chosen, each, by_age[each])
    if look.measure != SHARE:
        _count_agreeing(canvas, panel, pd.concat(points), ticks)


def _draw_curve(
    panel: Axes, runs: pd.DataFrame, each: Curve, places: Floats, style: Style, look: _Look
) -> pd.DataFrame:
    """Draw one curve, its gaps at their places; return its points: seeds, low, high."""
    by_gap = [values for _, values in runs.groupby("gap")[look.measure]]
    mean, low, high = np.array([_interval(values, look) for values in by_gap]).T
    label = curve_label(*each)
    panel.plot(places, mean, **{"zorder": 4} | style.line, label=label)
    if look.interval and not style.is_behind:
        known_ends = np.isfinite(low)
        ends = (places[known_ends], low[known_ends], high[known_ends])
        panel.vlines(*ends, color=style.colour, lw=0.9, alpha=0.65, label=f"_interval {label}")
    if look.seeds and not style.is_behind:
        _draw_seeds(panel, by_gap, places, style).set_label(f"_seeds {label}")
    ranges = [(len(values), values.min(), values.max()) for values in by_gap]
    return pd.DataFrame(ranges, columns=["seeds", "low", "high"])


def _interval(values: pd.Series, look: _Look) -> Interval:
    """Return the mean of what the seeds of a gap have, with its interval."""
    if look.measure == SHARE:
        return wilson_interval(int(values.sum()), len(values))
    return mean_interval(values)


def _draw_seeds(panel: Axes, by_gap: Sequence[pd.Series], places: Floats, style: Style) -> Any:
    """Draw one small mark per run; those at one height lie side by side, within SWARM."""
    shown = [values[: frame.MOST_SEEDS].to_numpy(float) for values in by_gap]
    swarms = zip(places, map(swarm, shown), strict=True)
    x = np.concatenate([place * np.exp(moved) for place, moved in swarms])
    size = float(mpl.rcParams["font.size"])
    marks = panel.scatter(x, np.concatenate(shown), s=size, marker=style.marker, zorder=5)
    marks.set(facecolors="white", edgecolors=[style.colour], linewidths=size / 12)
    return marks


def swarm(heights: Floats) -> Floats:
    """Return by how much, in log gap, each mark is moved so that fewer cover each other.

    Marks of one height lie side by side; where all are of one height, all lie at the gap.
    """
    aside = np.zeros(heights.size)
    if np.ptp(heights) <= NEAR:
        return aside
    order = np.argsort(heights, kind="stable")
    heaps = np.cumsum(np.diff(heights[order], prepend=heights[order[0]]) > NEAR)
    for heap in np.unique(heaps):
        own = order[heaps == heap]
        aside[own] = SWARM * np.linspace(-1, 1, own.size) if own.size > 1 else 0.0
    return aside


def _draw_levels(canvas: Canvas, panel: Axes, runs: pd.DataFrame, look: _Look, axis: str) -> None:
    """Draw the horizon's level, and the chance of each task setting, which may change by gap."""
    if look.measure == "score":
        frame.draw_level(panel, look.level, "horizon", linestyle="--")
        frame.draw_level(panel, 0.0, "chance")
        return
    if look.measure == SHARE:
        return
    levels = set()
    for _, own in runs.groupby("label"):
        chance = own.groupby(axis)["chance_accuracy"].first()
        levels.add(tuple(chance.items()) if chance.nunique() > 1 else float(chance.iloc[0]))
    for level in sorted(levels, key=repr):
        if isinstance(level, float):
            frame.draw_level(panel, level, "chance")
        else:
            panel.plot(*zip(*level, strict=True), **frame.LEVEL, label="_chance")


def _count_agreeing(
    canvas: Canvas, panel: Axes, points: pd.DataFrame, ticks: Sequence[float]
) -> None:
    """Write "10/10" where all seeds of a gap agree, once for all curves that lie there."""
    letters = canvas.letters
    text_width = (len(str(points["seeds"].max())) * 2 + 2) * frame.LETTER_WIDTH * letters / 72
    low, high = panel.get_xlim()
    inch = canvas.width / np.log(high / low)
    if len(ticks) > 1 and float(np.diff(np.log(ticks)).min()) * inch < text_width:
        return
    agreeing = points[(points["high"] - points["low"] <= NEAR) & (points["seeds"] > 1)]
    heights = agreeing["high"].where(agreeing["high"] >= 0.5, agreeing["low"])
    for (at, _), own in agreeing.groupby(["place", heights.round(1)]):
        if own["seeds"].nunique() > 1:
            continue
        is_high = own["high"].max() >= 0.5
        y = own["high"].max() if is_high else own["low"].min()
        number = int(own["seeds"].iloc[0])
        place = (0, 0.45 * letters) if is_high else (0, -0.45 * letters)
        text = panel.annotate(f"{number}/{number}", (at, y), place, "data", "offset points")
        text.set(ha="center", va="bottom" if is_high else "top", fontsize=letters, color="0.3")


def _entries(chosen: Selection, look: _Look, best: pd.DataFrame | None) -> list[tuple[Any, str]]:
    """Return the legend: what is drawn, and nothing that is not."""
    grey: dict[str, Any] = {"color": REFERENCE_COLOUR}
    line = "share of all seeds" if look.measure == SHARE else "mean of seeds"
    entries: list[tuple[Any, str]] = [(Line2D([], [], **grey), line)]
    if look.interval:
        mark = Line2D([], [], **grey, ls="none", marker="|", ms=8, mew=0.9)
        entries.append((mark, "its 95 % interval"))
    if look.seeds:
        mark = Line2D([], [], **grey, ls="none", marker="o", ms=3, mfc="white", mew=0.7)
        entries.append((mark, frame.seed_note("one seed", chosen.runs)))
    if look.measure == "score":
        level = Line2D([], [], **frame.LEVEL | {"linestyle": "--"})
        entries.append((level, f"{look.level:g}: the horizon"))
    if look.measure != SHARE:
        entries.append((Line2D([], [], **frame.LEVEL), "chance"))
    if best is not None:
        number = f"{best['guesses'].min():,}"
        entries.append((Line2D([], [], **GUESSED), f"best of {number} random"))
    return entries


def best_of_cells(guesses: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task and gap: the best network of all cells, and how many were guessed.

    It is the best on the evaluation stream; its numbers are those of the test stream.
    """
    points = ["task", "gap"]
    ordered = guesses.sort_values("evaluation_score", ascending=False, kind="stable")
    best = ordered.drop_duplicates(points).set_index(points)
    totals = guesses.groupby(points)["guesses"].sum()
    return best.assign(guesses=totals).reset_index().sort_values(points, ignore_index=True)
