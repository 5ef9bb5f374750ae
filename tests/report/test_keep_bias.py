"""Horizons against keep bias: which starts count, what is drawn and what is said."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnnbench.plot.looks import curve_styles
from rnnbench.plot.starts import (
    IN_ZONE,
    drawn_tasks,
    half_life,
    keep_bias,
    keep_bias_horizons,
)
from rnnbench.report.sections.keep_bias import rankings

Fabricate = Callable[..., Any]


def start(fabricate: Fabricate, cell: str, lost_at: int, **changes: Any) -> list[Any]:
    """Ten seeds of a cell that remembers all gaps up to one."""
    return [
        fabricate(cell=cell, gap=gap, seed=seed, score=float(gap < lost_at), **changes)
        for gap in (10, 20, 40, 80)
        for seed in range(10)
    ]


@pytest.fixture
def runs(fabricate: Fabricate, labelled: Any) -> Any:
    records = []
    for bias, gru, lstm in ((0.0, 40, 20), (1.0, 40, 40), (3.0, 40, 80)):
        records += start(fabricate, "gru", gru, keep_bias=bias)
        records += start(fabricate, "lstm", lstm, keep_bias=bias)
    records += start(fabricate, "lstm", 160, init="chrono", keep_bias=None)
    records += start(fabricate, "rnn", 20, keep_bias=None)
    return labelled(records)[0]


@pytest.fixture
def turned(runs: Any) -> Any:
    return keep_bias_horizons(runs)


def test_the_half_life_by_hand() -> None:
    # A gate at 0 keeps half at every time step; at ln 3 it keeps 3/4: ln 2 / ln(4 / 3) = 2.409.
    assert half_life(0.0) == pytest.approx(1)
    assert half_life(math.log(3)) == pytest.approx(2.4094, abs=1e-4)
    assert half_life(5.0) == pytest.approx(math.log(2) * math.exp(5), rel=0.01)


def test_every_start_has_a_horizon_and_cells_without_a_gate_none(turned: Any) -> None:
    assert set(turned["cell"]) == {"gru", "lstm"}
    found = {(row.cell, row.start): row.horizon.horizon for row in turned.itertuples()}
    assert len(found) == 7
    assert found["lstm", 0.0].gap == pytest.approx(10 * 2**0.25)
    assert found["lstm", "chrono"] == (80, ">")


def test_a_ranking_that_turns_over_is_said_in_words(turned: Any) -> None:
    (line,) = rankings(turned)
    assert "turns over" in line
    assert "gru at 0" in line and "lstm at 3" in line
    assert "1" not in line


def test_intervals_that_overlap_are_no_ranking(fabricate: Fabricate, labelled: Any) -> None:
    """Two of five seeds more at one gap: a farther horizon, but not one that seeds rule out."""
    records = []
    for bias in (0.0, 1.0, 3.0):
        gru = start(fabricate, "gru", 40, keep_bias=bias)
        records += [r | {"score": 1.0} if r["gap"] == 40 and r["seed"] < 2 else r for r in gru]
        records += start(fabricate, "lstm", 40, keep_bias=bias)
    table = keep_bias_horizons(labelled(records)[0])
    assert len({row.horizon.horizon.gap for row in table.itertuples()}) == 2
    (line,) = rankings(table)
    assert line == "copy: at no keep bias do the intervals of lstm and gru part."


def draw(runs: Any, **options: Any) -> list[Axes]:
    return list(np.ravel(keep_bias(runs, figure=Figure(), **options)))


def lines(panel: Axes) -> dict[str, Any]:
    return {str(line.get_label()): line for line in panel.get_lines()}


def test_lines_points_and_the_prediction(runs: Any) -> None:
    (panel,) = draw(runs)
    drawn = lines(panel)
    dotted = drawn["half-life of the gate"]
    assert np.asarray(dotted.get_ydata())[0] == pytest.approx(1)
    assert np.asarray(drawn["gru"].get_ydata()).tolist() == pytest.approx([20 * 2**0.25] * 3)
    texts = [text.get_text() for text in panel.get_xticklabels()]
    assert texts == ["0", "1", "3", "chrono"]
    (legend,) = panel.get_figure().legends
    assert [t.get_text() for t in legend.get_texts()] == [
        "lstm",
        "gru",
        "half-life of the gate alone",
    ]
    assert drawn["gru"].get_color() == curve_styles([("gru", "")])["gru", ""].colour


def test_no_line_goes_through_what_lies_beyond_the_gaps(runs: Any) -> None:
    (panel,) = draw(runs)
    heights = np.asarray(lines(panel)["lstm"].get_ydata())
    assert heights == pytest.approx([10 * 2**0.25, 20 * 2**0.25, 40 * 2**0.25, np.nan], nan_ok=True)
    arrows = [line for line in panel.get_lines() if line.get_marker() == "^"]
    gru = curve_styles([("gru", "")])["gru", ""].marker
    assert gru == "^"  # which is why only the lstm's colour is looked for
    lstm = lines(panel)["lstm"].get_color()
    assert [a.get_ydata()[0] for a in arrows if a.get_color() == lstm] == [80 * IN_ZONE]
    zones = sorted((p.get_y(), p.get_y() + p.get_height()) for p in panel.patches)
    assert (zones[0][1], zones[1][0]) == (10, 80)


def test_a_task_with_arrows_alone_is_left_out_and_named(
    fabricate: Fabricate, labelled: Any
) -> None:
    records = []
    for bias in (0.0, 1.0, 2.0):
        records += start(fabricate, "gru", 40, keep_bias=bias)
        records += start(fabricate, "gru", 100, task="recall", keep_bias=bias)
    results, _ = labelled(records)
    assert drawn_tasks(keep_bias_horizons(results)) == (["copy"], ["recall"])
    (panel,) = draw(results)
    assert panel.get_title() == "copy"
    (legend,) = panel.get_figure().legends
    assert legend.get_title().get_text() == "All horizons lie beyond the gaps run: recall."
    with pytest.raises(ValueError, match="runs must have a horizon within the gaps"):
        draw(results, tasks="recall")


def test_one_start_makes_no_figure(fabricate: Fabricate, labelled: Any) -> None:
    records = start(fabricate, "gru", 40, keep_bias=1.0) + start(
        fabricate, "gru", 40, keep_bias=3.0
    )
    assert keep_bias_horizons(labelled(records)[0]).empty
