"""What the figures against the gap draw, read from their artists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes

from rnnbench.report.figures.gap import draw_against_gap
from rnnbench.statistics import mean_interval

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


def panel_of(labelled: Any, rows: list[Any], measure: str = "accuracy") -> Axes:
    return draw_against_gap(*labelled(rows), measure).axes[0]


def test_line_is_the_mean_over_seeds_at_the_gaps(fabricate: Fabricate, labelled: Any) -> None:
    line = artist(panel_of(labelled, records(fabricate, VALUES)), "gru")
    assert list(line.get_xdata()) == [11, 20, 160]
    assert line.get_ydata() == pytest.approx([np.mean(found) for found in VALUES.values()])


def test_band_is_the_interval_over_seeds_within_what_can_be_drawn(
    fabricate: Fabricate, labelled: Any
) -> None:
    band = artist(panel_of(labelled, records(fabricate, VALUES)), "_interval gru")
    corners = band.get_paths()[0].vertices
    for gap, found in VALUES.items():
        _, low, high = mean_interval(found)
        heights = corners[corners[:, 0] == gap, 1]
        assert heights.min() == pytest.approx(max(low, 0))
        assert heights.max() == pytest.approx(min(high, 1))


def test_every_seed_is_one_mark_near_its_gap_and_apart_from_the_others(
    fabricate: Fabricate, labelled: Any
) -> None:
    same = {gap: [1.0] * 4 for gap in (11, 20)}
    rows = records(fabricate, same) + records(fabricate, same, cell="rnn")
    panel = panel_of(labelled, rows)
    marks = [artist(panel, f"_seeds {cell}").get_offsets() for cell in ("gru", "rnn")]
    assert [len(own) for own in marks] == [8, 8]
    places = np.concatenate(marks)[:, 0]
    assert len(set(places)) == 16
    nearest = np.abs(np.log(places[:, None] / [11, 20])).argmin(axis=1)
    assert np.bincount(nearest).tolist() == [8, 8]
    aside = np.abs(np.log(places[:, None] / [11, 20])).min(axis=1)
    assert aside.max() < 0.3 * np.log(20 / 11)


def test_marks_are_at_the_values_of_their_seeds(fabricate: Fabricate, labelled: Any) -> None:
    marks = artist(panel_of(labelled, records(fabricate, VALUES)), "_seeds gru").get_offsets()
    assert sorted(marks[:, 1]) == pytest.approx(sorted(sum(VALUES.values(), [])))


def test_of_very_many_seeds_the_first_are_marked_and_all_are_in_the_mean(
    fabricate: Fabricate, labelled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnnbench.report.figures.frame.MOST_SEEDS", 2)
    figure = draw_against_gap(*labelled(records(fabricate, {20: [0.2, 0.3, 1.0]})), "accuracy")
    marks = artist(figure.axes[0], "_seeds gru").get_offsets()
    assert sorted(marks[:, 1]) == [0.2, 0.3]
    assert artist(figure.axes[0], "gru").get_ydata() == pytest.approx([0.5])
    title = figure.legends[0].get_title().get_text().replace("\xa0", " ")
    assert "open mark: one seed (the first 2)" in title


def test_a_diverged_run_is_drawn_and_counts(
    fabricate: Fabricate, break_run: Callable[..., Any], labelled: Any
) -> None:
    rows = records(fabricate, {20: [1.0, 1.0]}) + [break_run(fabricate(gap=20, seed=2))]
    panel = panel_of(labelled, rows)
    assert artist(panel, "gru").get_ydata() == pytest.approx([(2 + 0.125) / 3])
    assert sorted(artist(panel, "_seeds gru").get_offsets()[:, 1]) == [0.125, 1, 1]


def test_one_seed_has_no_band(fabricate: Fabricate, labelled: Any) -> None:
    panel = panel_of(labelled, records(fabricate, {11: [0.5], 20: [0.4]}))
    assert artist(panel, "_interval gru").get_paths() == []
    assert artist(panel, "_alone").get_segments() == []


def test_a_lone_gap_shows_its_interval_as_a_bar(fabricate: Fabricate, labelled: Any) -> None:
    found = [0.4, 0.5, 0.6]
    panel = panel_of(labelled, records(fabricate, {50: found}))
    (bar,) = artist(panel, "_alone").get_segments()
    _, low, high = mean_interval(found)
    assert bar == pytest.approx(np.array([[50, low], [50, high]]))


@pytest.mark.parametrize(("measure", "chance"), [("accuracy", 0.19), ("score", 0.0)])
def test_chance_is_a_labelled_line_at_its_exact_value(
    fabricate: Fabricate, labelled: Any, measure: str, chance: float
) -> None:
    panel = panel_of(labelled, [fabricate(task="adding")], measure)
    assert set(artist(panel, "_chance").get_ydata()) == {chance}
    assert "chance" in [text.get_text() for text in panel.texts]


def test_chance_that_changes_with_the_gap_is_a_curve(fabricate: Fabricate, labelled: Any) -> None:
    chances = {11: 0.5, 20: 0.6, 40: 0.8}
    rows = [fabricate(gap=gap, chance_accuracy=chance) for gap, chance in chances.items()]
    line = artist(panel_of(labelled, rows), "_chance")
    assert dict(zip(line.get_xdata(), line.get_ydata(), strict=True)) == chances


def test_scores_are_cut_in_means_as_in_drawing(fabricate: Fabricate, labelled: Any) -> None:
    results, summary = labelled(records(fabricate, {11: [1.2, 1.1], 20: [-0.5, -0.3]}))
    panel = draw_against_gap(results, summary, "score").axes[0]
    assert list(artist(panel, "gru").get_ydata()) == [1, 0]
    assert set(artist(panel, "_seeds gru").get_offsets()[:, 1]) == {0, 1}
    assert list(summary.score_mean) == [1, 0]


def test_axis_is_logarithmic_with_the_gaps_as_ticks(fabricate: Fabricate, labelled: Any) -> None:
    panel = panel_of(labelled, records(fabricate, VALUES))
    assert panel.get_xscale() == "log"
    assert list(panel.get_xticks()) == [11, 20, 160]
    assert [text.get_text() for text in panel.get_xticklabels()] == ["11", "20", "160"]
    assert len(panel.get_xticks(minor=True)) == 0


def test_ticks_too_near_for_a_number_have_none(fabricate: Fabricate, labelled: Any) -> None:
    panel = panel_of(labelled, [fabricate(gap=gap) for gap in (100, 101, 1000)])
    assert [text.get_text() for text in panel.get_xticklabels()] == ["100", "", "1000"]


def test_tuned_curves_stand_in_a_row_of_their_own_and_look_as_the_shared_ones(
    fabricate: Fabricate, labelled: Any
) -> None:
    rows = []
    for cell, task, place in (("gru", "copy", 0), ("rnn", "copy", 1), ("gru", "recall", 2)):
        rows.append(fabricate(task, cell, accuracy=0.9))
        changes = {"lr": 0.01, "config": {"tuned": True}, "sweep": "tuned"}
        rows.append(fabricate(task, cell, accuracy=0.5, **changes) | {"run_id": f"{place:016x}"})
    figure = draw_against_gap(*labelled(rows), "accuracy")
    names = ["copy, shared lr", "recall, shared lr", "copy, tuned lr", "recall, tuned lr"]
    assert [panel.get_title() for panel in figure.axes] == names
    shared, tuned = (
        artist(figure.axes[p], label) for p, label in ((0, "gru"), (2, "gru, tuned lr"))
    )
    assert (shared.get_ydata()[0], tuned.get_ydata()[0]) == (0.9, 0.5)
    assert shared.get_color() == tuned.get_color()
    assert shared.get_marker() == tuned.get_marker()
    assert artist(figure.axes[0], "rnn").get_color() != shared.get_color()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["gru", "rnn"]
    above, below = (figure.axes[place].get_subplotspec().rowspan.start for place in (0, 2))
    assert (above, below) == (0, 1)


def test_more_than_three_tasks_take_a_second_row(fabricate: Fabricate, labelled: Any) -> None:
    rows = [
        fabricate() | {"task": f"t{n}", "run_id": f"{n:016x}", "condition_id": f"{n:016x}"}
        for n in range(4)
    ]
    figure = draw_against_gap(*labelled(rows), "accuracy")
    assert [panel.get_title() for panel in figure.axes] == ["t0", "t1", "t2", "t3"]
    assert figure.axes[3].get_subplotspec().rowspan.start == 1


def test_a_panel_per_task_and_one_legend(fabricate: Fabricate, labelled: Any) -> None:
    tasks, cells = ("copy", "adding", "recall"), ("rnn", "gru")
    rows = [fabricate(task=task, cell=cell) for task in tasks for cell in cells]
    figure = draw_against_gap(*labelled(rows), "accuracy")
    assert [panel.get_title() for panel in figure.axes] == sorted(tasks)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["gru", "rnn"]


@pytest.mark.parametrize("sweep", ["smoke", "gaps"])
def test_smoke_and_nothing_else_is_stamped(fabricate: Fabricate, labelled: Any, sweep: str) -> None:
    figure = draw_against_gap(*labelled([fabricate(sweep=sweep)]), "accuracy")
    texts = [text.get_text() for panel in figure.axes for text in panel.texts]
    assert ("smoke" in texts) == (sweep == "smoke")


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
    fabricate: Fabricate, labelled: Any, distances: dict[str, int], label: str
) -> None:
    figure = draw_against_gap(*labelled([fabricate(**distances)]), "score")
    assert figure.axes[0].get_xlabel() == label
