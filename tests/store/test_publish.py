"""A published sweep is a few small files that read as the sweep itself does."""

import hashlib
import json
import shutil
from pathlib import Path
from shutil import copytree

import pandas as pd
import pytest
from mlcroissant import Dataset

import rnnbench
from rnnbench.diagnose.__main__ import main as diagnose
from rnnbench.publish import main
from rnnbench.store.croissant import CROISSANT
from rnnbench.store.diagnoses import load_diagnosis
from rnnbench.store.records import read_records
from rnnbench.store.tables import TRANSFER

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A small sweep."""
    settings = {"trainer.steps": 3, "model.hidden_size": 8, "trainer.eval_size": 16}
    settings["engine"] = "reference"
    place = tmp_path_factory.mktemp("published") / "sweep"
    rnnbench.run(task="recall", cell="gru", gap=4, seeds=2, output_dir=place, **settings)
    return place


def test_publishing_keeps_every_row_and_adds_figures(source, tmp_path, capsys):
    destination = tmp_path / "published"
    assert main([str(source), str(destination)]) == 0
    assert capsys.readouterr().out.endswith(f"2 runs: {destination}\n")
    for load in (rnnbench.load_results, rnnbench.load_history):
        pd.testing.assert_frame_equal(load(destination), load(source))
    names = {path.name for path in destination.iterdir()}
    figures = {"accuracy_vs_gap.png", "score_vs_gap.png", "learning_curves.png"}
    figures.add("horizons.png")  # no run solves its task
    assert names == figures | {
        "records.jsonl",
        "croissant.json",
        "summary.csv",
        "by_gap.csv",
        "horizons.tex",
        "scores.tex",
        "report.md",
    }


def test_records_alone_are_packed_and_take_the_place_of_those_before(source, tmp_path, capsys):
    destination = tmp_path / "published"
    destination.mkdir()
    (destination / "records.jsonl").write_text("of an earlier sweep")
    contents = []
    for _ in range(2):
        assert main([str(source), str(destination), "--records"]) == 0
        described, file = sorted(destination.iterdir())
        assert described.name == "croissant.json"
        contents.append(file.read_bytes())
    assert file.name == "records.jsonl.gz" and contents[0] == contents[1]
    for load in (rnnbench.load_results, rnnbench.load_history):
        pd.testing.assert_frame_equal(load(destination), load(source))
    assert capsys.readouterr().err == ""
    assert main([str(source), str(destination)]) == 0
    assert not file.exists() and (destination / "records.jsonl").exists()


def test_nothing_to_publish_is_one_line(tmp_path, capsys):
    assert main([str(tmp_path / "nothing"), str(tmp_path / "published")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "published").exists()


@pytest.mark.long
def test_diagnoses_are_published_and_read_as_before(source, tmp_path):
    source, destination = copytree(source, tmp_path / "sweep"), tmp_path / "published"
    assert diagnose([str(source), "--sequences", "64"]) == 0
    assert main([str(source), str(destination)]) == 0
    for published, own in zip(load_diagnosis(destination), load_diagnosis(source)):
        pd.testing.assert_frame_equal(published, own)
        assert len(own)


SECRET = "machine api.wandb.ai login user password hunter2"


@pytest.mark.parametrize("kind", ["damaged", "link"])
def test_nothing_is_published_of_what_is_passed_over(source, tmp_path, capsys, kind):
    source, destination = copytree(source, tmp_path / "sweep"), tmp_path / "published"
    secret = tmp_path / "netrc"
    secret.write_text(SECRET)
    names = ["transfer.csv", "guesses.csv", "diagnosis.jsonl"]
    for name in names:
        if kind == "link":
            (source / name).symlink_to(secret)
        else:
            (source / name).write_text(SECRET)
    assert main([str(source), str(destination)]) == 0
    told = capsys.readouterr().err
    assert all(name in told and not (destination / name).exists() for name in names)
    assert_not_there(destination)


def test_no_file_of_the_report_that_came_along_is_published(source, tmp_path):
    source, destination = copytree(source, tmp_path / "sweep"), tmp_path / "published"
    secret = tmp_path / "netrc"
    secret.write_text(SECRET)
    shutil.rmtree(source / "report")
    (source / "report").mkdir()
    for name in ("gates_vs_time.png", "other.png", "score_vs_gap.png", "summary.csv"):
        (source / "report" / name).symlink_to(secret)
    assert main([str(source), str(destination)]) == 0
    assert not {"gates_vs_time.png", "other.png"} & {path.name for path in destination.iterdir()}
    assert_not_there(destination)


def assert_not_there(destination):
    assert not any(b"hunter2" in path.read_bytes() for path in destination.iterdir())


def test_rows_are_published_without_what_else_their_file_holds(source, tmp_path):
    source, destination = copytree(source, tmp_path / "sweep"), tmp_path / "published"
    record = next(read_records(source))
    row = {name: record.get(name, 1) for name in TRANSFER.columns} | {"test_gap": 5}
    TRANSFER.add(source, [row])
    (plain,) = TRANSFER.path(source).read_text().splitlines()[1:]
    text = TRANSFER.path(source).read_text()
    TRANSFER.path(source).write_text(text.replace("device\n", f"device,{SECRET}\n"))
    assert main([str(source), str(destination)]) == 0
    assert TRANSFER.path(destination).read_text().splitlines()[1:] == [plain]
    assert_not_there(destination)


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")
@pytest.mark.parametrize("words", [[], ["--records"]])
def test_a_loader_of_data_sets_reads_what_is_published(source, tmp_path, words):
    destination = tmp_path / "small"
    assert main([str(source), str(destination), *words]) == 0
    described = Dataset(destination / "croissant.json")
    assert not described.metadata.ctx.issues.errors and not described.metadata.ctx.issues.warnings
    assert described.metadata.name == "rnnbench-small"
    found = pd.DataFrame([*described.records("runs")])
    found.columns = [name.removeprefix("runs/") for name in found]
    expected = rnnbench.load_results(destination)
    kept = [name for name in found if name in expected]
    assert {"task", "cell", "gap", "seed", "lr", "score", "status", "run_id"} <= set(kept)
    found = found[kept].map(lambda value: value.decode() if type(value) is bytes else value)
    pairs = (frame.dropna(axis=1, how="all") for frame in (found, expected[kept]))
    pd.testing.assert_frame_equal(*pairs, check_dtype=False)


@pytest.mark.parametrize("described", sorted((ROOT / "results").rglob(CROISSANT)), ids=str)
def test_what_is_described_is_what_is_committed(described):
    (file,) = json.loads(described.read_text())["distribution"]
    content = (described.parent / file["contentUrl"]).read_bytes()
    assert file["sha256"] == hashlib.sha256(content).hexdigest()
