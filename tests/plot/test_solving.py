"""What the solving curves draw, read from their artists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnnbench.plot.solved import OFFSET, solving

Fabricate = Callable[..., Any]


def run(fabricate: Fabricate, seed: int, solved: int | None, **changes: Any) -> Any:
    status = "solved" if solved else "unsolved"
    ended = {"steps": solved or 3000, "steps_to_solve": solved, "status": status}
    return fabricate(seed=seed, **(ended | changes))


@pytest.fixture
def draw(labelled: Any) -> Callable[..., list[Axes]]:
    def drawn(records: list[Any], **options: Any) -> list[Axes]:
        return list(np.ravel(solving(labelled(records)[0], figure=Figure(), **options)))

    return drawn


def test_the_share_of_all_seeds_that_have_solved_the_task(fabricate: Fabricate, draw: Any) -> None:
    times = [400, 400, 1000, None]
    (panel,) = draw([run(fabricate, seed, t) for seed, t in enumerate(times)])
    (line,) = panel.get_lines()
    x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    assert line.get_drawstyle() == "steps-post"
    assert dict(zip(x.tolist(), y.tolist(), strict=True)) == {
        0: 0,
        400: 0.5,
        1000: 0.75,
        3000: 0.75,
    }


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_a_broken_run_stays_in_the_count_to_the_end(
    fabricate: Fabricate, draw: Any, status: str
) -> None:
    broken = run(fabricate, 1, None, steps=10, status=status)
    (panel,) = draw([run(fabricate, 0, 400), broken, run(fabricate, 2, None)])
    (line,) = panel.get_lines()
    assert np.asarray(line.get_ydata())[-1] == pytest.approx(1 / 3)
    assert np.asarray(line.get_xdata())[-1] == 3000


def test_a_panel_per_gap_and_a_line_per_curve(fabricate: Fabricate, draw: Any) -> None:
    records = [run(fabricate, 0, 400, gap=gap, cell=c) for gap in (10, 20) for c in ("gru", "rnn")]
    panels = draw(records)
    assert [panel.get_title() for panel in panels] == ["copy, gap 10", "gap 20"]
    assert [line.get_label() for line in panels[1].get_lines()] == ["rnn", "gru"]


def test_equal_curves_lie_apart_by_a_hundredth(fabricate: Fabricate, draw: Any) -> None:
    records = [run(fabricate, 0, 400, cell=cell) for cell in ("rnn", "lstm", "gru")]
    (panel,) = draw(records)
    last = [float(np.asarray(line.get_ydata())[-1]) for line in panel.get_lines()]
    assert last == pytest.approx([1 - OFFSET, 1, 1 + OFFSET])
    assert OFFSET < 0.02


def test_a_panel_in_which_nobody_solves_is_left_out_and_named(
    fabricate: Fabricate, draw: Any
) -> None:
    records = [run(fabricate, 0, 400, gap=10), *(run(fabricate, 0, None, gap=g) for g in (20, 40))]
    (panel,) = draw(records)
    assert panel.get_title() == "copy, gap 10"
    (legend,) = panel.get_figure().legends
    assert legend.get_title().get_text() == "No run solves copy at gap 20, 40."


def test_where_nobody_solves_at_all_it_is_one_error(fabricate: Fabricate, draw: Any) -> None:
    with pytest.raises(ValueError, match="runs must have one that solves its task, got none"):
        draw([run(fabricate, 0, None)])


def test_the_interval_is_wilsons_also_where_all_agree(fabricate: Fabricate, draw: Any) -> None:
    (panel,) = draw([run(fabricate, seed, 400) for seed in range(10)])
    (band,) = [c for c in panel.collections if c.get_label() == "_interval gru"]
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.min() == 0 and 0.7 < heights[heights > 0.5].min() < 0.75
    (panel,) = draw([run(fabricate, 0, 400)], interval=None)
    assert not panel.collections


def test_of_very_many_gaps_some_have_panels_even_in_log_gap(
    fabricate: Fabricate, draw: Any
) -> None:
    panels = draw([run(fabricate, 0, 400, gap=gap) for gap in range(10, 171)])
    drawn = [int(panel.get_title().split()[-1]) for panel in panels]
    assert (len(drawn), drawn[0], drawn[-1]) == (5, 10, 170)
    steps = np.diff(np.log(drawn))
    assert np.allclose(steps, steps.mean(), atol=0.06)
    (legend,) = panels[0].get_figure().legends
    assert legend.get_title().get_text() == "Panels: 5 of 161 gaps."


@pytest.mark.parametrize("size", ["column", "text"])
@pytest.mark.parametrize("cell", ["gru", "a_cell_whose_author_gave_it_a_name_longer_than_any_line"])
def test_the_legend_stays_within_a_narrow_figure(
    fabricate: Fabricate, draw: Any, cell: str, size: str
) -> None:
    starts = [
        {"init": init, "keep_bias": bias} for init, bias in [("torch", 1.0), ("chrono", None)]
    ]
    rates = (0.1, 0.5)
    records = [
        run(fabricate, 0, 400, cell=cell, lr=lr, **start) for start in starts for lr in rates
    ]
    (panel,) = draw(records, size=size)
    figure = panel.get_figure()
    figure.draw_without_rendering()
    names = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert len([name for name in names if name.startswith(cell[:5])]) == 4
    for legend in figure.legends:
        box = legend.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
