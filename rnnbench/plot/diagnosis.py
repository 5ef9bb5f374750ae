"""Draw why runs forget: the gradient against the lag, the cue against time, a panel per curve."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from rnnbench.diagnose.label import VANISHED
from rnnbench.plot import frame, naming
from rnnbench.plot.curves import Curve, is_tuned
from rnnbench.plot.frame import Canvas, Drawn, Place
from rnnbench.plot.looks import REFERENCE_COLOUR, Style
from rnnbench.plot.measured import joined
from rnnbench.plot.options import Options, begin, themed
from rnnbench.plot.selection import KINDS, Selection, plain, shortened
from rnnbench.store.diagnoses import Diagnoses
from rnnbench.store.rules import LARGEST

Panel = tuple[str, Curve]  # a task and a curve
MOST_GAPS = 3
ACROSS = {"column": 3, "text": 4, "slides": 4, "phone": 1}
HEIGHTS = {"column": 1.25, "text": 1.45, "slides": 2.4, "phone": 1.6}  # of a row, in inches
LOOKS: dict[str, Any] = {"initial": {"ls": "--", "lw": 0.9}, "trained": {"lw": 1.3}}
# What is less lies at the lower edge, for nothing else would be seen; more widens the axis.
FAINTEST, STRONGEST = 1e-9, 1e4
SINCE = "time steps since the cue"
NOISE: Any = {"color": "0.6", "ls": "-", "lw": 0.7}


@themed
def gradient(runs: pd.DataFrame, diagnosis: Diagnoses, **options: Unpack[Options]) -> Drawn:
    """Draw the gradient's norm against the lag, as a multiple of that at lag 0.

    A line ends at its gap, which is written there: the least, the middle one and the greatest.

    Args:
        runs: of `rnnbench.load_results`.
        diagnosis: of `rnnbench.load_diagnosis`.

    Raises:
        ValueError: no run was diagnosed.
    """
    chosen, where = begin(runs, options)
    curves = gradient_ratios(joined(chosen.runs, diagnosis).curves)
    canvas = _draw(chosen, curves, "total", "lag", "gradient / at lag 0", where)
    top = max(STRONGEST, 2 * float(curves["value"].max()))
    for panel in canvas.panels.values():
        panel.set(yscale="log", ylim=(FAINTEST, top))
        panel.yaxis.set_major_locator(LogLocator(numticks=5))
        panel.yaxis.set_minor_locator(NullLocator())
        frame.draw_level(panel, VANISHED, "noise", **NOISE)
        _keep_inside(panel)
    drawn = {line.get_label() for panel in canvas.panels.values() for line in panel.lines}
    alone = (Line2D([], [], color=REFERENCE_COLOUR, lw=0.9, ls=":"), "through h alone")
    noise = (Line2D([], [], **NOISE), "noise level")
    states = [alone] * ("_h alone" in drawn)
    naming.add_legend(canvas, [*lines_of_phases(), *one_seed(), *states, noise])
    frame.stamp(canvas, chosen.runs["sweep"])
    return canvas.drawn


@themed
def cue(runs: pd.DataFrame, diagnosis: Diagnoses, **options: Unpack[Options]) -> Drawn:
    """Draw what a linear read-out recovers of the cue against the time since it was shown.

    Arguments and errors are those of `gradient`.
    """
    chosen, where = begin(runs, options)
    found = joined(chosen.runs, diagnosis).curves
    curves = found[(found["measure"] == "cue") & (found["age"] >= 0)]
    canvas = _draw(chosen, curves, "cue", "age", "recoverable", where)
    for panel in canvas.panels.values():
        panel.set(ylim=(-0.06, 1.36), yticks=[0, 0.5, 1])  # gaps are written above 1
        frame.draw_level(panel, 0, "chance")
    chance = (Line2D([], [], **frame.LEVEL), "chance")
    naming.add_legend(canvas, [*lines_of_phases(), *one_seed(), chance])
    frame.stamp(canvas, chosen.runs["sweep"])
    return canvas.drawn


def gradient_ratios(curves: pd.DataFrame) -> pd.DataFrame:
    """Return the gradients up to the cue, as multiples of the total one at lag 0."""
    own = curves[(curves["measure"] == "gradient") & (curves["age"] >= 0)]
    total = own[own["name"] == "total"]
    at_the_end = total[total["lag"] == 0].set_index(["run_id", "phase"])["value"]
    keys = pd.MultiIndex.from_frame(own[["run_id", "phase"]])
    ratios = own["value"] / at_the_end.reindex(keys).to_numpy()
    return own.assign(value=ratios.clip(upper=LARGEST))


def lines_of_phases() -> list[tuple[Any, str]]:
    """Return what a legend says of dashed and thick lines."""
    first, last = (Line2D([], [], color=REFERENCE_COLOUR, **look) for look in LOOKS.values())
    return [(first, "before training"), (last, "after training")]


def one_seed() -> list[tuple[Any, str]]:
    """Return what a legend says of single seeds."""
    look: Any = {"marker": "o", "mfc": "white", "ms": 3.5, "mew": 0.7}
    return [(Line2D([], [], color=REFERENCE_COLOUR, lw=0.5, **look), "one seed, to its gap")]


def curve_rows(chosen: Selection, curves: pd.DataFrame, size: str) -> list[list[Panel | None]]:
    """Return the panels: tasks down, curves across; those with tuned rates below, if they are many.

    Args:
        curves: labelled; only what is in them has a panel.

    Raises:
        ValueError: nothing is in them.
    """
    there = set(zip(curves["task"], curves["label"], strict=True))
    names, across = _labels(chosen), ACROSS[size]
    rows: list[list[Panel | None]] = []
    measured = [e for e in chosen.curves if any((t, names[e]) in there for t in chosen.tasks)]
    for kinds in [{False, True}] if len(measured) <= across else [{False}, {True}]:
        own = [each for each in measured if is_tuned(each[1]) in kinds]
        of_kind: list[list[Panel | None]] = []
        for task in chosen.tasks:
            line = [(task, each) if (task, names[each]) in there else None for each in own]
            of_kind += frame.split(line, across)
        full = [row for row in of_kind if any(row)]
        rows += frame.pack(full, across) if len(own) == 1 else full
    if not rows:
        raise ValueError("diagnosis must have what is drawn of the runs, got none of it")
    return rows


def _labels(chosen: Selection) -> dict[Curve, str]:
    """Return the label of each curve."""
    first = chosen.runs.drop_duplicates(["cell", "variant"])
    pairs = zip(first["cell"].astype(str), first["variant"].astype(str), strict=True)
    return dict(zip(pairs, first["label"], strict=True))


def curve_canvas(
    rows: list[list[Panel | None]],
    chosen: Selection,
    ylabel: str,
    xlabel: str,
    where: Place,
    *,
    above: float = 0.0,
) -> Canvas:
    """Return titled panels of curves, their axes named at the outer ones alone.

    Args:
        above: inches that are needed above each panel.
    """
    canvas = frame.make_canvas(rows, HEIGHTS[where.size] + above, where, around=0.9)
    titles = {(task, each): f"{task}, {chosen.name(each)}" for task, each in canvas.panels}
    said = {key: ", tuned" * (is_tuned(key[1][1]) and len(chosen.kinds) > 1) for key in titles}
    fits = all(len(titles[key] + end) <= canvas.longest for key, end in said.items())
    mixed = any(len({is_tuned(key[1][1]) for key in row if key}) > 1 for row in rows)
    in_title = fits or mixed or len(chosen.kinds) == 1
    for number, row in enumerate(rows):
        for place, key in enumerate(row):
            if key is None:
                continue
            panel, end = canvas.panels[key], said[key] * in_title
            panel.set_title(plain(shortened(titles[key], canvas.longest - len(end)) + end))
            if not canvas.is_named_below(rows, number, place):
                fits = len(xlabel) <= canvas.longest + 2
                panel.set_xlabel(xlabel if fits or xlabel != SINCE else "after the cue")
            if not canvas.is_own or not any(row[:place]):
                kind = KINDS[is_tuned(key[1][1])]
                panel.set_ylabel(ylabel if in_title else f"{kind}\n{ylabel}")
            else:
                panel.tick_params(labelleft=False)
    return canvas


def drawn_gaps(curve: pd.DataFrame) -> list[int]:
    """Return the gaps of a curve to draw: the least, the middle one and the greatest."""
    gaps = sorted(curve["gap"].unique())
    return gaps if len(gaps) <= MOST_GAPS else [gaps[0], gaps[len(gaps) // 2], gaps[-1]]


def _draw(
    chosen: Selection,
    curves: pd.DataFrame,
    name: str,
    x: str,
    ylabel: str,
    where: Place,
) -> Canvas:
    rows = curve_rows(chosen, curves, where.size)
    xlabel = "lag (time steps)" if x == "lag" else SINCE
    canvas = curve_canvas(rows, chosen, ylabel, xlabel, where)
    most = curves.groupby("task")["gap"].max()
    labels = _labels(chosen)
    shown = ["task", "label", "gap", "phase", "name", "run_id", "value", x]
    by_panel = dict(iter(curves[shown].groupby(["task", "label"])))
    for (task, each), panel in canvas.panels.items():
        own = by_panel[task, labels[each]]
        # Room for the number of the greatest gap.
        panel.set_xlim(0, most[task] * (1 + 0.13 / canvas.width))
        panel.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True))
        _draw_panel(canvas, panel, own, name, x, chosen.styles[each])
    return canvas


def _draw_panel(
    canvas: Canvas, panel: Axes, own: pd.DataFrame, name: str, x: str, style: Style
) -> None:
    """Draw some gaps of a curve, in shades from light to dark, and what goes through h alone."""
    shown = drawn_gaps(own)
    shades = sns.blend_palette(["white", style.colour, "black"], n_colors=9)[3:6]
    for gap, shade in zip(shown, shades[-len(shown) :], strict=True):
        lines = own[(own["gap"] == gap) & (own["name"] == name)]
        _draw_gap(panel, lines, x, style._replace(colour=shade))
    _name_gaps(canvas, panel)
    others = own[(own["gap"] == shown[-1]) & (own["phase"] == "trained")]
    if others["name"].nunique() > 2:  # total, and more than one state
        alone = others[others["name"] == others["name"].iloc[0]]
        middle = alone.groupby(x)["value"].median()
        look: Any = {"color": shades[-1], "ls": ":", "lw": 0.9, "zorder": 3}
        panel.plot(middle.index, middle, **look, label="_h alone")


def _draw_gap(panel: Axes, lines: pd.DataFrame, x: str, style: Style) -> None:
    """Draw all seeds of one gap, with a mark at the cue, where each line ends."""
    colour, gap = style.colour, lines["gap"].iloc[0]
    for phase, look in LOOKS.items():
        own = lines[(lines["phase"] == phase) & lines["value"].notna()]
        own = own.pivot(index=x, columns="run_id", values="value")
        if own.empty:
            continue
        middle = own.median(axis=1)
        panel.plot(middle.index, middle, color=colour, label=f"{phase} {gap}", zorder=4, **look)
        if phase == "trained":
            panel.plot(own.index, own, color=colour, lw=0.4, alpha=0.6, label="_seed", zorder=2)
            last = own.index.max()
            ends = np.full(own.shape[1], last)
            marks = panel.scatter(ends, own.iloc[-1], s=9, marker=style.marker, zorder=5)
            marks.set(facecolors="white", edgecolors=[colour], linewidths=0.7, clip_on=False)
            marks.set_label(f"_ends {gap}")


def _name_gaps(canvas: Canvas, panel: Axes) -> None:
    """Write the gaps above the ends of the lines after training; one before a near one higher."""
    lines = [line for line in panel.lines if str(line.get_label()).startswith("trained ")]
    inch = canvas.width / panel.get_xlim()[1]
    ends = [np.asarray(line.get_xydata())[-1] for line in lines]
    for place, (line, (x, y)) in enumerate(zip(lines, ends, strict=True)):
        name = str(line.get_label()).removeprefix("trained ")
        room = (len(name) + 1.5) * frame.LETTER_WIDTH * canvas.letters / 72
        is_near = place + 1 < len(ends) and (ends[place + 1][0] - x) * inch < room
        above: Any = ((0, 3.5 + is_near * canvas.letters), "data", "offset points")
        number = panel.annotate(name, (float(x), float(y)), *above, ha="center")
        number.set(color=line.get_color(), fontsize=canvas.letters, zorder=6)
        number.set_path_effects([withStroke(linewidth=1.2, foreground="white")])


def _keep_inside(panel: Axes) -> None:
    """Move marks and numbers of what is too faint to the lower edge."""
    for marks in panel.collections:
        low = np.asarray(marks.get_offsets()).clip(min=FAINTEST)
        marks.set_offsets(low)
    for number in panel.texts:
        if isinstance(number, Annotation):
            x, y = number.xy
            number.xy = (x, max(float(y), FAINTEST))
