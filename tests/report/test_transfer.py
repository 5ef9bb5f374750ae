"""Training gap against test gap: what is drawn, counted and said."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnnbench.plot.matrix import transfer, transfer_means
from rnnbench.plot.measured import transfer_runs
from rnnbench.report.document import Bullets, Paragraph
from rnnbench.report.sections.transfer import (
    farthest,
    reach_table,
    reaches,
    schedules,
    tally,
    transfer_section,
)
from rnnbench.store.tables import TRANSFER

Fabricate = Callable[..., Any]
# Scores at the test gaps 10, 20, 40 of two seeds trained at 10, 20 and 40.
SCORES = {
    10: [[1.0, 1.0, 0.5], [0.75, 0.2, 0.9]],
    20: [[0.4, 0.8, 0.1], [0.9, 0.9, 0.9]],
    40: [[0.1, 0.1, -2.0], [0.0, 0.0, 0.1]],
}


def scored(record: Any, test_gap: int, score: float) -> dict[str, Any]:
    own = {name: record[name] for name in TRANSFER.columns if name in record}
    return own | {"test_gap": test_gap, "score": score}


def trained(
    fabricate: Fabricate, scores: dict[int, list[list[float]]], **more: Any
) -> tuple[list[Any], list[dict[str, Any]]]:
    """Return records of runs, and their rows at the test gaps 10, 20, 40."""
    records, rows = [], []
    for gap, seeds in scores.items():
        for seed, found in enumerate(seeds):
            records.append(fabricate(gap=gap, seed=seed) | more)
            if more and "condition_id" not in more:
                records[-1]["condition_id"] = f"{gap}{records[-1]['cell']}"
            records[-1]["run_id"] = f"{len(more)}{gap}{seed}{more.get('cell', 'gru')}".rjust(
                16, "0"
            )
            rows += [
                scored(records[-1], test_gap, score)
                for test_gap, score in zip((10, 20, 40), found, strict=False)
            ]
    return records, rows


@pytest.fixture
def runs_of(labelled: Any) -> Callable[..., pd.DataFrame]:
    def load(records: list[Any], rows: list[dict[str, Any]]) -> pd.DataFrame:
        results, _ = labelled(records)
        return transfer_runs(results, pd.DataFrame(rows, columns=list(TRANSFER.columns)))

    return load


@pytest.fixture
def draw(labelled: Any) -> Callable[..., dict[str, Axes]]:
    """Return a function from records and their rows to the panels by their titles."""

    def drawn(records: list[Any], rows: list[dict[str, Any]], **options: Any) -> dict[str, Axes]:
        results, _ = labelled(records)
        measured = pd.DataFrame(rows, columns=list(TRANSFER.columns))
        found = transfer(results, measured, figure=Figure(), **options)
        return {panel.get_title().replace("\n", ": "): panel for panel in np.ravel(found)}

    return drawn


def test_the_matrix_holds_the_means_over_seeds(fabricate: Fabricate, draw: Any) -> None:
    (panel,) = draw(*trained(fabricate, SCORES)).values()
    (image,) = panel.get_images()
    expected = [np.mean(np.clip(SCORES[gap], 0, 1), 0) for gap in (10, 20, 40)]
    assert np.asarray(image.get_array()) == pytest.approx(np.array(expected))
    texts = [text.get_text() for text in panel.texts]
    assert texts == [".88", ".60", ".70", ".65", ".85", ".50", ".05", ".05", ".05"]
    for labels in (panel.get_xticklabels(), panel.get_yticklabels()):
        assert [label.get_text() for label in labels] == ["10", "20", "40"]
    figure = panel.get_figure()
    assert figure.get_supxlabel() == "test gap (time steps)"
    assert figure.get_supylabel() == "training gap (time steps)"


def test_a_colour_bar_says_what_the_colours_mean(fabricate: Fabricate, draw: Any) -> None:
    (panel,) = draw(*trained(fabricate, SCORES)).values()
    (bar,) = [axes for axes in panel.get_figure().axes if axes is not panel]
    assert bar.get_ylabel() == "mean score"
    assert bar.get_ylim() == (0, 1)


def test_the_gap_of_training_is_framed(fabricate: Fabricate, draw: Any) -> None:
    scores = {20: SCORES[20], 40: SCORES[40]}
    (panel,) = draw(*trained(fabricate, scores)).values()
    frames = [patch for patch in panel.patches if patch.get_label() == "_own gap"]
    centres = [(p.get_x() + p.get_width() / 2, p.get_y() + p.get_height() / 2) for p in frames]
    assert np.array(centres) == pytest.approx(np.array([[1, 0], [2, 1]]))  # (column, row)


def test_dark_is_high_and_numbers_stay_readable(fabricate: Fabricate, draw: Any) -> None:
    (panel,) = draw(*trained(fabricate, SCORES)).values()
    (image,) = panel.get_images()
    shades = [image.cmap(image.norm(score))[:3] for score in (0.0, 0.5, 1.0)]
    lightness = [sum(shade) for shade in shades]
    assert lightness == sorted(lightness, reverse=True)
    colours = {text.get_text(): text.get_color() for text in panel.texts}
    assert (colours[".88"], colours[".05"]) == ("white", "0.15")


def test_a_panel_per_task_and_curve_and_none_where_nothing_was_measured(
    fabricate: Fabricate, draw: Any
) -> None:
    gru = trained(fabricate, SCORES)
    lstm = trained(fabricate, SCORES, cell="lstm", task="recall")
    other = trained(fabricate, {10: SCORES[10]}, cell="lstm", condition_id="d" * 16)
    drawn = draw(*(sum(parts, []) for parts in zip(gru, lstm, other)))
    assert list(drawn) == ["copy: lstm", "copy: gru", "recall: lstm"]
    assert len(drawn["copy: lstm"].texts) == 3


TUNED = {"config": {"tuned": True}, "sweep": "tuned", "lr": 0.01}


@pytest.mark.parametrize(
    ("size", "places"),
    [
        ("text", [(0, 0), (0, 1), (0, 2), (0, 3)]),
        ("column", [(0, 0), (0, 1), (1, 0), (1, 1)]),
    ],
)
def test_tuned_rates_stand_beside_shared_ones_or_below_them(
    fabricate: Fabricate, draw: Any, size: str, places: list[tuple[int, int]]
) -> None:
    parts = [
        trained(
            fabricate, {10: SCORES[10]}, cell=cell, condition_id=f"{cell}{n}".rjust(16, "0"), **o
        )
        for cell in ("gru", "rnn")
        for n, o in enumerate(({}, TUNED))
    ]
    drawn = draw(*(sum(own, []) for own in zip(*parts)), size=size)
    assert list(drawn) == ["copy: rnn", "copy: gru", "copy: rnn, tuned", "copy: gru, tuned"]
    found = [panel.get_subplotspec() for panel in drawn.values()]
    assert [(place.rowspan.start, place.colspan.start) for place in found] == places


def test_curves_that_do_not_fit_in_a_row_take_several(fabricate: Fabricate, draw: Any) -> None:
    parts = [
        trained(fabricate, {10: SCORES[10]}, cell=cell, condition_id=cell.rjust(16, "0"))
        for cell in "abcdefgh"
    ]
    drawn = draw(*(sum(own, []) for own in zip(*parts)))
    assert list(drawn) == [f"copy: {cell}" for cell in "abcdefgh"]
    places = [panel.get_subplotspec().rowspan.start for panel in drawn.values()]
    assert places == [0] * 6 + [1] * 2


def test_scores_below_0_count_as_0(fabricate: Fabricate, draw: Any) -> None:
    (panel,) = draw(*trained(fabricate, {10: [[1.0, -30.0, -0.001]]})).values()
    assert [text.get_text() for text in panel.texts] == ["1", "0", "0"]


def test_a_missing_cell_is_empty(fabricate: Fabricate, draw: Any) -> None:
    records, rows = trained(fabricate, SCORES)
    rows = [row for row in rows if (row["gap"], row["test_gap"]) != (10, 40)]
    (panel,) = draw(records, rows).values()
    assert len(panel.texts) == 8
    assert panel.get_images()[0].get_array().mask.sum() == 1


def test_without_a_measured_run_it_is_one_error(fabricate: Fabricate, draw: Any) -> None:
    records, _ = trained(fabricate, SCORES)
    with pytest.raises(ValueError, match="measured must be of the runs, got none of these"):
        draw(records, [])


def test_failed_runs_count_as_remembering_nothing(
    fabricate: Fabricate, break_run: Any, runs_of: Any
) -> None:
    records, rows = trained(fabricate, {10: [[1.0, 1.0, 1.0]]})
    failed = break_run(fabricate(gap=10, seed=7), "failed") | {"run_id": "f" * 16}
    means = transfer_means(runs_of([*records, failed], rows))
    assert means["score"].tolist() == [0.5, 0.5, 0.5]


def test_how_far_each_run_holds_on(fabricate: Fabricate, runs_of: Any) -> None:
    found = reaches(runs_of(*trained(fabricate, SCORES))).sort_values(["gap", "run_id"])
    assert found["own"].tolist() == [True, True, True, True, False, False]
    # 10: up to 20; only 10 (0.2 at 20, whatever comes after). 20: only 20; up to 40.
    assert found["longest"].tolist() == [20, 10, 20, 40, 40, 40]
    assert found["shorter"].tolist() == [None, None, False, True, False, False]
    assert set(found["measured"]) == {40}
    assert tally(found) == (6, 4, 2, 1, 4, 2, 1.5)


def test_the_farthest_is_said(fabricate: Fabricate, runs_of: Any) -> None:
    found = reaches(runs_of(*trained(fabricate, SCORES)))
    assert farthest(found) == (
        "4 of 6 runs score 0.75 or more at the gap of their training. Of 4 measured at longer "
        "ones, 2 do so at the next one, the farthest up to 2 times its gap: copy, gru, trained at "
        "10, up to 20."
    )
    longest = reaches(runs_of(*trained(fabricate, {10: [[1.0, 1.0, 0.8]]})))
    assert farthest(longest).endswith("trained at 10, up to 40, the longest measured.")
    nobody = reaches(runs_of(*trained(fabricate, {40: SCORES[40]})))
    assert farthest(nobody).endswith("; none of these was measured at a longer one.")
    (row,) = reach_table(found).rows
    assert row == ("copy", "gru", "4 of 6", "1 of 2", "2 of 4", "1.5")


def test_schedules_are_compared_where_all_of_them_are(fabricate: Fabricate, runs_of: Any) -> None:
    fixed = trained(fabricate, SCORES)
    uniform = trained(
        fabricate,
        {20: [[1.0, 1.0, 0.2], [1.0, 0.9, 0.9], [0.8, 0.8, 0.1]]},
        config={"task": {"gap_schedule": "uniform"}},
        condition_id="e" * 16,
    )
    found = reaches(runs_of(*(sum(parts, []) for parts in zip(fixed, uniform))))
    assert [line.split(" (")[0] for line in schedules(found)] == [
        "fixed: 2 of 2",
        "uniform: 3 of 3",
    ]
    assert "of these 1 of 2 (0.09–0.91) at all shorter ones, and 1 of 2" in schedules(found)[0]
    assert "of these 3 of 3 (0.44–1.00) at all shorter ones, and 1 of 3" in schedules(found)[1]
    assert schedules(reaches(runs_of(*fixed))) == []


def section(runs: pd.DataFrame) -> list[Any]:
    study: Any = SimpleNamespace(transfer=runs)
    return list(transfer_section(study))


def test_the_section_is_there_only_if_something_was_measured(
    fabricate: Fabricate, runs_of: Any
) -> None:
    records, rows = trained(fabricate, SCORES)
    assert section(runs_of(records, [])) == []
    blocks = section(runs_of(records, rows))
    assert any(isinstance(block, Paragraph) and "4 of 6" in block.text for block in blocks)
    assert not any(isinstance(block, Bullets) for block in blocks)
