"""What the solving curves draw, read from their artists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rnnbench.report.figures.training import draw_solving_curves

Fabricate = Callable[..., Any]


def run(fabricate: Fabricate, seed: int, solved: int | None, **changes: Any) -> Any:
    status = "solved" if solved else "unsolved"
    ended = {"steps": solved or 3000, "steps_to_solve": solved, "status": status}
    return fabricate(seed=seed, **(ended | changes))


def test_the_share_of_all_seeds_that_have_solved_the_task(
    fabricate: Fabricate, labelled: Any
) -> None:
    times = [400, 400, 1000, None]
    results, _ = labelled([run(fabricate, seed, t) for seed, t in enumerate(times)])
    (line,) = draw_solving_curves(results).axes[0].get_lines()
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
    fabricate: Fabricate, labelled: Any, status: str
) -> None:
    broken = run(fabricate, 1, None, steps=10, status=status)
    results, _ = labelled([run(fabricate, 0, 400), broken, run(fabricate, 2, None)])
    (line,) = draw_solving_curves(results).axes[0].get_lines()
    assert np.asarray(line.get_ydata())[-1] == pytest.approx(1 / 3)
    assert np.asarray(line.get_xdata())[-1] == 3000


def test_a_panel_per_gap_and_a_line_per_curve(fabricate: Fabricate, labelled: Any) -> None:
    records = [run(fabricate, 0, 400, gap=gap, cell=c) for gap in (10, 20) for c in ("gru", "rnn")]
    figure = draw_solving_curves(labelled(records)[0])
    assert [panel.get_title() for panel in figure.axes] == ["copy, gap 10", "copy, gap 20"]
    assert {line.get_label() for line in figure.axes[1].get_lines()} == {"gru", "rnn"}


def test_of_very_many_gaps_some_have_panels_even_in_log_gap(
    fabricate: Fabricate, labelled: Any
) -> None:
    gaps = range(10, 171)
    figure = draw_solving_curves(labelled([run(fabricate, 0, 400, gap=gap) for gap in gaps])[0])
    drawn = [int(panel.get_title().split()[-1]) for panel in figure.axes]
    assert (len(drawn), drawn[0], drawn[-1]) == (10, 10, 170)
    steps = np.diff(np.log(drawn))
    assert np.allclose(steps, steps.mean(), atol=0.06)
    assert "panels:\xa010\xa0of\xa0161\xa0gaps" in figure.legends[0].get_title().get_text()


def test_ten_gaps_all_have_panels(fabricate: Fabricate, labelled: Any) -> None:
    gaps = [10, 11, 12, 13, 14, 15, 16, 17, 18, 300]
    figure = draw_solving_curves(labelled([run(fabricate, 0, 400, gap=gap) for gap in gaps])[0])
    assert [int(panel.get_title().split()[-1]) for panel in figure.axes] == gaps
    assert "panels" not in figure.legends[0].get_title().get_text()


@pytest.mark.parametrize("cell", ["gru", "a_cell_whose_author_gave_it_a_name_longer_than_any_line"])
def test_the_legend_stays_within_a_narrow_figure(
    fabricate: Fabricate, labelled: Any, cell: str
) -> None:
    starts = [
        {"init": init, "keep_bias": bias} for init, bias in [("torch", 1.0), ("chrono", None)]
    ]
    rates = (0.1, 0.5)
    records = [
        run(fabricate, 0, 400, cell=cell, lr=lr, **start) for start in starts for lr in rates
    ]
    figure = draw_solving_curves(labelled(records)[0])
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 4
    box = legend.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
