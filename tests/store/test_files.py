"""Files of a results directory are parsed in one place, and what is no file is told from one."""

import ast
import os

import pytest

from rnnbench.store.files import parse_json, read_file, read_json, read_table
from rnnbench.store.lines import read_lines
from rnnbench.store.rules import whole
from tests.test_architecture import FILES, ROOT

READER = "rnnbench/store/files.py"
# What else takes JSON or CSV apart, and why it is no file of a results directory.
OTHERS = {
    "rnnbench/bench/measure.py": "lines that its own worker processes print",
    "rnnbench/bench/parts.py": "lines that its own parent process sends",
    "rnnbench/bench/process.py": "likewise",
    "rnnbench/bench/verification.py": "lines that its own worker processes print",
    "rnnbench/check/__main__.py": "a value in a word of the command line",
    "rnnbench/dashboard.py": "the specification that W&B's client has just made",
    "rnnbench/tracker/reach.py": "a server's answer",
    "rnnbench/tracker/summary.py": "tables of the report that was drawn for it",
    "rnnbench/verify/rerun.py": "a record that was encoded in the line before",
}
PARSERS = {
    *("json.load", "json.loads", "json.JSONDecoder", "csv.reader", "csv.DictReader"),
    *("pd.read_csv", "pd.read_json"),
}


def parses(path):
    """Return whether a file calls a parser of JSON or CSV, or imports one by its bare name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            found.add(ast.unparse(node))
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return bool(found & PARSERS)


def test_stored_files_are_parsed_in_one_place_alone():
    found = {path.relative_to(ROOT).as_posix() for path in FILES if parses(path)}
    assert found == {READER, *OTHERS}


@pytest.mark.parametrize("line", ["import json\njson.load(f)", "from csv import reader"])
def test_another_reader_is_found(tmp_path, line):
    (tmp_path / "other.py").write_text(line)
    assert parses(tmp_path / "other.py")


def test_json_that_is_nested_too_deep_is_a_value_error():
    with pytest.raises(ValueError, match="nested too deep"):
        parse_json("[" * 100_000)


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 0}', "{}", "[" * 100_000])
def test_what_is_not_of_the_right_form_is_named_and_passed_over(tmp_path, capsys, content):
    path = tmp_path / "file.json"
    assert read_json(path, {"a": whole(1)}, "it") is None
    assert capsys.readouterr().err == ""
    path.write_text('{"a": 1}')
    assert read_json(path, {"a": whole(1)}, "it") == {"a": 1}
    path.write_text(content)
    assert read_json(path, {"a": whole(1)}, "it") is None
    assert f"{path} is passed over: " in capsys.readouterr().err


def test_a_bad_line_is_named_and_the_others_are_read(tmp_path, capsys):
    path = tmp_path / "lines"
    assert list(read_lines(path, int)) == []
    path.write_text("1\nx\n3\n")
    assert list(read_lines(path, int)) == [(f"{path}:1", 1), (f"{path}:3", 3)]
    assert f"{path}:2 is passed over" in capsys.readouterr().err
    path.unlink()
    path.mkdir()
    assert list(read_lines(path, int)) == []
    assert f"{path} is passed over" in capsys.readouterr().err
    with pytest.raises(OSError) as raised:
        list(read_lines(path, int, strict=True))
    assert raised.value.filename == str(path)


@pytest.mark.parametrize("content", ["a\n1\n", "a,b\n1\n"])
def test_a_row_has_all_columns(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n")
    assert read_table(path, ["a", "b"]) == [{"a": "1", "b": "2"}]
    path.write_text(content)
    with pytest.raises(ValueError, match="must have"):
        read_table(path, ["a", "b"])


def test_only_regular_files_of_some_size_are_read(in_tmp):
    os.mkfifo("pipe")
    (in_tmp / "file").write_bytes(b"abc")
    assert read_file("file") == b"abc"
    for path in ("pipe", "/dev/zero"):
        with pytest.raises(OSError, match="is no regular file"):
            read_file(path)
    with pytest.raises(FileNotFoundError):
        read_file("nothing")
    with pytest.raises(OSError, match="file has more than 2 bytes"):
        read_file("file", most=2)
