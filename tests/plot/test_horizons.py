"""What is drawn of horizons, read from the artists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnnbench.plot.reach import IN_ZONE, ZONE, horizons
from rnnbench.statistics import horizon_range

Fabricate = Callable[..., Any]
GAPS = (10, 20, 40)
TUNED = {"lr": 0.01, "config": {"tuned": True}, "sweep": "tuned"}


def seeds(fabricate: Fabricate, lost_at: float, cell: str = "gru", **more: Any) -> list[Any]:
    """Ten seeds at each gap that score 1 up to a gap, and 0 from there on."""
    return [
        fabricate(cell=cell, gap=gap, seed=seed, score=float(gap < lost_at), **more)
        for gap in GAPS
        for seed in range(10)
    ]


@pytest.fixture
def draw(labelled: Any) -> Callable[..., list[Axes]]:
    def drawn(rows: list[Any], **options: Any) -> list[Axes]:
        return list(np.ravel(horizons(labelled(rows)[0], figure=Figure(), **options)))

    return drawn


def lines(panel: Axes) -> dict[str, Any]:
    return {str(line.get_label()): line for line in panel.get_lines()}


def place(panel: Axes, name: str) -> tuple[float, float]:
    line = lines(panel)[f"_horizon {name}"]
    return float(line.get_xdata()[0]), float(line.get_ydata()[0])


def test_the_mark_is_at_the_horizon_and_the_bar_is_its_interval(
    fabricate: Fabricate, draw: Any
) -> None:
    (panel,) = draw(seeds(fabricate, 40))
    scores = {float(gap): np.full(10, float(gap < 40)) for gap in GAPS}
    found = horizon_range(scores)
    x, _ = place(panel, "gru")
    assert x == pytest.approx(found.horizon.gap) == pytest.approx(20 * 2**0.25)
    bar = lines(panel)["_interval gru"].get_xdata()
    assert found.low is not None and found.high is not None
    assert list(bar) == pytest.approx([found.low.gap, found.high.gap])
    assert [text.get_text() for text in panel.texts] == ["24"]


@pytest.mark.parametrize(
    ("lost_at", "marker", "x", "text"),
    [(100, ">", 40 * IN_ZONE, "> 40"), (5, "<", 10 / IN_ZONE, "< 10")],
)
def test_what_lies_beyond_the_gaps_is_an_arrow_in_the_grey_zone(
    fabricate: Fabricate, draw: Any, lost_at: int, marker: str, x: float, text: str
) -> None:
    (panel,) = draw(seeds(fabricate, lost_at))
    line = lines(panel)["_horizon gru"]
    assert line.get_marker() == marker
    assert line.get_xdata()[0] == pytest.approx(x)
    zones = [p.get_extents() for p in panel.patches if p.get_label() == "_beyond"]
    spans = sorted((p.get_x(), p.get_x() + p.get_width()) for p in panel.patches)
    assert len(zones) == 2
    assert any(low <= x <= high for low, high in spans)
    assert (spans[0][1], spans[1][0]) == (10, 40)
    assert panel.get_xlim() == pytest.approx((10 / ZONE, 40 * ZONE))
    assert [t.get_text() for t in panel.texts] == [text]
    (legend,) = panel.get_figure().legends
    assert [t.get_text() for t in legend.get_texts()] == ["beyond the gaps run"]


def test_nothing_is_in_the_legend_that_is_not_drawn(fabricate: Fabricate, draw: Any) -> None:
    (panel,) = draw(seeds(fabricate, 40))
    assert panel.get_figure().legends == []


def test_hollow_is_shared_and_filled_is_tuned_in_one_row(fabricate: Fabricate, draw: Any) -> None:
    tuned = [
        record | {"run_id": f"{number:016x}"}
        for number, record in enumerate(seeds(fabricate, 40, **TUNED))
    ]
    (panel,) = draw([*seeds(fabricate, 20), *tuned])
    shared, own = (lines(panel)[f"_horizon gru{end}"] for end in ("", ", tuned"))
    assert shared.get_markerfacecolor() == "white"
    assert own.get_markerfacecolor() == own.get_color() == shared.get_color()
    heights = (place(panel, "gru")[1], place(panel, "gru, tuned")[1])
    assert heights[0] == -heights[1] and -0.5 < heights[0] < 0
    assert [text.get_text() for text in panel.get_yticklabels()] == ["gru"]


def test_rows_are_in_the_sweeps_order_and_panels_are_tasks(fabricate: Fabricate, draw: Any) -> None:
    rows = [
        record
        for task in ("copy", "recall")
        for cell in ("gru", "mine", "rnn", "lstm")
        for record in seeds(fabricate, 40, cell, task=task)
    ]
    panels = draw(rows)
    assert [panel.get_title() for panel in panels] == ["copy", "recall"]
    names = [text.get_text() for text in panels[0].get_yticklabels()]
    assert names == ["rnn", "lstm", "gru", "mine"]
    heights = [place(panels[1], name)[1] for name in names]
    assert heights == [0, 1, 2, 3]
    assert panels[0].get_ylim()[0] > panels[0].get_ylim()[1]  # from the top


def test_of_too_few_seeds_there_is_a_mark_without_a_bar(fabricate: Fabricate, draw: Any) -> None:
    (panel,) = draw([record for record in seeds(fabricate, 40) if record["seed"] < 2])
    assert list(lines(panel)) == ["_horizon gru"]


def test_another_level_and_no_interval(fabricate: Fabricate, draw: Any) -> None:
    rows = [record | {"score": 0.8} for record in seeds(fabricate, 40)]
    (panel,) = draw(rows, level=0.85, interval=None)
    assert list(lines(panel)) == ["_horizon gru"]
    assert lines(panel)["_horizon gru"].get_marker() == "<"
    assert panel.get_figure().get_supxlabel().endswith("falls below 0.85")


@pytest.mark.parametrize("size", ["column", "text", "slides"])
def test_twenty_cells_have_rows_and_numbers_that_do_not_touch(
    fabricate: Fabricate, draw: Any, size: str
) -> None:
    rows = [r for n in range(20) for r in seeds(fabricate, 40, f"cell{n:02d}")]
    (panel,) = draw(rows, size=size)
    figure = panel.get_figure()
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in panel.texts]
    assert len(boxes) == 20
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[n + 1 :])
    assert figure.get_figheight() <= 9
