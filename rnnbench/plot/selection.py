"""Choose what is drawn of a frame: its tasks, its cells in their order, their looks and names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from rnnbench.plot.curves import (
    SHIPPED,
    Curve,
    curves_of,
    have_tuned,
    is_tuned,
    labelled,
    sorted_cells,
    without_rate,
)
from rnnbench.plot.looks import BEHIND, BEST, Palette, Style, curve_styles, known
from rnnbench.plot.summary import by_reach
from rnnbench.store.settings import curve_label

RATES = ("both", "shared", "tuned")
KINDS = {False: "one rate for all", True: "tuned rate"}
# The columns that figures take from the runs: to pick rows of all takes long.
DRAWN = {
    *"task cell variant label gap seed run_id condition_id sweep status score accuracy".split()
}
DRAWN |= {*"chance_accuracy chance_loss plateaus least_distance greatest_distance steps".split()}
DRAWN |= {*"steps_to_solve init keep_bias gap_schedule sequence_length model.wiring".split()}
DRAWN |= {"load_bits", "lr_choice", "accuracy_by_age"}
MOST_COLOURS = 8  # cells; of more, most are grey
LONGEST_ASIDE = 30  # letters of a name beside a panel: longer ones would leave it no room


class Selection(NamedTuple):
    """The runs to draw, with the looks and names of their curves.

    Attributes:
        runs: labelled, one row per run.
        tasks: in the order of panels.
        styles: of each curve (cell, variant).
        labels: what is written in place of a curve's name, where it is given.
    """

    runs: pd.DataFrame
    tasks: list[str]
    styles: dict[Curve, Style]
    labels: Mapping[str, str]

    @property
    def curves(self) -> list[Curve]:
        """Return the curves that are drawn, in their order."""
        return curves_of(self.runs)

    @property
    def kinds(self) -> list[bool]:
        """Return whether rates are tuned: False, True, or both."""
        return sorted({is_tuned(variant) for _, variant in self.curves})

    @property
    def bases(self) -> list[Curve]:
        """Return the curves without what is said of their rates: what has a colour of its own."""
        return _bases(self.curves)

    @property
    def behind(self) -> list[Curve]:
        """Return the bases that are grey."""
        return _bases(curve for curve in self.curves if self.styles[curve].is_behind)

    @property
    def are_many(self) -> bool:
        """Return whether the cells are more than colours tell apart."""
        return self.runs["cell"].nunique() > MOST_COLOURS

    @property
    def looks(self) -> dict[str, Style]:
        """Return the style of each base with a colour by the name that stands beside it."""
        styles = {self.name(curve): self.styles[curve] for curve in self.curves}
        return {name: style for name, style in styles.items() if not style.is_behind}

    def name(self, curve: Curve) -> str:
        """Return what stands beside a curve; that its rate was tuned is said elsewhere."""
        cell, variant = curve
        label = curve_label(cell, without_rate(variant))
        return str(self.labels.get(label, self.labels.get(cell, label)))

    def of(self, task: str, curve: Curve | None = None) -> pd.DataFrame:
        """Return the runs of a task, or of one curve on it."""
        own = self.runs[self.runs["task"] == task]
        if curve is None:
            return own
        cell, variant = curve
        return own[(own["cell"] == cell) & (own["variant"] == variant)]


def select(
    runs: pd.DataFrame,
    *,
    tasks: str | Sequence[str] | None = None,
    cells: str | Sequence[str] | None = None,
    order: Sequence[str] | None = None,
    palette: Palette = None,
    labels: Mapping[str, str] | None = None,
    rates: str = "both",
) -> Selection:
    """Choose among the runs of `load_results`, or of a labelled frame.

    Of more cells than colours tell apart those with the farthest horizons come first. In colour
    are rnn, lstm and gru, the best few others, and those that the palette names; the rest is grey.

    The arguments are told in `rnnbench.plot.options.Options`.

    Raises:
        ValueError: there is nothing of a name, or nothing is left.
    """
    known("rates", rates, RATES)
    everything = labelled(runs)
    everything = everything[[name for name in everything if name in DRAWN]]
    shown = _some_tasks(everything, tasks)
    shown = _some_cells(shown, cells)
    if rates != "both":
        tuned = have_tuned(shown)
        shown = shown[tuned if rates == "tuned" else ~tuned]
        if shown.empty:
            raise ValueError(f"rates must be of the runs, got {rates!r} where there are none")
    ranked = by_reach(shown) if shown["cell"].nunique() > MOST_COLOURS else []
    first = [cells] if isinstance(cells, str) else cells
    shown = _ordered(shown, order or first or ranked)
    if ranked and (palette is None or isinstance(palette, Mapping)):
        styles = _few_in_colour(curves_of(shown), ranked, palette or {})
    else:
        styles = curve_styles(curves_of(everything if palette is None else shown), palette)
    named = list(dict.fromkeys(map(str, shown["task"].unique())))
    names = [each for each in _several(tasks) or named if each in named]
    return Selection(shown, names, styles, labels or {})


def _few_in_colour(
    curves: Sequence[Curve], ranked: Sequence[str], palette: Mapping[str, Any]
) -> dict[Curve, Style]:
    """Return the styles of the curves of many cells, given these from the best on."""
    best = [cell for cell in ranked if cell not in SHIPPED][: len(BEST)]
    told = {*SHIPPED, *best, *palette}
    colours = {**dict(zip(best, BEST, strict=False)), **palette}
    in_colour = [curve for curve in curves if curve[0] in told]
    return dict.fromkeys(curves, BEHIND) | curve_styles(in_colour, colours)


def _bases(curves: Iterable[Curve]) -> list[Curve]:
    return list(dict.fromkeys((cell, without_rate(variant)) for cell, variant in curves))


def plain(name: str) -> str:
    """Escape the dollars in a name, which matplotlib would read as a formula."""
    return name.replace("$", r"\$")


def shortened(name: str, longest: int = LONGEST_ASIDE) -> str:
    """Cut a name to the room that is beside a panel."""
    return name if len(name) <= longest else f"{name[: longest - 3]}..."


def _several(names: str | Sequence[str] | None) -> list[str]:
    return [names] if isinstance(names, str) else list(names or ())


def _some_tasks(runs: pd.DataFrame, tasks: str | Sequence[str] | None) -> pd.DataFrame:
    names = _several(tasks)
    _check_known("tasks", names, runs["task"].unique())
    return runs[runs["task"].isin(names)] if names else runs


def _some_cells(runs: pd.DataFrame, cells: str | Sequence[str] | None) -> pd.DataFrame:
    """Return the runs of cells, or of curves by their labels, said with their rates or without."""
    names = _several(cells)
    if not names:
        return runs
    cell = runs["cell"].astype(str)
    bases = [
        curve_label(own, without_rate(variant))
        for own, variant in zip(cell, runs["variant"].astype(str), strict=True)
    ]
    called = pd.DataFrame({"cell": cell, "label": runs["label"], "base": bases})
    _check_known("cells", names, pd.unique(called.to_numpy().ravel()))
    return runs[called.isin(names).any(axis="columns")]


def _check_known(argument: str, names: Iterable[str], there: Iterable[Any]) -> None:
    listed = sorted(map(str, there))
    unknown = [name for name in names if name not in listed]
    if unknown:
        raise ValueError(f"{argument} must be of {', '.join(listed)}, got {unknown[0]!r}")


def _ordered(runs: pd.DataFrame, first: Sequence[str]) -> pd.DataFrame:
    """Return the runs with their cells in an order: the first ones given, then the others."""
    there = dict.fromkeys([*first, *sorted_cells(runs)])
    cells = [cell for cell in there if (runs["cell"] == cell).any()]
    column = pd.Categorical(runs["cell"].astype(str), categories=cells, ordered=True)
    return runs.assign(cell=column)
