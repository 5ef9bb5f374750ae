"""Draw accuracy and score against the gap: a panel per task, a line per curve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from numpy.typing import NDArray

from rnnbench.report.curves import curves_of, is_tuned, without_rate
from rnnbench.report.document import Figure
from rnnbench.report.figures import frame
from rnnbench.report.figures.style import REFERENCE_COLOUR, Curve, Style, curve_styles, themed
from rnnbench.report.study import Study
from rnnbench.report.tables import range_text

Floats = NDArray[np.float64]
Panel = tuple[str, str, tuple[str, ...]]  # a task, its title, and the variants that are drawn
NOTES = ("line: mean over seeds", "band: 95 % interval of the mean")


@themed
def draw_against_gap(
    results: pd.DataFrame, summary: pd.DataFrame, measure: str, guesses: pd.DataFrame | None = None
) -> Drawing:
    """Draw a measure in [0, 1] against the gap.

    Args:
        results: labelled, one row per run.
        summary: one row per curve and gap.
        measure: "accuracy" or "score".
        guesses: the latest of each search, if random networks are drawn.
    """
    looks = ((cell, without_rate(variant)) for cell, variant in curves_of(results))
    styles = curve_styles(dict.fromkeys(looks))  # a tuned curve has that of its cell untuned
    figure, panels = frame.panel_grid(_rows(results), 3.6, 2.9)
    for (task, title, chosen), panel in panels.items():
        panel.set_title(frame.plain(title))
        runs, points = (rows[rows["task"] == task] for rows in (results, summary))
        _draw_task(panel, runs, points, chosen, measure, styles)
    notes = [*NOTES, frame.seed_note("open mark", results)]
    if guesses is not None and not guesses.empty:
        drawn = ((task, panel) for (task, _, _), panel in panels.items())
        notes.append(draw_guesses(drawn, guesses, measure))
    frame.add_legend(figure, styles, notes)
    frame.stamp(figure, results["sweep"])
    return figure


def _rows_of_tasks(study: Study) -> pd.Series[int]:
    """Return how many panels each task has: one, and one more where rates were tuned."""
    tuned = study.results["variant"].map(is_tuned)
    return tuned.groupby(study.results["task"]).nunique()


ACCURACY = Figure(
    "accuracy_vs_gap",
    "Accuracy on the test stream against the gap. Line: mean over seeds. Band: 95 % interval of "
    "that mean over seeds (Gaffke). Open marks: single seeds, moved aside a little. "
    "Where learning rates were tuned, those curves have panels of their own. "
    "Dotted: what a predictor that remembers nothing gets.",
    draw=lambda study: draw_against_gap(study.results, study.by_gap, "accuracy", study.guesses),
    rows=_rows_of_tasks,
)
SCORE = Figure(
    "score_vs_gap",
    "Score against the gap: 0 remembers nothing, 1 is perfect. Drawn as above.",
    draw=lambda study: draw_against_gap(study.results, study.by_gap, "score", study.guesses),
    rows=_rows_of_tasks,
)


def _rows(results: pd.DataFrame) -> list[list[Panel]]:
    """Arrange a panel per task in rows of three; curves with tuned rates in rows of their own."""
    variants = results[["task", "variant"]].drop_duplicates().astype(str)
    tuned = variants["variant"].map(is_tuned)
    rows: list[list[Panel]] = []
    for own, kind in ((variants[~tuned], ", shared lr"), (variants[tuned], ", tuned lr")):
        row = [
            (str(task), f"{task}{kind if tuned.any() else ''}", tuple(found))
            for task, found in own.groupby("task")["variant"]
        ]
        rows += [row[start : start + 3] for start in range(0, len(row), 3)]
    return rows


def _draw_task(
    panel: Axes,
    runs: pd.DataFrame,
    points: pd.DataFrame,
    chosen: Sequence[str],
    measure: str,
    styles: dict[Curve, Style],
) -> None:
    """Draw the curves of the chosen variants, on the axis of all gaps of the task."""
    gaps = sorted(runs["gap"].unique())
    room = frame.room_at_a_gap(gaps)
    varies = (runs["least_distance"] < runs["greatest_distance"]).any()
    xlabel = "gap (time steps; distances vary)" if varies else "gap (time steps)"
    panel.set(xlabel=xlabel, ylabel=measure, ylim=(-0.04, 1.04))
    frame.set_gap_ticks(panel, gaps)
    _draw_chance(panel, runs, measure)
    points = points[points["variant"].isin(chosen)]
    curves = list(points.groupby(["cell", "variant"], observed=True, sort=False))
    for place, ((cell, variant), curve) in enumerate(curves):
        style = styles[str(cell), without_rate(str(variant))]
        own = runs[(runs.cell == cell) & (runs.variant == variant)]
        own = own.groupby("gap").head(frame.MOST_SEEDS)
        _draw_curve(panel, curve, measure, style)
        columns = room * (_spread(place, len(curves)) + _seed_places(own) / len(curves))
        _draw_seeds(panel, own, measure, style, columns)


def _draw_curve(panel: Axes, curve: pd.DataFrame, measure: str, style: Style) -> None:
    """Draw the mean over seeds and the band of its interval."""
    parts = [f"{measure}_{part}" for part in ("mean", "low", "high")]
    mean, low, high = curve[parts].to_numpy(dtype=float).T
    gaps = curve["gap"].to_numpy(dtype=float)
    label = curve["label"].iloc[0]
    band: dict[str, Any] = {"color": style.colour, "alpha": 0.14, "label": f"_interval {label}"}
    panel.fill_between(gaps, low, high, linewidth=0, zorder=1.5, **band)
    alone = _isolated(np.isfinite(low))
    panel.vlines(gaps[alone], low[alone], high[alone], lw=6, **band | {"label": "_alone"})
    panel.plot(gaps, mean, **style.marked, markersize=6, lw=1.7, label=label, zorder=4)


def _draw_seeds(panel: Axes, runs: pd.DataFrame, measure: str, style: Style, aside: Floats) -> None:
    """Draw one small mark per run, moved aside so that runs with equal outcomes are all seen."""
    x = runs["gap"].to_numpy(dtype=float) * np.exp(aside)
    y = runs[measure].to_numpy(dtype=float)
    marks = panel.scatter(x, y, s=11, marker=style.marker, linewidths=0.8, zorder=5)
    marks.set(facecolors="white", edgecolors=[style.colour])
    marks.set_label(f"_seeds {runs['label'].iloc[0]}")


def _seed_places(runs: pd.DataFrame) -> Any:
    """Return each run's place in [-0.5, 0.5] among the curve's seeds, in their order."""
    seeds, places = np.unique(runs["seed"].to_numpy(), return_inverse=True)
    return _spread(places, seeds.size)


def _draw_chance(panel: Axes, runs: pd.DataFrame, measure: str) -> None:
    """Draw the chance of each task setting: a level, or a line where it changes with the gap."""
    if measure == "score":
        frame.mark_level(panel, 0.0, "chance")
        return
    levels = set()
    for _, own in runs.groupby("label"):
        chance = own.groupby("gap")["chance_accuracy"].first()
        levels.add(tuple(chance.items()) if chance.nunique() > 1 else float(chance.iloc[0]))
    for level in sorted(levels, key=repr):
        if isinstance(level, float):
            frame.mark_level(panel, level, "chance")
            continue
        gaps, heights = zip(*level, strict=True)
        panel.plot(gaps, heights, color=REFERENCE_COLOUR, ls=":", lw=1.2, label="_chance")
        frame.name_level(panel, float(heights[-1]), "chance")


def _spread(place: Any, count: int) -> Any:
    """Return positions in [-0.5, 0.5] of places, even over `count` places."""
    return (place + 0.5) / count - 0.5


def _isolated(known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the known points without a known neighbour, between which no band can be drawn."""
    padded = np.pad(known, 1)
    return known & ~padded[:-2] & ~padded[2:]


def draw_guesses(panels: Iterable[tuple[str, Axes]], guesses: pd.DataFrame, measure: str) -> str:
    """Draw the best random network of each gap in the panels of tasks; return the legend's note."""
    best = best_of_cells(guesses)
    look: dict[str, Any] = {"color": REFERENCE_COLOUR, "linestyle": ":", "lw": 1.0}
    look |= {"marker": "x", "markersize": 5, "markeredgewidth": 1.3}
    for task, panel in panels:
        points = best[best["task"] == task]
        panel.plot(points["gap"], points[measure], **look, label="_random networks", zorder=3)
    return f"crosses: best of {range_text(best['guesses'], '{:,}')} random networks"


def best_of_cells(guesses: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task and gap: the best network of all cells, and how many were guessed.

    It is the best on the evaluation stream; its numbers are those of the test stream.
    """
    points = ["task", "gap"]
    ordered = guesses.sort_values("evaluation_score", ascending=False, kind="stable")
    best = ordered.drop_duplicates(points).set_index(points)
    totals = guesses.groupby(points)["guesses"].sum()
    return best.assign(guesses=totals).reset_index().sort_values(points, ignore_index=True)
