"""A results directory whose links lead elsewhere: nothing is written, removed or read there."""

import os
import shutil

import pytest

from rnnbench.store.files import LeadsOut, check_links, read_file
from tests.fuzz.stored_files import PLAN, RESULTS, make_directory
from tests.fuzz.words import Input

COMMANDS_THAT_WRITE = {
    **{name: [RESULTS] for name in ("report", "diagnose", "transfer", "guess", "sync")},
    "train": [f"{RESULTS}/{PLAN}", RESULTS],
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return make_directory(tmp_path_factory.mktemp("whole") / RESULTS)


@pytest.fixture
def hostile(whole, in_tmp):
    """Return what moves a folder of a results directory elsewhere, and leaves a link to it."""
    shutil.copytree(whole, RESULTS)

    def move(name):
        place = in_tmp / "elsewhere"
        (in_tmp / RESULTS / name).mkdir(exist_ok=True)
        os.rename(in_tmp / RESULTS / name, place)
        (place / "mine").write_text("precious")
        (in_tmp / RESULTS / name).symlink_to(place)
        return place

    return move


def contents(place):
    return {path: path.is_file() and path.read_bytes() for path in place.rglob("*")}


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("report", "report"),
        ("diagnose", "diagnosis"),
        ("transfer", "runs"),
        ("guess", "runs"),
        ("sync", "wandb"),
        *(("train", name) for name in ("runs", "checkpoints", "progress", "claims", "tuning")),
    ],
)
def test_a_link_that_leads_out_is_refused_in_one_line(
    hostile, in_tmp, capsys, monkeypatch, exit_code, command, name
):
    monkeypatch.setattr("rnnbench.tracker.reach.find_problem", lambda: None)
    place = hostile(name)
    before = contents(in_tmp)
    words = COMMANDS_THAT_WRITE[command]
    capsys.readouterr()
    assert exit_code(Input(command, words, right=False).main, words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{RESULTS}/{name} must not lead out of {RESULTS}, got a link to {place}" in line
    assert contents(in_tmp) == before


def test_a_link_deep_in_a_folder_is_seen_and_one_within_is_not_minded(hostile, in_tmp):
    claims = in_tmp / RESULTS / "claims"
    (claims / "again").symlink_to(in_tmp / RESULTS / "runs")
    check_links(RESULTS)
    (claims / "0123456789abcdef").symlink_to(in_tmp)
    with pytest.raises(LeadsOut, match="0123456789abcdef must not lead out of results, got a link"):
        check_links(RESULTS)


def test_the_directory_itself_may_be_a_link(whole, in_tmp):
    (in_tmp / "linked").symlink_to(whole)
    check_links("linked")


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
