"""Rows beside the records: exact, once each, whole, in one order."""

import math
import os

import numpy as np
import pytest

from rnnbench.store.tables import RowFile

FILE = RowFile(
    "rows.csv",
    {"id": "str", "gap": "int64", "loss": "float64"},
    key="id gap",
    order="gap id",
    rules={},
)


def row(identity, gap, loss=0.5):
    return {"id": identity, "gap": gap, "loss": loss}


def test_numbers_and_ids_come_back_exactly(tmp_path):
    generator = np.random.default_rng(0)
    losses = [*generator.standard_normal(200).tolist(), 1e-300, 1 / 3, math.pi * 1e17]
    FILE.add(tmp_path, [row("12345678901234e7", gap, loss) for gap, loss in enumerate(losses)])
    frame = FILE.load(tmp_path)
    assert frame["loss"].tolist() == losses
    assert set(frame["id"]) == {"12345678901234e7"}


def test_not_a_number_stays_one_and_words_stay_words(tmp_path):
    FILE.add(tmp_path, [row("NA", 1, math.nan)])
    frame = FILE.load(tmp_path)
    assert math.isnan(frame["loss"][0])
    assert frame["id"][0] == "NA"


def test_rows_are_once_each_and_in_one_order_whatever_order_they_came_in(tmp_path):
    FILE.add(tmp_path / "a", [row("y", 2), row("x", 2)])
    FILE.add(tmp_path / "a", [row("z", 1), row("x", 2, 0.25)])
    for each in (row("x", 2, 0.25), row("y", 2), row("z", 1)):
        FILE.add(tmp_path / "b", [each])
    assert FILE.path(tmp_path / "a").read_bytes() == FILE.path(tmp_path / "b").read_bytes()
    both = FILE.load([tmp_path / "a", tmp_path / "b"])
    assert both["id"].tolist() == ["z", "x", "y"]
    assert both["loss"].tolist() == [0.5, 0.25, 0.5]


def test_a_file_that_never_ends_is_named_and_passed_over(tmp_path, capsys):
    os.mkfifo(FILE.path(tmp_path))
    assert FILE.load(tmp_path).empty
    assert capsys.readouterr().err.endswith("rows.csv is no regular file\n")


def test_without_a_file_there_are_no_rows_but_their_columns(tmp_path):
    frame = FILE.load([tmp_path, tmp_path / "nothing"])
    assert frame.empty
    assert list(frame.columns) == ["id", "gap", "loss"]


@pytest.mark.parametrize(
    "content", ["", "id,gap,loss\nx,two,0.5\n", "id,loss\nx,0.5\n", "id\x00", "\nx,1,0.5\n"]
)
def test_a_file_that_cannot_be_read_is_named_and_passed_over(tmp_path, capsys, content):
    FILE.path(tmp_path).write_text(content)
    assert FILE.load(tmp_path).empty
    warned = capsys.readouterr().err
    assert len(warned.splitlines()) == (1 if content else 0)
    assert str(FILE.path(tmp_path)) in warned or not content
