"""What is drawn against the gap, read from the artists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnnbench.plot.gap import SWARM, curve, swarm
from rnnbench.statistics import mean_interval, wilson_interval

Fabricate = Callable[..., Any]
VALUES = {11: [0.9, 0.95, 1.0], 20: [0.2, 0.9, 1.0], 160: [0.1, 0.15, 0.1]}


def records(fabricate: Fabricate, values: dict[int, list[float]], **more: Any) -> list[Any]:
    return [
        fabricate(gap=gap, seed=seed, accuracy=min(max(value, 0.0), 1.0), score=value, **more)
        for gap, found in values.items()
        for seed, value in enumerate(found)
    ]


def artist(panel: Axes, label: str) -> Any:
    (found,) = [child for child in panel.get_children() if child.get_label() == label]
    return found


@pytest.fixture
def draw(labelled: Any) -> Callable[..., list[Axes]]:
    """Return a function from records to the panels drawn of them."""

    def drawn(rows: list[Any], y: str = "accuracy", **options: Any) -> list[Axes]:
        return list(np.ravel(curve(labelled(rows)[0], y, figure=Figure(), **options)))

    return drawn


def test_line_is_the_mean_over_seeds_at_the_gaps(fabricate: Fabricate, draw: Any) -> None:
    (panel,) = draw(records(fabricate, VALUES))
    line = artist(panel, "gru")
    assert line.get_xdata() == pytest.approx([11, 20, 160])
    assert line.get_ydata() == pytest.approx([np.mean(found) for found in VALUES.values()])


def test_whiskers_are_the_interval_at_measured_gaps_alone(fabricate: Fabricate, draw: Any) -> None:
    (panel,) = draw(records(fabricate, VALUES))
    whiskers = artist(panel, "_interval gru").get_segments()
    expected = [mean_interval(found) for found in VALUES.values()]
    for (gap, (_, low, high)), whisker in zip(zip(VALUES, expected), whiskers, strict=True):
        assert whisker == pytest.approx(np.array([[gap, low], [gap, high]]))
    (panel,) = draw(records(fabricate, VALUES), interval=None)
    assert not [c for c in panel.collections if "_interval" in str(c.get_label())]


def test_a_curve_and_its_seeds_are_moved_together_by_a_few_percent(
    fabricate: Fabricate, draw: Any
) -> None:
    values = {gap: [0.5, 0.503, 0.9, 1.0] for gap in (11, 20)}
    rows = [row for cell in ("rnn", "lstm", "gru") for row in records(fabricate, values, cell=cell)]
    (panel,) = draw(rows)
    for cell in ("rnn", "lstm", "gru"):
        line = np.asarray(artist(panel, cell).get_xdata())
        whiskers = artist(panel, f"_interval {cell}").get_segments()
        seeds = np.asarray(artist(panel, f"_seeds {cell}").get_offsets())[:, 0]
        assert np.abs(np.log(line / [11, 20])).max() <= 0.04
        assert [whisker[0][0] for whisker in whiskers] == pytest.approx(line)
        assert len(seeds) == 8
        nearest = np.abs(np.log(seeds[:, None] / line)).min(axis=1)
        assert nearest.max() <= 0.01 + 1e-12
    lines = [artist(panel, cell).get_xdata()[0] for cell in ("rnn", "lstm", "gru")]
    assert lines == sorted(set(lines))  # in the order of the sweep


def test_seeds_of_one_height_lie_side_by_side() -> None:
    assert swarm(np.array([0.2, 0.9, 0.905, 0.55])) == pytest.approx([0, -SWARM, SWARM, 0])
    assert swarm(np.full(10, 1.0)).tolist() == [0] * 10


def test_where_all_seeds_agree_it_says_how_many(fabricate: Fabricate, draw: Any) -> None:
    values = {11: [1.0] * 4, 20: [0.2, 1.0, 1.0, 1.0], 40: [0.19] * 4}
    (panel,) = draw(records(fabricate, values) + records(fabricate, values, cell="rnn"))
    drawn = [text for text in panel.texts if text.get_text() == "4/4"]
    assert [text.xy for text in drawn] == [(11, 1.0), (40, 0.19)]  # once for both
    assert [text.get_va() for text in drawn] == ["bottom", "top"]


def test_marks_are_at_the_values_of_their_seeds(fabricate: Fabricate, draw: Any) -> None:
    (panel,) = draw(records(fabricate, VALUES))
    marks = artist(panel, "_seeds gru").get_offsets()
    assert sorted(marks[:, 1]) == pytest.approx(sorted(sum(VALUES.values(), [])))


def legend(panel: Axes) -> list[str]:
    return [text.get_text() for own in panel.get_figure().legends for text in own.get_texts()]


def test_of_very_many_seeds_the_first_are_marked_and_all_are_in_the_mean(
    fabricate: Fabricate, draw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnnbench.plot.frame.MOST_SEEDS", 2)
    (panel,) = draw(records(fabricate, {20: [0.2, 0.3, 1.0]}))
    marks = artist(panel, "_seeds gru").get_offsets()
    assert sorted(marks[:, 1]) == [0.2, 0.3]
    assert artist(panel, "gru").get_ydata() == pytest.approx([0.5])
    assert "one seed (the first 2)" in legend(panel)


def test_a_diverged_run_is_drawn_and_counts(
    fabricate: Fabricate, break_run: Callable[..., Any], draw: Any
) -> None:
    rows = records(fabricate, {20: [1.0, 1.0]}) + [break_run(fabricate(gap=20, seed=2))]
    (panel,) = draw(rows)
    assert artist(panel, "gru").get_ydata() == pytest.approx([(2 + 0.125) / 3])
    assert sorted(artist(panel, "_seeds gru").get_offsets()[:, 1]) == [0.125, 1, 1]


def test_one_seed_has_no_whisker_and_no_count(fabricate: Fabricate, draw: Any) -> None:
    (panel,) = draw(records(fabricate, {11: [0.5], 20: [0.4]}))
    assert [text.get_text() for text in panel.texts] == ["gru"]
    assert artist(panel, "_interval gru").get_segments() == []


@pytest.mark.parametrize(("measure", "chance"), [("accuracy", 0.19), ("score", 0.0)])
def test_chance_is_a_line_at_its_exact_value(
    fabricate: Fabricate, draw: Any, measure: str, chance: float
) -> None:
    (panel,) = draw([fabricate(task="adding")], measure)
    assert set(artist(panel, "_chance").get_ydata()) == {chance}
    assert "chance" in legend(panel)


def test_the_level_of_the_horizon_is_drawn_on_scores_alone(fabricate: Fabricate, draw: Any) -> None:
    (panel,) = draw([fabricate()], "score")
    assert set(artist(panel, "_horizon").get_ydata()) == {0.75}
    assert "0.75: the horizon" in legend(panel)
    (panel,) = draw([fabricate()], "score", level=0.9)
    assert set(artist(panel, "_horizon").get_ydata()) == {0.9}
    (panel,) = draw([fabricate()])
    assert not any("horizon" in text for text in legend(panel))


def test_chance_that_changes_with_the_gap_is_a_curve(fabricate: Fabricate, draw: Any) -> None:
    chances = {11: 0.5, 20: 0.6, 40: 0.8}
    (panel,) = draw([fabricate(gap=gap, chance_accuracy=c) for gap, c in chances.items()])
    line = artist(panel, "_chance")
    assert dict(zip(line.get_xdata(), line.get_ydata(), strict=True)) == chances


def test_scores_are_cut_in_means_as_in_drawing(fabricate: Fabricate, draw: Any) -> None:
    (panel,) = draw(records(fabricate, {11: [1.2, 1.1], 20: [-0.5, -0.3]}), "score")
    assert list(artist(panel, "gru").get_ydata()) == [1, 0]
    assert set(artist(panel, "_seeds gru").get_offsets()[:, 1]) == {0, 1}


def test_axis_is_logarithmic_with_the_gaps_as_ticks(fabricate: Fabricate, draw: Any) -> None:
    (panel,) = draw(records(fabricate, VALUES))
    assert panel.get_xscale() == "log"
    assert list(panel.get_xticks()) == [11, 20, 160]
    assert [text.get_text() for text in panel.get_xticklabels()] == ["11", "20", "160"]
    assert len(panel.get_xticks(minor=True)) == 0


def test_ticks_too_near_for_a_number_have_none(fabricate: Fabricate, draw: Any) -> None:
    (panel,) = draw([fabricate(gap=gap) for gap in (100, 101, 1000)])
    assert [text.get_text() for text in panel.get_xticklabels()] == ["100", "", "1000"]


@pytest.fixture
def wired(fabricate: Fabricate) -> list[Any]:
    """Return records of a cell over time and over trees of 4, 5 and 6 levels."""
    tree = {"config": {"model": {"wiring": "balanced"}}}
    rows = [
        fabricate(gap=gap, seed=seed, score=score, sequence_length=gap + 1, **settings)
        for settings, scores in (({}, (1.0, 0.0, 0.0)), (tree, (1.0, 1.0, 0.9)))
        for gap, score in zip((15, 20, 63), scores, strict=True)
        for seed in (0, 1)
    ]
    return [row | {"run_id": f"{place:016x}"} for place, row in enumerate(rows)]


def test_the_path_is_the_gap_over_time_and_the_levels_of_a_tree(wired: Any, draw: Any) -> None:
    against_gap, against_path = draw(wired, "score", x="both")
    for panel, tree in ((against_gap, [15, 20, 63]), (against_path, [4, 5, 6])):
        assert artist(panel, "gru").get_xdata() == pytest.approx([15, 20, 63], rel=0.05)
        assert artist(panel, "gru, balanced tree").get_xdata() == pytest.approx(tree, rel=0.05)
        assert artist(panel, "gru, balanced tree").get_ydata() == pytest.approx([1, 1, 0.9])
        marks = artist(panel, "_seeds gru, balanced tree").get_offsets()
        assert sorted(marks[:, 0]) == pytest.approx(sorted([*tree, *tree]), rel=0.06)
    assert list(against_path.get_xticks()) == [4, 5, 6, 15, 20, 63]
    found = [panel.get_xlabel() for panel in (against_gap, against_path)]
    assert found == ["gap (time steps)", "path (steps of the cell)"]
    assert [panel.get_ylabel() for panel in (against_gap, against_path)] == ["copy\nscore", ""]
    alone = draw(wired, "score", x="path")
    assert [panel.get_xlabel() for panel in alone] == found[1:]
    assert alone[0].get_title() == "copy"
    with pytest.raises(ValueError, match="x must be one of gap, path, both, got 'time'"):
        draw(wired, x="time")


def test_without_a_tree_the_path_is_the_gap(fabricate: Fabricate, draw: Any) -> None:
    (panel,) = draw(records(fabricate, VALUES), x="path")
    assert artist(panel, "gru").get_xdata() == pytest.approx([11, 20, 160])


def test_gap_and_path_stand_side_by_side_and_on_a_phone_below_each_other(
    fabricate: Fabricate, draw: Any
) -> None:
    for size, across in (("text", 2), ("column", 2), ("phone", 1)):
        panels = draw(both_rates(fabricate), x="both", size=size)
        assert len(panels) == 8  # two tasks, two kinds of rates
        assert len({panel.get_subplotspec().colspan.start for panel in panels}) == across
    names = [panel.get_ylabel() for panel in draw(both_rates(fabricate), x="both")]
    assert names[::4] == ["copy, one rate for all\naccuracy", "recall, one rate for all\naccuracy"]


def both_rates(fabricate: Fabricate) -> list[Any]:
    rows = []
    for cell, task, place in (("gru", "copy", 0), ("rnn", "copy", 1), ("gru", "recall", 2)):
        rows.append(fabricate(task, cell, accuracy=0.9))
        changes = {"lr": 0.01, "config": {"tuned": True}, "sweep": "tuned"}
        rows.append(fabricate(task, cell, accuracy=0.5, **changes) | {"run_id": f"{place:016x}"})
    return rows


def test_tuned_curves_stand_in_a_row_of_their_own_and_look_as_the_shared_ones(
    fabricate: Fabricate, draw: Any
) -> None:
    panels = draw(both_rates(fabricate))
    assert [panel.get_title() for panel in panels] == ["copy", "recall", "", ""]
    names = [panel.get_ylabel() for panel in panels]
    assert names == ["one rate for all\naccuracy", "", "tuned rate\naccuracy", ""]
    shared, tuned = (artist(panels[p], label) for p, label in ((0, "gru"), (2, "gru, tuned lr")))
    assert (shared.get_ydata()[0], tuned.get_ydata()[0]) == (0.9, 0.5)
    assert shared.get_color() == tuned.get_color()
    assert artist(panels[0], "rnn").get_color() != shared.get_color()
    above, below = (panels[place].get_subplotspec().rowspan.start for place in (0, 2))
    assert (above, below) == (0, 1)


def test_in_a_column_tasks_stand_below_each_other(fabricate: Fabricate, draw: Any) -> None:
    panels = draw(both_rates(fabricate), size="column")
    places = [panel.get_subplotspec() for panel in panels]
    found = [(place.rowspan.start, place.colspan.start) for place in places]
    assert found == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [panel.get_title() for panel in panels[:2]] == ["one rate for all", "tuned rate"]


def test_curves_are_named_at_the_ends_of_their_lines(fabricate: Fabricate, draw: Any) -> None:
    panels = draw(both_rates(fabricate))
    named = [{text.get_text(): text.get_color() for text in panel.texts} for panel in panels]
    assert [sorted(own) for own in named] == [["rnn"], ["gru"], ["rnn"], ["gru"]]
    assert named[1]["gru"] == artist(panels[1], "gru").get_color()


def test_many_curves_have_a_legend_instead(fabricate: Fabricate, draw: Any) -> None:
    biases = range(20)
    (panel,) = draw([fabricate(keep_bias=float(bias)) for bias in biases])
    assert not panel.texts
    assert {f"gru, keep bias {bias}" for bias in biases} <= set(legend(panel))
    assert len(panel.get_figure().legends) == 1  # two would lie on each other


def test_more_than_three_tasks_take_a_second_row(fabricate: Fabricate, draw: Any) -> None:
    rows = [
        fabricate() | {"task": f"t{n}", "run_id": f"{n:016x}", "condition_id": f"{n:016x}"}
        for n in range(4)
    ]
    panels = draw(rows)
    assert [panel.get_title() for panel in panels] == ["t0", "t1", "t2", "t3"]
    assert panels[3].get_subplotspec().rowspan.start == 1


@pytest.mark.parametrize("sweep", ["smoke", "gaps"])
def test_smoke_and_nothing_else_is_stamped(fabricate: Fabricate, draw: Any, sweep: str) -> None:
    (panel,) = draw([fabricate(sweep=sweep)])
    assert ("smoke" in [text.get_text() for text in panel.texts]) == (sweep == "smoke")


@pytest.mark.parametrize(
    ("distances", "label"),
    [
        ({}, "gap (time steps)"),
        ({"least_distance": 20, "greatest_distance": 20}, "gap (time steps)"),
        ({"least_distance": 20, "greatest_distance": 39}, "gap (time steps; distances vary)"),
    ],
    ids=["older records", "exact", "half"],
)
def test_the_axis_says_where_distances_vary(
    fabricate: Fabricate, draw: Any, distances: dict[str, int], label: str
) -> None:
    (panel,) = draw([fabricate(**distances)], "score")
    assert panel.get_xlabel() == label


@pytest.mark.parametrize(("measure", "heights"), [("accuracy", [0.99, 0.1]), ("score", [0.9, 0])])
def test_the_best_random_networks_are_a_step(
    fabricate: Fabricate, draw: Any, measure: str, heights: list[float]
) -> None:
    guesses = pd.DataFrame(
        {
            **{"task": "copy", "cell": "gru", "gap": [11, 20], "guesses": 2000},
            **{"evaluation_score": 0.5, "accuracy": [0.99, 0.1], "score": [0.9, -0.5]},
        }
    )
    (panel,) = draw([fabricate(gap=gap) for gap in (11, 20)], measure, guesses=guesses)
    step = artist(panel, "_random networks")
    assert step.get_drawstyle() == "steps-mid"
    assert (list(step.get_xdata()), list(step.get_ydata())) == ([11, 20], heights)
    assert "best of 2,000 random" in legend(panel)


def test_the_share_that_is_solved_has_wilsons_interval_and_no_marks_of_seeds(
    fabricate: Fabricate, draw: Any
) -> None:
    rows = [fabricate(seed=s, gap=11, status="solved") for s in range(4)]
    rows += [fabricate(seed=s, gap=20, status="unsolved" if s else "solved") for s in range(4)]
    (panel,) = draw(rows, "share", level=0.9)
    assert list(artist(panel, "gru").get_ydata()) == [1, 0.25]
    ends = [segment[:, 1] for segment in artist(panel, "_interval gru").get_segments()]
    for drawn, solved in zip(ends, (4, 1), strict=True):
        assert list(drawn) == pytest.approx(list(wilson_interval(solved, 4)[1:]))
    assert panel.get_ylabel() == "share solved"
    assert legend(panel) == ["share of all seeds", "its 95 % interval"]
    with pytest.raises(ValueError, match="interval must be one of wilson, None, got 'gaffke'"):
        draw(rows, "share", interval="gaffke")
    with pytest.raises(ValueError, match="y must be one of score, accuracy, share, got 'loss'"):
        draw(rows, "loss")
