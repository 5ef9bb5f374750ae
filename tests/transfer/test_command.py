"""The command measures what is missing, and says mistakes in one line."""

import shutil

import pandas as pd
import pytest

import rnnbench
from rnnbench.experiment.condition import Replica
from rnnbench.publish import main as publish
from rnnbench.store.tables import TRANSFER
from rnnbench.transfer.__main__ import main


@pytest.fixture(scope="module")
def stored(tmp_path_factory, train, at_gap):
    directory = tmp_path_factory.mktemp("stored")
    for gap in (4, 6):
        train(directory, at_gap(gap), replicas=[Replica(0, 1e-3), Replica(1, 1e-3)])
    assert main([str(directory), "--workers", "1"]) == 0
    return directory


def test_its_rows_are_the_results_at_the_gaps_of_training(stored):
    table = rnnbench.load_transfer(stored)
    assert list(table.columns) == list(TRANSFER.columns)
    assert len(table) == 8
    own = table[table["gap"] == table["test_gap"]].set_index("run_id")
    results = rnnbench.load_results(stored).set_index("run_id").loc[own.index]
    for name in ("loss", "accuracy", "score", "chance_accuracy", "condition_id"):
        assert own[name].tolist() == results[name].tolist()


def test_stopped_half_way_it_goes_on_to_the_same_file(stored, tmp_path, capsys):
    whole = TRANSFER.path(stored).read_bytes()
    shutil.copytree(stored / "runs", tmp_path / "runs")
    half = TRANSFER.load(stored).iloc[:3]
    TRANSFER.add(tmp_path, half.to_dict("records"))
    assert main([str(tmp_path), "--workers", "1"]) == 0
    assert TRANSFER.path(tmp_path).read_bytes() == whole
    capsys.readouterr()
    assert main([str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == (f"8 rows: {tmp_path / 'transfer.csv'}\n", "")


def test_publishing_takes_the_rows_along_as_one_file(stored, tmp_path):
    assert publish([str(stored), str(tmp_path / "published")]) == 0
    for place in (tmp_path / "published", tmp_path / "published" / "records.jsonl"):
        pd.testing.assert_frame_equal(rnnbench.load_transfer(place), rnnbench.load_transfer(stored))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "no results directory at nowhere"),
        (["."], "no trained runs in ."),
        (["STORED", "--task", "copy"], "task must be one of recall, got copy"),
        (["STORED", "--cell", "gru,lstm"], "cell must be one of gru, got lstm"),
        (["STORED", "--gaps", "4,x"], "argument --gaps: must be a whole number of at least 1"),
        (["STORED", "--gaps", "0"], "argument --gaps: must be a whole number of at least 1"),
        (["STORED", "--workers", "0"], "argument --workers: must be a whole number of at least 1"),
        ([], "the following arguments are required: RESULTS_DIR"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(stored, in_tmp, capsys, exit_code, words, message):
    words = [str(stored) if word == "STORED" else word for word in words]
    code = exit_code(main, words)
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert message in line
    assert line.startswith("rnnbench.transfer: error: ")
    assert list(in_tmp.iterdir()) == []
