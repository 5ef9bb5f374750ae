"""Draw how far the gates are open over the gap: a panel per gated curve, a line per gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from rnnbench.plot import frame, naming
from rnnbench.plot.diagnosis import LOOKS, SINCE, curve_canvas, curve_rows, lines_of_phases
from rnnbench.plot.frame import Canvas, Drawn
from rnnbench.plot.looks import REFERENCE_COLOUR
from rnnbench.plot.measured import joined
from rnnbench.plot.options import Options, begin, themed
from rnnbench.plot.selection import plain, shortened
from rnnbench.statistics import HORIZON
from rnnbench.store.diagnoses import PHASES, Diagnoses

# Of gates, apart from those of cells: that which keeps is dark, the others follow by name.
KEEPS = "#4a1e6b"
OTHERS = ("#b0562b", "#7d8f24", "#c77cb0", "#8c8c8c", "#3f6f8f")
MOST_STEPS = 10_000
WIDE = 0.33  # inches by points of letters: what is said of half-lives then stands in one line


@themed
def gates(runs: pd.DataFrame, diagnosis: Diagnoses, **options: Unpack[Options]) -> Drawn:
    """Draw each gate's mean activation against time, at one gap of each task.

    That is the greatest gap at which a cell with gates still has a mean score of 0.75.

    Args:
        runs: of `rnnbench.load_results`.
        diagnosis: of `rnnbench.load_diagnosis`.

    Raises:
        ValueError: no gate was measured.
    """
    chosen, where = begin(runs, options)
    found = joined(chosen.runs, diagnosis)
    of_gates = found.curves[found.curves["measure"] == "gate"]
    gated = found.runs[found.runs["run_id"].isin(of_gates["run_id"])]
    at = gates_gap(gated)
    of_gates = of_gates[of_gates["gap"] == of_gates["task"].map(at)]
    rows = curve_rows(chosen, of_gates, where.size)
    canvas = curve_canvas(rows, chosen, "gate open", SINCE, where)
    keeping = set(gated["keep_gate"].dropna())
    colours = gate_colours(set(of_gates["name"]) - keeping)
    for (task, each), panel in canvas.panels.items():
        label = chosen.of(task, each)["label"].iloc[0]
        own = of_gates[(of_gates["task"] == task) & (of_gates["label"] == label)]
        its = gated[gated["run_id"].isin(own["run_id"])]
        _draw_panel(canvas, panel, own, its, colours)
    naming.add_legend(canvas, _entries(sorted(keeping), colours))
    frame.stamp(canvas, chosen.runs["sweep"])
    return canvas.drawn


def gates_gap(gated: pd.DataFrame) -> dict[str, int]:
    """Return for each task the greatest gap that some curve remembers, else the least.

    It remembers a gap with a mean score of HORIZON. `gated` are the runs with measured gates.
    """
    found = {}
    for task, own in gated.groupby("task"):
        means = own.groupby(["label", "gap"])["score"].mean().reset_index()
        remembered = means[means.score >= HORIZON]["gap"]
        found[str(task)] = int(remembered.max() if len(remembered) else own["gap"].min())
    return found


def gate_colours(others: set[str]) -> dict[str, str]:
    """Return the colours of the gates that keep nothing, the same in every panel."""
    return {name: OTHERS[place % len(OTHERS)] for place, name in enumerate(sorted(others))}


def _draw_panel(
    canvas: Canvas,
    panel: Axes,
    of_gates: pd.DataFrame,
    runs: pd.DataFrame,
    colours: Mapping[str, str],
) -> None:
    """Draw the gates of a curve, of the one that keeps also its units, and say its half-lives."""
    keep = runs["keep_gate"].iloc[0]
    for name in sorted(of_gates["name"].unique(), key=lambda name: (name != keep, name)):
        colour = KEEPS if name == keep else colours.get(name, KEEPS)
        for phase, look in LOOKS.items():
            own = _median(of_gates[(of_gates["name"] == name) & (of_gates["phase"] == phase)])
            if own.empty:
                continue
            text = plain(shortened(name) + " keeps" * (name == keep))
            text = text if phase == "trained" else f"_{name} initial"
            panel.plot(own.index, own["mean"], color=colour, label=text, **look)
            if name == keep and phase == "trained":
                band = panel.fill_between(own.index, own["q10"], own["q90"], zorder=1)
                band.set(color=colour, alpha=0.15, lw=0, label="_units")
                panel.plot(own.index, own["max"], color=colour, lw=0.6, label="_most open")
    panel.set(ylim=(-0.02, 1.02), yticks=[0, 0.5, 1])
    panel.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True))
    said = _said(runs, int(runs["gap"].iloc[0]), canvas.width > WIDE * canvas.letters)
    lines = 1 + said.count("\n")
    panel.set_title(panel.get_title(), pad=4 + lines * canvas.letters * 1.25)
    # Between title and panel, where it covers no curve.
    note = panel.annotate(said, (0.5, 1), (0, 3), "axes fraction", "offset points")
    note.set(ha="center", fontsize=canvas.letters, color=REFERENCE_COLOUR)


def _entries(keeping: Sequence[str], colours: Mapping[str, str]) -> list[tuple[Any, str]]:
    """Return one legend for all panels."""
    entries: list[tuple[Any, str]] = []
    if keeping:
        names = ", ".join(map(shortened, keeping))
        entries.append((Line2D([], [], color=KEEPS, lw=1.3), f"keep gate ({names})"))
    for name, colour in colours.items():
        entries.append((Line2D([], [], color=colour, lw=1.3), shortened(name)))
    if keeping:
        band = Patch(color=KEEPS, alpha=0.15, lw=0)
        most = Line2D([], [], color=KEEPS, lw=0.6)
        entries += [(band, "10 to 90 % of its units"), (most, "its most open unit")]
    return [*entries, *lines_of_phases()]


def _said(runs: pd.DataFrame, gap: int, wide: bool) -> str:
    """Return what stands above a panel: gap, mean score, and half-lives where a gate keeps."""
    said = f"gap {gap}, score {runs['score'].mean():.2f}"
    if runs["half_life_trained"].isna().all():
        return said
    median, longest = (
        " to ".join(_steps(runs[f"{name}_{phase}"].median()) for phase in PHASES)
        for name in ("half_life", "longest")
    )
    return f"{said}\nhalf-life {median},{' ' if wide else chr(10)}longest {longest}"


def _steps(number: float) -> str:
    if number >= MOST_STEPS:  # by then 1 less the gate is a matter of rounding
        return f"> {MOST_STEPS:,}"
    return f"{number:.1f}" if number < 100 else f"{number:,.0f}"


def _median(gates: pd.DataFrame) -> pd.DataFrame:
    """Return the median over seeds of every statistic, age x statistic."""
    return gates.pivot_table(index="age", columns="statistic", values="value", aggfunc="median")
