"""Training gap against test gap: what is drawn, counted and said."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from rnnbench.report.document import Bullets, Paragraph
from rnnbench.report.sections.transfer import (
    draw_transfer,
    farthest,
    reach_table,
    reaches,
    schedules,
    tally,
    transfer_means,
    transfer_section,
)
from rnnbench.report.study import transfer_runs
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


def panels(figure: Any) -> dict[str, Axes]:
    return {panel.get_title(): panel for panel in figure.axes}


def test_the_matrix_holds_the_means_over_seeds(fabricate: Fabricate, runs_of: Any) -> None:
    means = transfer_means(runs_of(*trained(fabricate, SCORES)))
    (panel,) = draw_transfer(means).axes
    (image,) = panel.get_images()
    expected = [np.mean(np.clip(SCORES[gap], 0, 1), 0) for gap in (10, 20, 40)]
    assert np.asarray(image.get_array()) == pytest.approx(np.array(expected))
    texts = [text.get_text() for text in panel.texts]
    assert texts == ["0.88", "0.60", "0.70", "0.65", "0.85", "0.50", "0.05", "0.05", "0.05"]
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("test gap", "training gap")
    for labels in (panel.get_xticklabels(), panel.get_yticklabels()):
        assert [label.get_text() for label in labels] == ["10", "20", "40"]


def test_the_gap_of_training_is_framed(fabricate: Fabricate, runs_of: Any) -> None:
    scores = {20: SCORES[20], 40: SCORES[40]}
    (panel,) = draw_transfer(transfer_means(runs_of(*trained(fabricate, scores)))).axes
    frames = [patch for patch in panel.patches if patch.get_label() == "_own gap"]
    centres = [(p.get_x() + p.get_width() / 2, p.get_y() + p.get_height() / 2) for p in frames]
    assert np.array(centres) == pytest.approx(np.array([[1, 0], [2, 1]]))  # (column, row)


def test_dark_is_high_and_numbers_stay_readable(fabricate: Fabricate, runs_of: Any) -> None:
    (panel,) = draw_transfer(transfer_means(runs_of(*trained(fabricate, SCORES)))).axes
    (image,) = panel.get_images()
    shades = [image.cmap(image.norm(score))[:3] for score in (0.0, 0.5, 1.0)]
    lightness = [sum(shade) for shade in shades]
    assert lightness == sorted(lightness, reverse=True)
    colours = {text.get_text(): text.get_color() for text in panel.texts}
    assert (colours["0.88"], colours["0.05"]) == ("white", "0.15")


def test_a_panel_per_task_and_curve_and_none_where_nothing_was_measured(
    fabricate: Fabricate, runs_of: Any
) -> None:
    gru = trained(fabricate, SCORES)
    lstm = trained(fabricate, SCORES, cell="lstm", task="recall")
    other = trained(fabricate, {10: SCORES[10]}, cell="lstm", condition_id="d" * 16)
    means = transfer_means(runs_of(*(sum(parts, []) for parts in zip(gru, lstm, other))))
    drawn = panels(draw_transfer(means))
    assert set(drawn) == {"copy: gru", "copy: lstm", "recall: lstm"}
    assert len(drawn["copy: lstm"].texts) == 3


def test_curves_that_do_not_fit_in_a_row_take_several(fabricate: Fabricate, runs_of: Any) -> None:
    parts = [
        trained(fabricate, {10: SCORES[10]}, cell=cell, condition_id=cell.rjust(16, "0"))
        for cell in ("a", "b", "c", "d", "e")
    ]
    figure = draw_transfer(transfer_means(runs_of(*(sum(own, []) for own in zip(*parts)))))
    assert [panel.get_title() for panel in figure.axes] == [f"copy: {cell}" for cell in "abcde"]
    places = [panel.get_subplotspec() for panel in figure.axes]
    assert [(p.rowspan.start, p.colspan.start) for p in places if p] == [
        (0, 0),
        (0, 1),
        (0, 2),
        (1, 0),
        (1, 1),
    ]


def test_scores_below_0_count_as_0(fabricate: Fabricate, runs_of: Any) -> None:
    runs = runs_of(*trained(fabricate, {10: [[1.0, -30.0, -0.001]]}))
    (panel,) = draw_transfer(transfer_means(runs)).axes
    assert [text.get_text() for text in panel.texts] == ["1.00", "0.00", "0.00"]


def test_a_missing_cell_is_empty(fabricate: Fabricate, runs_of: Any) -> None:
    records, rows = trained(fabricate, SCORES)
    rows = [row for row in rows if (row["gap"], row["test_gap"]) != (10, 40)]
    (panel,) = draw_transfer(transfer_means(runs_of(records, rows))).axes
    assert [text.get_text() for text in panel.texts][2] == ""


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
