"""A results directory whose links lead elsewhere: nothing is written or removed there."""

import os
import shutil
from pathlib import Path

import pytest

from rnnbench.store.files import FOLDERS, LeadsOut, check_links
from rnnbench.store.manifest import read_manifest
from rnnbench.tracker.client import Outage
from rnnbench.tracker.reach import keep_destination
from tests.fuzz.stored_files import PLAN, RESULTS, make_directory
from tests.fuzz.words import Input

COMMANDS_THAT_WRITE = {
    "report": [RESULTS],
    "diagnose": [RESULTS, "--sequences=64"],
    "transfer": [RESULTS, "--workers=1"],
    "guess": [RESULTS, "--workers=1", "--guesses=1"],
    "sync": [RESULTS],
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


@pytest.mark.parametrize("name", FOLDERS)
def test_so_is_one_below_the_tuning_of_a_directory(whole, in_tmp, name):
    shutil.copytree(whole, RESULTS)
    (in_tmp / RESULTS / "tuning").mkdir()
    (in_tmp / RESULTS / "tuning" / name).symlink_to(in_tmp / RESULTS)
    check_links(RESULTS)
    (in_tmp / RESULTS / "tuning" / name).unlink()
    (in_tmp / RESULTS / "tuning" / name).symlink_to(in_tmp)
    with pytest.raises(LeadsOut, match=f"tuning/{name} must not lead out of {RESULTS}, got a link"):
        check_links(RESULTS)


def run_all(exit_code):
    """Run every command that writes into the directory; return their codes."""
    codes = {}
    for command in ("train", "transfer", "guess", "diagnose", "report"):
        words = COMMANDS_THAT_WRITE[command]
        codes[command] = exit_code(Input(command, words, right=True).main, words)
    keep_destination({"project": "p", "entity": None}, Path(RESULTS))
    Outage(Path(RESULTS)).begin("no reason")
    return codes


@pytest.fixture
def outage():
    yield
    Outage.everywhere = False


@pytest.mark.long
@pytest.mark.parametrize("content", ["precious", None], ids=["a file", "nothing"])
def test_a_link_in_place_of_a_file_is_replaced_or_removed_itself(
    whole, in_tmp, exit_code, outage, content
):
    """Be there something at its end or not, for every file that is written or removed."""
    shutil.copytree(whole, RESULTS)
    results, elsewhere = in_tmp / RESULTS, in_tmp / "elsewhere"
    elsewhere.mkdir()
    (identity,) = read_manifest(results)
    shutil.rmtree(results / "claims", ignore_errors=True)
    written = [path for path in results.rglob("*") if path.is_file() and path.name != PLAN]
    if not content:  # else all would stop: records that cannot be read may be there in a moment
        written = [path for path in written if path.parent.name != "runs"]
    names = (f"checkpoints/{identity}.safetensors", f"progress/{identity}.json")
    written += [results / name for name in (*names, "report/index.html", "report/summary.csv")]
    for number, path in enumerate(written):
        path.unlink(missing_ok=True)
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(elsewhere / str(number))
        if content:
            (elsewhere / str(number)).write_text(content)
    before = contents(elsewhere)
    codes = run_all(exit_code)
    assert contents(elsewhere) == before
    assert codes["train"] == codes["report"] == 0
    # The checkpoint and progress of a run that is not trained are left alone.
    left = {path.relative_to(results).parts[0] for path in written if path.is_symlink()}
    assert left <= (set() if content else {"checkpoints", "progress"})


@pytest.mark.long
def test_a_link_in_place_of_a_claim_is_not_followed(whole, in_tmp, exit_code, capsys):
    shutil.copytree(whole, RESULTS)
    (identity,) = read_manifest(RESULTS)
    shutil.rmtree(in_tmp / RESULTS / "runs")
    place, elsewhere = in_tmp / RESULTS / "claims" / identity, in_tmp / "elsewhere"
    place.parent.mkdir(exist_ok=True)
    shutil.rmtree(place, ignore_errors=True)
    elsewhere.mkdir()
    (elsewhere / "0123456789abcdef.json").write_text("{}")
    place.symlink_to(elsewhere)
    before = contents(elsewhere)
    words = COMMANDS_THAT_WRITE["train"]
    assert exit_code(Input("train", words, right=False).main, words) != 0
    assert contents(elsewhere) == before
    assert "must be a directory of its own, got a symbolic link" in capsys.readouterr().err


def test_the_directory_itself_may_be_a_link(whole, in_tmp):
    (in_tmp / "linked").symlink_to(whole)
    check_links("linked")
