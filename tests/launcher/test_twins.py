"""A tuned run at the rate that is also given is trained once, and is a run all the same."""

import shutil
from dataclasses import replace

import pytest
import torch

from rnnbench import load_model
from rnnbench.experiment.condition import Replica
from rnnbench.store.frames import load_results
from rnnbench.store.records import Store
from rnnbench.verify.rerun import make_plan
from tests.in_process import launch_in_process
from tests.launcher.test_tuning import CONDITION, GIVEN, sweep_of


@pytest.fixture(scope="module")
def tuning(tmp_path_factory):
    """Return a directory that has the runs of tuning alone, and the rate that they choose."""
    directory = tmp_path_factory.mktemp("twins") / "out"
    sweep = replace(sweep_of(directory), jobs=((CONDITION, (Replica(0, None),)),))
    assert launch_in_process(sweep) == 0
    (lr,) = load_results(directory)["lr"]
    for name in ("runs", "report"):
        shutil.rmtree(directory / name)
    return directory, lr


def sweep_at(directory, lr):
    jobs = (sweep_of(directory).jobs[0], (GIVEN, (Replica(0, lr), Replica(1, lr))))
    return replace(sweep_of(directory), jobs=jobs)


@pytest.fixture(scope="module")
def trained(tuning, tmp_path_factory):
    directory = shutil.copytree(tuning[0], tmp_path_factory.mktemp("trained") / "out")
    assert launch_in_process(sweep_at(directory, tuning[1])) == 0
    return directory


def test_it_is_stored_as_a_run_of_its_condition_without_weights_of_its_own(trained, tuning):
    results = load_results(trained)
    given, tuned = (results[results["lr_choice"] == kind] for kind in ("given", "tuned"))
    assert given["run_id"].tolist() == tuned["same_as"].tolist()
    assert given["same_as"].isna().all()
    measures = ["seed", "lr", "loss", "accuracy", "steps", "seconds", "status"]
    assert (given[measures].to_numpy() == tuned[measures].to_numpy()).all()
    weights = {path.stem for path in (trained / "runs").glob("*.safetensors")}
    assert weights == set(given["run_id"])
    record = Store(trained).read(tuned["run_id"].iloc[0])
    assert record["tuning"]["lr"] == record["lr"] == tuning[1]
    assert set(tuned["condition_id"]) == {CONDITION.condition_id}


def test_it_is_loaded_and_can_be_trained_again(trained):
    results = load_results(trained)
    tuned = results[results["lr_choice"] == "tuned"].iloc[0]
    one, other = (load_model(trained, run_id) for run_id in (tuned["run_id"], tuned["same_as"]))
    for name, tensor in one.parameters.items():
        assert torch.equal(tensor, other.parameters[name])
    jobs, lines = make_plan(trained, sample=4, seed=0)
    assert len(jobs) == 4, lines


@pytest.mark.long
def test_it_is_trained_no_more_later(trained, tmp_path, tuning, capfd):
    directory = shutil.copytree(trained, tmp_path / "out")
    times = {path: path.stat().st_mtime_ns for path in directory.rglob("*.json")}
    assert launch_in_process(sweep_at(directory, tuning[1])) == 0
    assert {path: path.stat().st_mtime_ns for path in directory.rglob("*.json")} == times
    assert "to train" not in capfd.readouterr().err
    for path in (directory / "runs").glob("*.json"):
        if Store(directory).read(path.stem).get("same_as"):
            path.unlink()
    assert launch_in_process(sweep_at(directory, tuning[1])) == 0  # and is stored again alone
    assert "to train" not in capfd.readouterr().err
    assert len(load_results(directory)) == 4


@pytest.mark.long
def test_it_waits_for_a_training_that_did_not_end(tuning, tmp_path, monkeypatch, capfd):
    directory = shutil.copytree(tuning[0], tmp_path / "out")

    def fail(*args):
        raise RuntimeError("no room")

    with monkeypatch.context() as patch:
        patch.setattr("rnnbench.launcher.worker.Trainer", fail)
        assert launch_in_process(sweep_at(directory, tuning[1])) == 1
    assert "2 replicas are left" in capfd.readouterr().err
    assert set(load_results(directory)["lr_choice"]) == {"given"}
    assert launch_in_process(sweep_at(directory, tuning[1])) == 0
    assert len(load_results(directory)) == 4
