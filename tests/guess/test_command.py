"""The command guesses for what the results hold, once, and says mistakes in one line."""

import pandas as pd
import pytest

import rnnbench
from rnnbench.experiment.condition import Replica
from rnnbench.guess.__main__ import main
from rnnbench.guess.search import make_plan, search_id
from rnnbench.publish import main as publish
from rnnbench.store.records import Store
from rnnbench.store.tables import GUESSES
from rnnbench.training.recording import describe_run, failed_record

RUN = {"sweep": "test", "command": "", "engine": "reference", "device": "cpu", "tuning": None}


@pytest.fixture(scope="module")
def stored(tmp_path_factory, condition):
    """Records of two gaps, two seeds each, without weights; guessed for once."""
    directory = tmp_path_factory.mktemp("stored")
    for gap in (1, 2):
        for seed in (0, 1):
            described = describe_run(
                condition(gap=gap, eval_size=64), Replica(seed, 1e-3), RUN | {"started": "now"}
            )
            Store(directory).write(failed_record(described, "never trained"))
    assert main([str(directory), "--guesses", "20", "--workers", "1"]) == 0
    return directory


def test_a_row_per_task_gap_and_cell_which_is_not_done_again(stored, capsys):
    table = rnnbench.load_guesses(stored)
    assert list(table.columns) == list(GUESSES.columns)
    assert table["gap"].tolist() == [1, 2]
    assert set(table["guesses"]) == {20}
    before = GUESSES.path(stored).read_bytes()
    assert make_plan(stored, 20, None, None)[0] == []
    assert len(make_plan(stored, 21, None, None)[0]) == 2
    assert main([str(stored), "--guesses", "20"]) == 0
    assert capsys.readouterr().out == f"2 rows: {stored / 'guesses.csv'}\n"
    assert GUESSES.path(stored).read_bytes() == before


def test_a_search_is_known_by_what_can_change_it(condition):
    base = search_id(condition(gap=3), 10)
    trained = condition(gap=3)
    longer = type(trained)(**trained.settings | {"trainer": {**trained.trainer, "steps": 9}})
    started = type(trained)(**trained.settings | {"cell": {**trained.cell, "init": "orthogonal"}})
    scheduled = condition(gap=3, gap_schedule="uniform")
    assert {search_id(each, 10) for each in (longer, started, scheduled)} == {base}
    others = [condition(gap=4), condition(gap=3, hidden_size=9), condition(gap=3, eval_size=9)]
    others.append(condition("rnnbench.cells.GRU", gap=3))
    assert len({base, search_id(trained, 11), *(search_id(each, 10) for each in others)}) == 6


def test_publishing_takes_the_rows_along_and_guesses_on_there(stored, tmp_path):
    assert publish([str(stored), str(tmp_path / "published")]) == 0
    published = tmp_path / "published"
    pd.testing.assert_frame_equal(rnnbench.load_guesses(published), rnnbench.load_guesses(stored))
    assert make_plan(published, 20, None, None)[0] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "no results directory at nowhere"),
        (["."], "no runs in ."),
        (["STORED", "--task", "copy"], "task must be one of recall, got copy"),
        (["STORED", "--guesses", "0"], "argument --guesses: must be a whole number of at least 1"),
        (["STORED", "--guesses", "2000000"], "argument --guesses: must be at most 1048576"),
        (["STORED", "--more"], "unrecognized arguments: --more"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(stored, in_tmp, capsys, exit_code, words, message):
    words = [str(stored) if word == "STORED" else word for word in words]
    code = exit_code(main, words)
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert message in line
    assert list(in_tmp.iterdir()) == []
