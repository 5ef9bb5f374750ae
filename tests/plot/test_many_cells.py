"""Of more cells than colours tell apart a few have one, and all have a row, the best ones first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from rnnbench import plot
from rnnbench.plot.looks import BEHIND, Style
from rnnbench.plot.selection import select
from rnnbench.store.frames import load_history, load_results

Fabricate = Callable[..., Any]
CELLS = [*(f"c{number:02d}" for number in range(10)), "lstm"]
RANKED = ["c09", "c08", "c07", "c06", "c05", "c04", "c03", "c02", "c01", "c00"]
BEST = RANKED[:3]
# Every second cell was run on a task as well on which all have short horizons.
TASKS = {"copy": CELLS, "recall": CELLS[::2]}
DRAWS = (
    lambda runs, history: plot.curve(runs, figure=Figure()),
    lambda runs, history: plot.learning(runs, history, gaps=[20], figure=Figure()),
    lambda runs, history: plot.solving(runs, gaps=[20], figure=Figure()),
)


@pytest.fixture
def place(fabricate: Fabricate, stored: Callable[..., Path]) -> Path:
    def score(task: str, cell: str, gap: int) -> float:
        lost_at = 15 if cell == "lstm" else 30 + 10 * CELLS.index(cell)
        return float(gap < lost_at / (3 if task == "recall" else 1))

    points = [(t, c, g) for t, own in TASKS.items() for c in own for g in range(10, 130, 10)]
    return stored([fabricate(*own, score=score(*own), status="solved") for own in points])


def lines(panel: Axes) -> dict[str, Any]:
    return {str(line.get_label()): line for line in panel.get_lines()}


def legend(panel: Axes) -> list[str]:
    (own,) = panel.get_figure().legends
    return [text.get_text() for text in own.get_texts()]


def in_colour(styles: dict[Any, Style]) -> set[str]:
    return {cell for (cell, _), style in styles.items() if style != BEHIND}


def test_the_best_come_first_and_have_a_colour_beside_the_shipped_ones(place: Path) -> None:
    chosen = select(load_results(place))
    assert [cell for cell, _ in chosen.curves] == [*RANKED, "lstm"]
    assert in_colour(chosen.styles) == {*BEST, "lstm"}
    assert len({chosen.styles[cell, ""].colour for cell in (*BEST, "lstm", "c00")}) == 5


def test_of_equal_horizons_the_higher_mean_score_comes_first(
    fabricate: Fabricate, labelled: Any
) -> None:
    scores = {cell: 0.8 + 0.01 * place for place, cell in enumerate(CELLS)}
    rows = [fabricate(cell=cell, gap=gap, score=scores[cell]) for cell in CELLS for gap in (11, 20)]
    chosen = select(labelled(rows)[0])
    assert [cell for cell, _ in chosen.curves] == CELLS[::-1]


def test_an_order_and_colours_of_ones_own_hold(place: Path) -> None:
    runs = load_results(place)
    named = select(runs, order=["c03"], palette={"c00": "red"})
    assert [cell for cell, _ in named.curves][:3] == ["c03", "lstm", "c00"]
    assert in_colour(named.styles) == {*BEST, "lstm", "c00"}
    assert named.styles["c00", ""].colour == to_rgb("red")
    assert in_colour(select(runs, palette="husl").styles) == {*CELLS}
    assert in_colour(select(runs, cells=CELLS[:8]).styles) >= {*CELLS[:8]}


@pytest.mark.parametrize("draw", DRAWS)
def test_the_others_are_thin_and_grey_behind_them(place: Path, draw: Any) -> None:
    panel = np.ravel(draw(load_results(place), load_history(place)))[0]
    front, behind = [], []
    for cell, line in ((cell, lines(panel)[cell]) for cell in CELLS):
        (front if cell in (*BEST, "lstm") else behind).append(line)
    assert {line.get_color() for line in behind} == {BEHIND.colour}
    assert max(line.get_zorder() for line in behind) < min(line.get_zorder() for line in front)
    assert max(line.get_linewidth() for line in behind) < front[0].get_linewidth()
    assert "7 others" in legend(panel)
    beside = [c.get_label() for c in panel.collections if str(c.get_label()).startswith("_")]
    assert not [label for label in beside for cell in RANKED[3:] if cell in label]


def test_curves_of_one_name_are_no_others(fabricate: Fabricate, labelled: Any) -> None:
    rows = [fabricate(keep_bias=bias) for bias in (0.0, 1.0, 2.0)]
    panel = plot.curve(labelled(rows)[0], labels={"gru": "GRU"}, figure=Figure())
    assert isinstance(panel, Axes)
    assert not [text for text in legend(panel) if "other" in text]


def test_curves_in_colour_are_named_at_their_ends(place: Path) -> None:
    panel = plot.curve(load_results(place), tasks="copy", figure=Figure())
    assert isinstance(panel, Axes)
    assert {*BEST, "lstm"} == {text.get_text() for text in panel.texts}


def test_horizons_have_a_row_for_each_that_all_tasks_share(place: Path) -> None:
    panels = np.ravel(plot.horizons(load_results(place), figure=Figure()))
    assert {panel.get_subplotspec().rowspan.start for panel in panels} == {0}
    assert [text.get_text() for text in panels[0].get_yticklabels()] == [*RANKED, "lstm"]
    for panel, cells in zip(panels, TASKS.values(), strict=True):
        heights = {cell: lines(panel)[f"_horizon {cell}"].get_ydata()[0] for cell in cells}
        assert heights == {cell: [*RANKED, "lstm"].index(cell) for cell in cells}
    (own,) = panels[0].get_figure().legends
    assert own.get_title().get_text().startswith("The farthest mean horizon first.")
    ordered = plot.horizons(load_results(place), order=["c03"], figure=Figure())
    (own,) = np.ravel(ordered)[0].get_figure().legends
    assert not own.get_title().get_text()


@pytest.mark.parametrize(("size", "across"), [("column", 3), ("text", 6), ("slides", 12)])
def test_of_many_tasks_as_many_panels_stand_side_by_side_as_have_room(
    fabricate: Fabricate, labelled: Any, size: str, across: int
) -> None:
    rows = [
        fabricate(cell=cell)
        | {"task": f"t{n:02d}", "run_id": f"{n:08x}{cell}", "condition_id": f"{n}"}
        for n in range(12)
        for cell in CELLS
    ]
    panels = np.ravel(plot.horizons(labelled(rows)[0], size=size, figure=Figure()))
    figure = panels[0].get_figure()
    assert max(panel.get_subplotspec().colspan.start for panel in panels) == across - 1
    figure.draw_without_rendering()
    assert figure.get_figheight() <= 9


def test_a_mark_is_filled_where_all_rates_are_tuned(fabricate: Fabricate, labelled: Any) -> None:
    for config, face in (({}, "white"), ({"tuned": True}, None)):
        rows = [fabricate(gap=gap, config=config) for gap in (11, 20)]
        mark = lines(plot.horizons(labelled(rows)[0], figure=Figure()))["_horizon gru"]  # type: ignore[arg-type]
        assert mark.get_markerfacecolor() == (face or mark.get_color())
