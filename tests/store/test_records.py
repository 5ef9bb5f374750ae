"""Records are stored whole or not at all, and only good ones are read."""

import json
import math
import os

import pytest

from rnnbench.store import files
from rnnbench.store.files import write_atomically
from rnnbench.store.records import Store, consolidate, decode, encode, read_records
from tests.stored_record import stored_record


def record(run_id="a" * 16, **more):
    base = {"history": [{"step": 1, "loss": 0.1}], "loss": 0.1 + 0.2}
    return stored_record(run_id=run_id, **{**base, **more})


def test_round_trip_keeps_every_bit(tmp_path):
    store = Store(tmp_path)
    written = record(loss=1 / 3, seconds=1e-300, words='µ \n"quoted" ü')
    store.write(written, b"weights")
    assert store.read("a" * 16) == written
    assert store.runs() == {"a" * 16: written}
    assert store.parameters("a" * 16).read_bytes() == b"weights"


def test_nan_and_infinity_are_null_and_the_file_is_standard_json(tmp_path):
    Store(tmp_path).write(record(loss=math.nan, history=[{"step": 1, "loss": math.inf}]))
    text = (tmp_path / "runs" / f"{'a' * 16}.json").read_text()
    read = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert read["loss"] is None
    assert read["history"] == [{"step": 1, "loss": None}]


def test_nothing_is_made_before_the_first_record(tmp_path):
    store = Store(tmp_path / "new")
    assert store.read("a" * 16) is None
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"format": 2}', b"\xff\xfe\x00", encode(record())[:-9].encode()],
)
def test_a_broken_file_is_named_and_passed_over(tmp_path, capsys, content):
    store = Store(tmp_path)
    store.write(record("b" * 16))
    (tmp_path / "runs" / f"{'a' * 16}.json").write_bytes(content)
    assert set(store.runs()) == {"b" * 16}
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{'a' * 16}.json is passed over" in line
    assert store.read("a" * 16) is None


def test_a_record_under_another_runs_name_is_passed_over(tmp_path, capsys):
    store = Store(tmp_path)
    store.write(record("b" * 16))
    os.rename(tmp_path / "runs" / f"{'b' * 16}.json", tmp_path / "runs" / f"{'a' * 16}.json")
    assert store.runs() == {}
    assert "belongs to another run" in capsys.readouterr().err


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as raised:
        write_atomically(path, b"new")
    assert raised.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_consolidated_file_reads_as_the_directory_does(tmp_path):
    store = Store(tmp_path / "many")
    for seed, letter in enumerate("abc"):
        store.write(record(letter * 16, seed=seed))
    assert consolidate([tmp_path / "many"], tmp_path / "one") == 3
    many = list(read_records(tmp_path / "many"))
    assert list(read_records(tmp_path / "one")) == many
    assert list(read_records(tmp_path / "one" / "records.jsonl")) == many


def test_nothing_there_is_an_error_that_names_the_place(tmp_path):
    with pytest.raises(FileNotFoundError, match="no results at .*nowhere"):
        list(read_records(tmp_path / "nowhere"))


def test_decode_names_what_is_missing():
    with pytest.raises(ValueError, match="a record must have history"):
        decode(json.dumps({k: v for k, v in record().items() if k != "history"}))


def test_a_file_of_records_that_never_ends_is_named_and_passed_over(tmp_path, capsys):
    os.mkfifo(tmp_path / "records.jsonl")
    (tmp_path / "runs").mkdir()
    os.mkfifo(tmp_path / "runs" / f"{'a' * 16}.json")
    assert list(read_records(tmp_path)) == []
    assert capsys.readouterr().err.count("is no regular file\n") == 2
    with pytest.raises(OSError, match=f"^{tmp_path}/runs/{'a' * 16}.json is no regular file$"):
        list(read_records(tmp_path, strict=True))


def test_a_record_that_the_system_fails_to_read_is_no_reason_to_train_again(tmp_path, capsys):
    path = tmp_path / "runs" / f"{'a' * 16}.json"
    path.mkdir(parents=True)  # whoever may do anything may read every file
    store = Store(tmp_path)
    for look in (lambda: store.runs(strict=True), lambda: store.trained(["a" * 16])):
        with pytest.raises(OSError) as raised:
            look()
        assert raised.value.filename == str(path)
    assert store.runs() == {}
    assert f"{path} is passed over" in capsys.readouterr().err
