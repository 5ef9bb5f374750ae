"""Of more tasks or curves than a figure has room for, the first are drawn, and it is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rnnbench.report import document, draw_report
from rnnbench.report.document import MOST_PANELS, Figure
from rnnbench.report.drawings import (
    ACCURACY,
    CUE,
    GATES,
    HORIZONS,
    KEEP_BIAS,
    LEARNING,
    LOAD,
    PATH,
    SCORE,
    SOLVING,
    TRANSFER,
)
from rnnbench.report.sections.results import against_gap
from rnnbench.report.study import Study, read_study
from rnnbench.store.diagnoses import Diagnoses

Fabricate = Callable[..., Any]
Stored = Callable[..., Path]
WITH_TASKS = (HORIZONS, ACCURACY, SCORE, SOLVING, LEARNING)


def runs(fabricate: Fabricate, tasks: int, gaps: tuple[int, ...] = (11,), **more: Any) -> list[Any]:
    made = [fabricate(gap=gap, **more) for gap in gaps]
    names = {"task": "t{:03d}", "run_id": "r{}_{}", "condition_id": "c{}_{}"}
    return [
        record | {key: name.format(task, number) for key, name in names.items()}
        for task in range(tasks)
        for number, record in enumerate(made)
    ]


def drawn(study: Study, figure: Figure) -> int:
    """Return how many panels a figure has."""
    drawn = figure.draw(figure.fit(study)[0]).axes
    return len([axes for axes in drawn if axes.get_label() != "<colorbar>"])


def test_the_path_is_drawn_where_there_are_two_wirings(
    fabricate: Fabricate, stored: Stored
) -> None:
    tree = {"config": {"model": {"wiring": "balanced"}}, "run_id": "f" * 16}
    chain = runs(fabricate, 2)
    (one,) = runs(fabricate, 1, **tree)
    alone, both = (
        read_study([stored(records, name)])
        for name, records in (("chain", chain), ("both", [*chain, one]))
    )
    assert PATH not in [*against_gap(alone)]
    assert [block.name for block in against_gap(both) if isinstance(block, Figure)] == [
        "score_vs_gap",
        "score_vs_path",
        "accuracy_vs_gap",
    ]
    assert drawn(both, PATH) == PATH.rows(both).sum() == 4


def test_loads_are_drawn_where_a_gap_was_run_at_two(fabricate: Fabricate, stored: Stored) -> None:
    alone = runs(fabricate, 2)
    more = [
        run | {"load_bits": 60.0, "run_id": f"{run['run_id']}-{cell}", "cell": cell}
        for cell in ("gru", "lstm")
        for run in alone
    ]
    lstm = [run | {"load_bits": 30.0, "run_id": f"{run['run_id']}-30"} for run in more[2:3]]
    one, both = (
        read_study([stored(records, name)])
        for name, records in (("one", alone), ("both", [*alone, *more, *lstm]))
    )
    assert LOAD not in [*against_gap(one)]
    names = [block.name for block in against_gap(both) if isinstance(block, Figure)]
    assert names == ["score_vs_gap", "load_map", "accuracy_vs_gap"]
    assert LOAD.rows(both).to_dict() == {"t000": 2, "t001": 1}
    assert drawn(both, LOAD) == 3


def test_three_tasks_with_ten_gaps_are_all_drawn(fabricate: Fabricate, stored: Stored) -> None:
    study = read_study([stored(runs(fabricate, 3, tuple(range(1, 11))))])
    assert [figure.fit(study) for figure in WITH_TASKS] == [(study, "")] * 5


def test_of_many_tasks_the_first_are_drawn(fabricate: Fabricate, stored: Stored) -> None:
    study = read_study([stored(runs(fabricate, 120))])
    for figure in WITH_TASKS:
        part, left = figure.fit(study)
        assert left == "88 of 120 tasks"
        assert part.results["task"].unique().tolist() == [f"t{n:03d}" for n in range(MOST_PANELS)]
        assert set(part.by_gap["task"]) == set(part.results["task"])


def test_a_row_of_panels_is_drawn_whole_or_not(
    fabricate: Fabricate, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "MOST_PANELS", 7)
    study = read_study([stored(runs(fabricate, 4, (3, 5, 9)))])
    assert SOLVING.fit(study)[1] == "2 of 4 tasks"
    assert drawn(study, SOLVING) == drawn(study, LEARNING) == 6
    assert drawn(study, ACCURACY) == 4
    monkeypatch.setattr(document, "MOST_PANELS", 2)
    assert drawn(study, SOLVING) == 3


@pytest.mark.long
def test_the_page_and_one_line_say_what_is_left_out(
    fabricate: Fabricate,
    stored: Stored,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(document, "MOST_PANELS", 2)
    files = draw_report([stored(runs(fabricate, 3))])
    note = "Left out, as a figure has at most 2 panels: 1 of 3 tasks."
    assert files["report.md"].decode().count(note) == 5
    assert files["index.html"].decode().count(f'{note} <span class="files">') == 5
    (line,) = capsys.readouterr().err.splitlines()
    assert "figures have at most 2 panels; left out: 1 of 3 tasks in horizons, " in line


def test_so_it_is_with_keep_biases(
    fabricate: Fabricate, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "MOST_PANELS", 2)
    records = []
    for bias in (0.0, 1.0, 2.0):
        own = runs(fabricate, 3, (11, 20), keep_bias=bias)
        for record in own:
            ids = {key: f"{record[key]}_{bias:.0f}" for key in ("run_id", "condition_id")}
            records.append(record | ids | {"score": float(record["gap"] == 11)})
    study = read_study([stored(records)])
    assert KEEP_BIAS.fit(study)[1] == "1 of 3 tasks"
    assert drawn(study, KEEP_BIAS) == 2


def test_so_it_is_with_curves_that_were_diagnosed_or_tested_at_other_gaps(
    fabricate: Fabricate, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "MOST_PANELS", 4)
    study = read_study([stored(runs(fabricate, 5))])
    names = study.results[["run_id", "task", "cell", "variant", "label"]]
    curves = names.assign(measure="cue")
    curves = pd.concat([curves, curves.iloc[:2].assign(measure="gate")])
    transfer = names.assign(gap=11, test_gap=20, score=0.5, gap_schedule="fixed")
    object.__setattr__(study, "diagnoses", Diagnoses(study.results, curves))
    object.__setattr__(study, "transfer", transfer)
    part, left = CUE.fit(study)
    assert (left, part.diagnoses.curves["task"].nunique()) == ("1 of 5 curves", 4)
    assert GATES.fit(study) == (study, "")
    assert TRANSFER.fit(study)[1] == "1 of 5 curves"
    assert drawn(study, TRANSFER) == 4
