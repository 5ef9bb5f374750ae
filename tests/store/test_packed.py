"""Records in a `records.jsonl.gz` are read as those of a `records.jsonl`, damaged or not."""

import gzip
import json

import pytest

import rnnbench
from rnnbench.report.drawn import is_drawn, note_drawn
from rnnbench.store import lines
from rnnbench.store.records import FORMAT, NewerRecord, Store, encode, read_records
from rnnbench.store.standing import read_sweep_status
from tests.stored_record import stored_record

LETTERS = "abcdef"
NAMES = ("records.jsonl", "records.jsonl.gz")


def record(letter, **changes):
    seed = LETTERS.index(letter)
    return stored_record(**{"run_id": letter * 16, "seed": seed, "format": FORMAT, **changes})


RECORDS = [record(letter, loss=1 / (3 + seed)) for seed, letter in enumerate(LETTERS)]
TEXT = "".join(f"{encode(r)}\n" for r in RECORDS)


def pack(place, content=TEXT, name=NAMES[1]):
    place.mkdir(exist_ok=True)
    packed = gzip.compress(content.encode()) if name.endswith(".gz") else content.encode()
    (place / name).write_bytes(packed)
    return place / name


@pytest.mark.parametrize("name", NAMES)
def test_every_reader_takes_both_as_a_directory_and_as_a_file(tmp_path, capsys, name):
    path = pack(tmp_path / "a", name=name)
    for place in (path, path.parent):
        assert list(read_records(place)) == RECORDS
        assert list(rnnbench.load_results(place)["run_id"]) == [r["run_id"] for r in RECORDS]
    assert read_sweep_status(path.parent).tally.total["unsolved"] == len(RECORDS)
    found = Store(path.parent).find(["b" * 16, "x" * 16, "c" * 16], strict=True)
    assert found == {r["run_id"]: r for r in RECORDS[1:3]}
    assert Store(path.parent).read("d" * 16) == RECORDS[3]
    assert Store(path.parent).trained(["e" * 16, "x" * 16]) == {"e" * 16: "unsolved"}
    assert Store(path.parent).find([]) == {}
    assert capsys.readouterr().err == ""


def test_a_file_of_its_own_counts_before_lines_and_lines_before_packed_ones(tmp_path, capsys):
    other = [record("a", loss=9.0), record("b", loss=9.0), record("c", status="failed")]
    Store(tmp_path).write(RECORDS[0])
    pack(tmp_path, "".join(f"{encode(r)}\n" for r in [other[0], RECORDS[1], other[2]]), NAMES[0])
    pack(tmp_path, "".join(f"{encode(r)}\n" for r in [*other[:2], RECORDS[2]]))
    runs = {r["run_id"]: r for r in RECORDS[:3]}
    assert Store(tmp_path).runs() == runs
    told = capsys.readouterr().err
    assert told.count("is told otherwise elsewhere") == 3
    assert Store(tmp_path).find(runs) == runs
    assert capsys.readouterr().err == told


def test_a_bad_line_of_a_whole_file_is_named_and_the_others_are_read(tmp_path, capsys):
    lines = TEXT.splitlines(keepends=True)
    path = pack(tmp_path, "".join([*lines[:2], "{}\n", *lines[2:]]))
    assert list(read_records(path)) == RECORDS
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{path}:3 is passed over" in line


@pytest.mark.parametrize("strict", [False, True])
def test_of_a_file_that_was_cut_off_the_whole_lines_count(tmp_path, capsys, strict):
    """Also those without a seal, as of a file that was not packed."""
    early = [record(letter, format=1) for letter in LETTERS]
    text = "".join(f"{encode(r)}\n" for r in early)
    content = gzip.compress(text.encode(), compresslevel=0)
    path = tmp_path / NAMES[1]
    path.write_bytes(content[: len(content) * 3 // 4])
    assert list(read_records(tmp_path, strict=strict)) == early[:4]
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{path} is damaged, and only its good lines count: " in line


def test_of_a_damaged_file_what_has_its_seal_counts(tmp_path, capsys):
    for line, counted in ((encode(RECORDS[0]), [RECORDS[0]]), (encode(record("a", format=1)), [])):
        path = pack(tmp_path, f"{line}\n")
        content = bytearray(path.read_bytes())
        content[-5] ^= 1  # of the checksum
        path.write_bytes(content)
        assert list(read_records(tmp_path, strict=True)) == counted
        (warning,) = capsys.readouterr().err.splitlines()
        assert f"{path} is damaged, and only its good lines count: CRC check failed" in warning


def test_wherever_it_is_damaged_nothing_else_is_read_of_it(tmp_path, capsys):
    path = pack(tmp_path)
    content = path.read_bytes()
    counts = set()
    for at in range(0, len(content), 7):
        path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        found = list(read_records(tmp_path, strict=True))
        assert all(r in RECORDS for r in found)
        counts.add(len(found))
        assert len(capsys.readouterr().err.splitlines()) <= 1
    assert {0, len(RECORDS)} < counts


def test_what_is_not_packed_is_one_line(tmp_path, capsys):
    path = tmp_path / NAMES[1]
    path.write_text(TEXT)
    assert list(read_records(tmp_path)) == []
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{path} is damaged, and only its good lines count: Not a gzipped file" in line


def test_a_small_file_that_unpacks_to_a_huge_one_is_not_read(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(lines, "MOST", len(TEXT))
    path = pack(tmp_path)
    assert list(read_records(tmp_path, strict=True)) == RECORDS
    monkeypatch.setattr(lines, "MOST", len(TEXT) - 1)
    assert path.stat().st_size < lines.MOST
    assert list(read_records(tmp_path)) == []
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{path} has more than {lines.MOST} bytes" in line
    with pytest.raises(OSError, match=f"^{path} has more than {lines.MOST} bytes$"):
        list(read_records(tmp_path, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_record_of_a_later_version_is_no_reason_to_train_it_again(tmp_path, capsys, name):
    newer = json.dumps({**RECORDS[0], "format": FORMAT + 1})
    path = pack(tmp_path, f"{TEXT}{newer}\n", name)
    assert list(read_records(tmp_path)) == RECORDS
    assert f"{path}:7 is passed over: it has format {FORMAT + 1}" in capsys.readouterr().err
    looks = (Store(tmp_path).runs, lambda **_: Store(tmp_path).trained(["a" * 16]))
    for look in looks:
        with pytest.raises(NewerRecord, match=f"^{path}:7 cannot be read: it has format "):
            look(strict=True)
    assert Store(tmp_path).trained(["b" * 16]) == {"b" * 16: "unsolved"}


@pytest.mark.parametrize("name", NAMES)
def test_a_report_is_drawn_again_once_there_are_other_results(tmp_path, monkeypatch, name):
    monkeypatch.setenv("RNNBENCH_CACHE", str(tmp_path / "cache"))
    path = pack(tmp_path / "a", name=name)
    note_drawn(path.parent, "lstm")
    assert is_drawn(path.parent, "lstm")
    path.write_bytes(path.read_bytes() * 2)
    assert not is_drawn(path.parent, "lstm")
