"""The map of load and gap, read from its artists, and which runs are on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnnbench.plot.loads import by_load, edges, load
from rnnbench.plot.matrix import COLOURS
from rnnbench.plot.reach import IN_ZONE, ZONE
from rnnbench.statistics import horizon_range

Fabricate = Callable[..., Any]
GAPS = (10, 20, 40)


def seeds(
    fabricate: Fabricate, bits: float | None, lost_at: float, gaps: Any = GAPS, **more: Any
) -> list[Any]:
    """Ten seeds at each gap that score 1 up to a gap, and 0 from there on."""
    task = {"num_symbols": (bits or 0) / 3, **more.pop("settings", {})}
    config = {"task": task, **more.pop("config", {})}
    made = [
        fabricate(
            gap=gap, seed=seed, score=float(gap < lost_at), load_bits=bits, config=config, **more
        )
        for gap in gaps
        for seed in range(10)
    ]
    return [run | {"run_id": f"{run['condition_id']}-{run['seed']}"} for run in made]


@pytest.fixture
def draw(labelled: Any) -> Callable[..., list[Axes]]:
    def drawn(rows: list[Any], **options: Any) -> list[Axes]:
        return list(np.ravel(load(labelled(rows)[0], figure=Figure(), **options)))

    return drawn


@pytest.fixture
def rows(fabricate: Fabricate) -> list[Any]:
    """A horizon between the gaps at 6 and 15 bits, beyond them at 3, and below them at 30."""
    reached = {3.0: 100, 6.0: 40, 15.0: 20, 30.0: 5}
    return [run for bits, lost_at in reached.items() for run in seeds(fabricate, bits, lost_at)]


def lines(panel: Axes) -> dict[str, Any]:
    return {str(line.get_label()): line for line in panel.get_lines()}


def fields(panel: Axes) -> Any:
    (mesh,) = panel.collections
    return mesh


def test_fields_have_the_colours_of_the_mean_scores(
    rows: list[Any], draw: Any, fabricate: Fabricate
) -> None:
    rows[0]["score"] = 0.5  # of ten seeds at 3 bits and gap 10
    (panel,) = draw(rows)
    mesh = fields(panel)
    expected = [[0.95, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]]
    assert np.asarray(mesh.get_array()) == pytest.approx(np.array(expected))
    panel.get_figure().draw_without_rendering()
    colours = mesh.get_facecolors().reshape(4, 3, 4)
    assert mesh.get_clim() == (0, 1)
    assert colours[0, 0] == pytest.approx(COLOURS(0.95))
    assert colours[2, 1] == pytest.approx(COLOURS(0.0))
    corners = np.asarray(mesh.get_coordinates())  # rows load, columns gap, (x, y)
    assert corners[0, :, 0] == pytest.approx([10 / 2**0.5, 10 * 2**0.5, 20 * 2**0.5, 40 * 2**0.5])
    assert corners[1:3, 0, 1] == pytest.approx([18**0.5, 90**0.5])


def test_the_line_is_the_horizon_at_each_load_and_bars_are_its_intervals(
    rows: list[Any], draw: Any
) -> None:
    (panel,) = draw(rows)
    line = lines(panel)["_horizon"]
    assert line.get_ydata() == pytest.approx([3, 6, 15, 30])
    within = [np.nan, 20 * 2**0.25, 10 * 2**0.25, np.nan]
    assert line.get_xdata() == pytest.approx(within, nan_ok=True)
    found = horizon_range({gap: np.full(10, float(gap < 40)) for gap in GAPS})
    assert found.low is not None and found.high is not None
    assert lines(panel)["_interval 6"].get_xdata() == pytest.approx([found.low.gap, found.high.gap])
    assert lines(panel)["_interval 6"].get_ydata() == pytest.approx([6, 6])


def test_it_is_drawn_in_axes_of_one_s_own(rows: list[Any], labelled: Any) -> None:
    own = Figure().subplots()
    assert load(labelled(rows)[0], ax=own) is own
    assert (own.get_xlabel(), own.get_ylabel()) == ("gap (time steps)", "load (bits)")
    assert own.get_legend() is not None


def test_another_level_has_another_line(rows: list[Any], draw: Any) -> None:
    (panel,) = draw(rows, level=0.5)
    assert lines(panel)["_horizon"].get_xdata()[1] == pytest.approx(20 * 2**0.5)
    (legend,) = panel.get_figure().legends
    assert legend.get_texts()[0].get_text() == "horizon: mean score falls below 0.5"


def test_what_lies_beyond_the_gaps_is_an_arrow_outside_the_fields(
    rows: list[Any], draw: Any
) -> None:
    (panel,) = draw(rows)
    marks = {name: line for name, line in lines(panel).items() if name.startswith("_horizon ")}
    assert [mark.get_marker() for mark in marks.values()] == [">", "o", "o", "<"]
    assert marks["_horizon 3"].get_xdata()[0] == pytest.approx(40 * 2**0.5 * IN_ZONE)
    assert marks["_horizon 30"].get_xdata()[0] == pytest.approx(10 / 2**0.5 / IN_ZONE)
    assert panel.get_xlim() == pytest.approx((10 / 2**0.5 / ZONE, 40 * 2**0.5 * ZONE))
    (legend,) = panel.get_figure().legends
    assert [text.get_text() for text in legend.get_texts()][1:] == ["beyond the gaps run"]


def test_a_load_with_fewer_gaps_has_its_arrow_beyond_its_own(
    fabricate: Fabricate, draw: Any
) -> None:
    few = seeds(fabricate, 6.0, 100, gaps=(10, 20))
    (panel,) = draw([*seeds(fabricate, 3.0, 100), *few])
    assert lines(panel)["_horizon 6"].get_xdata()[0] == pytest.approx(20 * 2**0.5 * IN_ZONE)
    assert np.ma.getmaskarray(fields(panel).get_array()).tolist() == [[False] * 3, [0, 0, 1]]


def test_a_cell_has_a_panel_and_all_of_a_task_have_the_same_axes(
    fabricate: Fabricate, draw: Any, rows: list[Any]
) -> None:
    more = [r for bits in (3.0, 60.0) for r in seeds(fabricate, bits, 40, cell="lstm")]
    recall = [r for bits in (1.0, 2.0) for r in seeds(fabricate, bits, 40, task="recall")]
    panels = draw([*rows, *more, *recall])
    assert [panel.get_title() for panel in panels] == ["copy\nlstm", "copy\ngru", "recall\ngru"]
    assert [list(panel.get_yticks()) for panel in panels[:2]] == [[3, 6, 15, 30, 60]] * 2
    shown = [panel.yaxis.get_tick_params()["labelleft"] for panel in panels]
    assert shown == [True, False, True]


def test_settings_that_the_load_does_not_tell_have_panels_of_their_own(
    fabricate: Fabricate, draw: Any
) -> None:
    rows = [
        run
        for order in ("forward", "reverse")
        for bits in (3.0, 6.0)
        for run in seeds(fabricate, bits, 40, settings={"order": order})
    ]
    titles = [panel.get_title() for panel in draw(rows)]
    assert titles == ["copy\ngru, order forward", "copy\ngru, order reverse"]


def test_a_grid_of_symbols_and_alphabets_is_no_mean_over_both(
    fabricate: Fabricate, labelled: Any
) -> None:
    """Two of four symbols and four of two are four bits each, and not the same."""
    rows = [
        run
        for number, bits_each in ((2, 1), (2, 2), (4, 1), (4, 2))
        for run in seeds(
            fabricate,
            number * bits_each,
            40,
            settings={"num_symbols": number, "alphabet_size": 2**bits_each},
        )
    ]
    found = by_load(labelled(rows)[0])
    names = found.groupby("label")["load_bits"].unique().map(sorted).to_dict()
    assert names == {"gru, num symbols 2": [2, 4], "gru, num symbols 4": [4, 8]}


def test_a_rate_tuned_for_each_load_makes_no_curve_of_its_own(
    fabricate: Fabricate, draw: Any
) -> None:
    tuned = {"config": {"tuned": True}, "lr": 0.01}
    rows = [*seeds(fabricate, 3.0, 40, **tuned), *seeds(fabricate, 6.0, 40, **tuned | {"lr": 0.03})]
    (panel,) = draw(rows)
    assert fields(panel).get_array().shape == (2, 3)


@pytest.mark.parametrize(
    "loads",
    [((3.0, GAPS),), ((None, GAPS), (3.0, GAPS)), ((3.0, (10, 20)), (6.0, (40,)))],
    ids=["one", "one and a real number", "no two at one gap"],
)
def test_without_two_loads_there_is_one_clear_error(
    fabricate: Fabricate, draw: Any, loads: Any
) -> None:
    rows = [run for bits, gaps in loads for run in seeds(fabricate, bits, 40, gaps=gaps)]
    with pytest.raises(
        ValueError, match="^runs must have a task with two loads .load_bits. at one"
    ):
        draw(rows)


@pytest.mark.parametrize("size", ["column", "text", "slides", "phone"])
def test_words_lie_in_the_figure_and_numbers_apart(rows: list[Any], draw: Any, size: str) -> None:
    cells = [
        r | {"cell": cell, "run_id": f"{cell}{n}"} for cell in "abc" for n, r in enumerate(rows)
    ]
    cells = [r | {"condition_id": r["cell"] + r["condition_id"]} for r in cells]
    panels = draw(cells, size=size)
    figure = panels[0].get_figure()
    figure.draw_without_rendering()
    assert len(panels) == 3 and figure.get_figheight() <= 9
    for panel in panels:
        ticks = [text for text in panel.get_xticklabels() if text.get_text()]
        boxes = [text.get_window_extent() for text in ticks]
        assert not any(one.overlaps(other) for one, other in zip(boxes, boxes[1:], strict=False))
    (legend,) = figure.legends
    assert legend.get_window_extent().y0 > panels[0].get_window_extent().y1


def test_a_single_value_has_a_field_of_one_step() -> None:
    assert edges([8.0]) == {8.0: pytest.approx((8 / 2**0.5, 8 * 2**0.5))}
    assert edges([2.0, 8.0]) == {2.0: pytest.approx((1, 4)), 8.0: pytest.approx((4, 16))}
