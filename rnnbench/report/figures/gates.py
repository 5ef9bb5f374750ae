"""Draw how far the gates are open over the gap: a panel per gated curve, a line per gate."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from rnnbench.report.document import Figure
from rnnbench.report.figures.diagnosis import curve_grid, name_lines, panels_of, rows_of_curves
from rnnbench.report.figures.frame import plain, shortened
from rnnbench.report.figures.style import PALETTE, REFERENCE_COLOUR, themed
from rnnbench.statistics import HORIZON
from rnnbench.store.diagnoses import PHASES, Diagnoses

NOTE_POINTS = 13  # height of a line below a title
MOST_STEPS = 10_000
LOOKS: dict[str, Any] = {"initial": {"ls": "--", "lw": 1.2}, "trained": {"lw": 1.9}}


@themed
def draw_gates(diagnoses: Diagnoses) -> Drawing:
    """Draw each gate's mean activation against time, at one gap of each task."""
    gates = diagnoses.curves[diagnoses.curves.measure == "gate"]
    runs = diagnoses.runs[diagnoses.runs["run_id"].isin(gates["run_id"])]
    gaps = gates_gap(runs)
    gates = gates[gates["gap"] == gates["task"].map(gaps)]
    by_panel = dict(iter(gates.groupby(["task", "label"])))
    figure, panels = curve_grid(panels_of(gates), 3.3, "gate: 0 shut, 1 open")
    for (task, label), panel in panels.items():
        own = runs[(runs.task == task) & (runs.label == label) & (runs.gap == gaps[task])]
        _draw_panel(panel, by_panel[task, label], own)
    band = Patch(color=REFERENCE_COLOUR, alpha=0.15, lw=0)
    most = Line2D([], [], color=REFERENCE_COLOUR, lw=0.8)
    units = (band, "keep gate, 10 to 90 % of units"), (most, "keep gate, most open unit")
    name_lines(figure, *units)
    return figure


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


def _draw_panel(panel: Axes, gates: pd.DataFrame, runs: pd.DataFrame) -> None:
    keep, gap = runs["keep_gate"].iloc[0], runs["gap"].iloc[0]
    names = sorted(gates["name"].unique(), key=lambda name: (name != keep, name))
    for name, colour in zip(names, PALETTE, strict=False):
        for phase, look in LOOKS.items():
            own = _median(gates[(gates.name == name) & (gates.phase == phase)])
            if own.empty:
                continue
            text = plain(shortened(name) + " keeps" * (name == keep))
            text = text if phase == "trained" else f"_{name} initial"
            panel.plot(own.index, own["mean"], color=colour, label=text, **look)
            if name == keep and phase == "trained":
                band = (own["q10"], own["q90"])
                panel.fill_between(own.index, *band, color=colour, alpha=0.15, lw=0, zorder=1)
                panel.plot(own.index, own["max"], color=colour, lw=0.8, label="_most open")
    panel.set(ylim=(-0.02, 1.02), xlabel="time steps since the cue")
    said = _said(runs, int(gap))
    panel.set_title(panel.get_title(), pad=NOTE_POINTS * (1 + said.count("\n")))
    # Between title and panel, where it covers no curve.
    note = panel.annotate(said, (0.5, 1), (0, 4), "axes fraction", "offset points")
    note.set(ha="center", fontsize="x-small", color=REFERENCE_COLOUR)
    panel.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="x-small", handlelength=1.2)


def _said(runs: pd.DataFrame, gap: int) -> str:
    """Return what stands in a panel: gap, mean score, and half-lives where a gate keeps."""
    said = f"gap {gap}, score {runs['score'].mean():.2f}"
    if runs["half_life_trained"].isna().all():
        return said
    median, longest = (
        " to ".join(_steps(runs[f"{name}_{phase}"].median()) for phase in PHASES)
        for name in ("half_life", "longest")
    )
    return f"{said}\nhalf-life {median}, longest {longest}"


def _steps(number: float) -> str:
    if number >= MOST_STEPS:  # by then 1 less the gate is a matter of rounding
        return f"over {MOST_STEPS:,}"
    return f"{number:.1f}" if number < 100 else f"{number:,.0f}"


def _median(gates: pd.DataFrame) -> pd.DataFrame:
    """Return the median over seeds of every statistic, age x statistic."""
    return gates.pivot_table(index="age", columns="statistic", values="value", aggfunc="median")


GATES = Figure(
    "gates_vs_time",
    "Activation of the gates over the gap, mean over units and sequences, at the greatest gap of "
    f"the task at which a cell with gates still has a mean score of {HORIZON:g}. Half-life: time "
    "steps after which the keep gate alone leaves half of a unit's old state, before and after "
    "training, of the median unit and of the one that keeps longest. Where no unit comes near the "
    "gap and the score is high all the same, the past goes round through the recurrent weights.",
    draw=lambda study, size="text": draw_gates(study.diagnoses),
    rows=lambda study: rows_of_curves(study, "gate"),
)
