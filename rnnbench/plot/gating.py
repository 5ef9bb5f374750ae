"""Draw how far the gates are open over the gap: a panel per gated curve, a line per gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation, blended_transform_factory

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
OTHERS = ("#b0562b", "#98aa38", "#c77cb0", "#8c8c8c", "#3f6f8f")
# Of half-lives, in time steps; by the last 1 less the gate is a matter of rounding.
TICKS = {1: "1", 10: "", 100: "100", 1000: "", 10_000: "10,000"}
UNITS = {"longest": "longest", "half_life": "median"}  # columns of the runs, from below
STRIP, ABOVE = 2.6, 0.8  # heights of letters: of the strip of half-lives, and below it
ABOVE_IT: Any = ("axes fraction", "offset points")
STRIPS = {"column": 0.45, "text": 0.45, "slides": 0.65, "phone": 0.45}  # inches, with numbers


@themed
def gates(runs: pd.DataFrame, diagnosis: Diagnoses, **options: Unpack[Options]) -> Drawn:
    """Draw each gate's mean activation against time, and above it half-lives, at one gap a task.

    That is the greatest gap at which a cell with gates still has a mean score of 0.75. Half-lives
    are those of the gate that keeps, of its median unit and of the one that keeps longest.

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
    lives = bool(gated["half_life_trained"].notna().any())
    above = STRIPS[where.size] if lives else 0.0
    canvas = curve_canvas(rows, chosen, "gate open", SINCE, where, above=above)
    keeping = set(gated["keep_gate"].dropna())
    colours = gate_colours(set(of_gates["name"]) - keeping)
    for (task, each), panel in canvas.panels.items():
        label = chosen.of(task, each)["label"].iloc[0]
        own = of_gates[(of_gates["task"] == task) & (of_gates["label"] == label)]
        its = gated[gated["run_id"].isin(own["run_id"])]
        _draw_panel(canvas, panel, own, its, colours)
    naming.add_legend(canvas, _entries(sorted(keeping), colours, lives))
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
    """Draw the gates of a curve, and of the one that keeps also its units and their half-lives."""
    keep = runs["keep_gate"].iloc[0]
    medians = of_gates.groupby(["name", "phase", "age", "statistic"])["value"].median().unstack()
    for name in sorted(of_gates["name"].unique(), key=lambda name: (name != keep, name)):
        colour = KEEPS if name == keep else colours.get(name, KEEPS)
        for phase, look in LOOKS.items():
            if (name, phase) not in medians.index:
                continue
            own = medians.loc[name, phase]
            text = plain(shortened(name) + " keeps" * (name == keep))
            text = text if phase == "trained" else f"_{name} initial"
            panel.plot(own.index, own["mean"], color=colour, label=text, **look)
            if name == keep and phase == "trained":
                band = panel.fill_between(own.index, own["q10"], own["q90"], zorder=1)
                band.set(color=colour, alpha=0.15, lw=0, label="_units")
                panel.plot(own.index, own["max"], color=colour, lw=0.6, label="_most open")
    panel.set(ylim=(-0.02, 1.02), yticks=[0, 0.5, 1])
    panel.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True))
    top = 0.3  # in heights of letters: between title and panel, where no curve is covered
    if runs["half_life_trained"].notna().any():
        _draw_half_lives(canvas, panel, runs)
        top = ABOVE + STRIP + 1.7
    said = f"gap {runs['gap'].iloc[0]}, score {runs['score'].mean():.2f}"
    note = panel.annotate(said, (0.5, 1), (0, top * canvas.letters), *ABOVE_IT, ha="center")
    note.set(fontsize=canvas.letters, color=REFERENCE_COLOUR)
    panel.set_title(panel.get_title(), pad=(top + 1.6) * canvas.letters)


def _draw_half_lives(canvas: Canvas, panel: Axes, runs: pd.DataFrame) -> None:
    """Draw the half-lives of all seeds above a panel, hollow before training and filled after."""
    letter = canvas.letters / 72
    top: Any = ScaledTranslation(0, 1, panel.transAxes)  # type: ignore[arg-type]
    inches = canvas.figure.dpi_scale_trans + top
    place = blended_transform_factory(panel.transAxes, inches)
    strip = panel.inset_axes((0, ABOVE * letter, 1, STRIP * letter), transform=place)
    for row, column in enumerate(UNITS):
        for phase, face in zip(PHASES, ("white", KEEPS), strict=True):
            lives = runs[f"{column}_{phase}"].clip(min(TICKS), max(TICKS))
            look: Any = {"marker": "o", "ms": canvas.letters / 2, "mew": 0.7, "ls": "none"}
            strip.plot(lives, [row] * len(lives), mec=KEEPS, mfc=face, **look, clip_on=False)
    strip.axvline(runs["gap"].iloc[0], **frame.LEVEL, label="_gap")
    strip.set(xscale="log", xlim=(0.6 * min(TICKS), 1.7 * max(TICKS)), ylim=(-0.6, 1.6))
    strip.xaxis.tick_top()
    strip.xaxis.set_minor_locator(NullLocator())
    strip.set_xticks(list(TICKS), list(TICKS.values()))
    strip.set_yticks(range(len(UNITS)), UNITS.values() if panel.get_ylabel() else ["", ""])
    strip.tick_params(length=0, pad=1)
    strip.spines[:].set_visible(False)
    strip.set_facecolor("0.96")


def _entries(
    keeping: Sequence[str], colours: Mapping[str, str], lives: bool
) -> list[tuple[Any, str]]:
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
    marks: Any = {"color": KEEPS, "ls": "none", "marker": "o", "ms": 3.5, "mew": 0.7}
    circles = [
        (Line2D([], [], **marks, mfc="white"), "half-life before"),
        (Line2D([], [], **marks), "half-life after"),
        (Line2D([], [], **frame.LEVEL), "the gap"),
    ]
    return [*entries, *lines_of_phases(), *(circles if lives else [])]
