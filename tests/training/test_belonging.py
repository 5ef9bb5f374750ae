"""Weights are their run's, and a checkpoint its condition's: others are named and not used."""

import json
import os
import threading
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load, load_file, save, save_file

import rnnbench
from rnnbench.experiment.sweep import Job
from rnnbench.launcher import worker
from rnnbench.store.records import Store
from rnnbench.store.seals import seal_tensors
from rnnbench.verify.__main__ import main as verify
from tests.small_sweep import ONE, REPLICAS, TWO
from tests.stored_numbers import numbers
from tests.training.stop_at import StopAt


def run(directory, condition=ONE, stop=None, **changes):
    job = Job(condition, REPLICAS, directory, "reference", "cpu", sweep="test")
    return worker.run_job(replace(job, **changes), lambda event: None, stop or threading.Event())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("undisturbed")
    run(directory)
    return numbers(directory)


@pytest.fixture
def swapped(tmp_path, undisturbed):
    """Return a directory in which two seeds' weights have each other's names, and their paths."""
    run(tmp_path)
    one, other = (Store(tmp_path).parameters(run_id) for run_id in sorted(undisturbed))
    os.rename(one, tmp_path / "kept")
    os.rename(other, one)
    os.rename(tmp_path / "kept", other)
    return tmp_path, [one, other]


def test_weights_tell_whose_they_are(tmp_path):
    run(tmp_path)
    for run_id in Store(tmp_path).runs():
        with safe_open(Store(tmp_path).parameters(run_id), framework="pt") as file:
            assert file.metadata()["run_id"] == run_id


def test_another_runs_weights_are_not_used(swapped, capsys):
    directory, paths = swapped
    for path in paths:
        with pytest.raises(ValueError, match=f"{path.name} cannot be read: it belongs to another"):
            rnnbench.load_model(directory, path.stem)
    assert verify([str(directory)]) == 1
    assert capsys.readouterr().err.count("belongs to another run") == 2


def test_and_the_runs_are_trained_again(swapped, undisturbed, capsys):
    directory, paths = swapped
    assert Store(directory).trained(undisturbed) == {}
    err = capsys.readouterr().err
    for path in paths:
        assert f"{path} is passed over: it belongs to another run, '" in err
    assert run(directory).found == 0
    assert numbers(directory) == undisturbed


def test_weights_of_before_do_not_tell_and_are_read(tmp_path, undisturbed):
    run(tmp_path)
    for run_id in undisturbed:
        path = Store(tmp_path).parameters(run_id)
        tensors = load(path.read_bytes())  # a map of the file would change with it
        for content in (seal_tensors(save(tensors)), save(tensors)):
            path.write_bytes(content)
            model = rnnbench.load_model(tmp_path, run_id)
            assert torch.equal(model.parameters["readout.bias"][0], tensors["readout.bias"])
    assert Store(tmp_path).trained(undisturbed).keys() == undisturbed.keys()


@pytest.mark.parametrize("dtype", [torch.float64, torch.int64, torch.float8_e4m3fn])
def test_weights_are_of_their_records_type(tmp_path, undisturbed, dtype):
    run(tmp_path)
    run_id = min(undisturbed)
    path = Store(tmp_path).parameters(run_id)
    save_file({name: tensor.to(dtype) for name, tensor in load_file(path).items()}, path)
    with pytest.raises(ValueError, match=f"{run_id}.safetensors must hold float32, got "):
        rnnbench.load_model(tmp_path, run_id)


def test_weights_that_never_end_or_are_far_too_large_are_not_read(tmp_path, undisturbed):
    run(tmp_path)
    run_id = min(undisturbed)
    path = Store(tmp_path).parameters(run_id)
    with path.open("r+b") as file:
        file.truncate(2**40)  # no more on the disk than before
    with pytest.raises(OSError, match="has more than"):
        rnnbench.load_model(tmp_path, run_id)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(OSError, match="is no regular file"):
        rnnbench.load_model(tmp_path, run_id)


@pytest.fixture
def stopped(tmp_path, undisturbed):
    """Return a directory whose sweep was stopped after 4 of 6 steps, and its checkpoint."""
    assert run(tmp_path, stop=StopAt(3)).stopped
    (path,) = (tmp_path / "checkpoints").iterdir()
    return tmp_path, path


def reseal(path, change_state=None, change_tensors=None, **metadata):
    """Change a checkpoint as one who can make seals."""
    with safe_open(path, framework="pt") as file:
        kept = {key: value for key, value in file.metadata().items() if key != "seal"}
    tensors, state = load(path.read_bytes()), json.loads(kept["state"])
    state = change_state(state) if change_state else state
    tensors = change_tensors(tensors) if change_tensors else tensors
    kept |= {"state": json.dumps(state)} | metadata
    kept = {key: value for key, value in kept.items() if value is not None}
    path.write_bytes(seal_tensors(save(tensors, metadata=kept)))


def steps_of(monkeypatch):
    """Return a list that fills with the steps that are trained."""
    steps = []
    original = worker.Trainer._train_step
    monkeypatch.setattr(
        worker.Trainer, "_train_step", lambda self: steps.append(self.step) or original(self)
    )
    return steps


def is_passed_over(directory, path, undisturbed, capsys, monkeypatch):
    """Check that all is trained from the start, to the same numbers, and in one warning."""
    capsys.readouterr()
    steps = steps_of(monkeypatch)
    assert run(directory).stopped is False
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"rnnbench: warning: {path} is passed over: ")
    assert steps == list(range(6))
    assert numbers(directory) == undisturbed
    return line


def test_a_checkpoint_that_is_resealed_as_it_was_is_gone_on_from(
    stopped, undisturbed, capsys, monkeypatch
):
    directory, path = stopped
    reseal(path)
    steps = steps_of(monkeypatch)
    assert run(directory).stopped is False
    assert steps == [4, 5] and "passed over" not in capsys.readouterr().err
    assert numbers(directory) == undisturbed


def test_another_conditions_checkpoint_is_not_gone_on_from(
    tmp_path, undisturbed, capsys, monkeypatch
):
    """Renamed, as a copy by hand may: the shapes are the same, only the gap is another."""
    run(tmp_path, TWO, stop=StopAt(3))
    (other,) = (tmp_path / "checkpoints").iterdir()
    path = other.rename(other.with_name(f"{ONE.condition_id}.safetensors"))
    line = is_passed_over(tmp_path, path, undisturbed, capsys, monkeypatch)
    assert TWO.condition_id in line and ONE.condition_id in line


def test_nor_is_one_of_another_engine_or_one_that_does_not_tell(
    stopped, undisturbed, capsys, monkeypatch
):
    directory, path = stopped
    content = path.read_bytes()
    for metadata in ({"engine": "torch"}, {"device": "cuda"}, {"condition_id": None}):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        for run_id in undisturbed:
            (directory / "runs" / f"{run_id}.json").unlink(missing_ok=True)
        reseal(path, **metadata)
        is_passed_over(directory, path, undisturbed, capsys, monkeypatch)
        monkeypatch.undo()


def every(**changes):
    """Return a change of each replica of a state."""
    return lambda state: {**state, "replicas": [r | changes for r in state["replicas"]]}


ROW = {"step": 3, "loss": 1.0, "accuracy": 0.5, "score": 0.5, "grad_norm": 1.0}
STATES = {
    "the step is after the last": lambda s: {**s, "step": 10},
    "the step is the last": lambda s: {**s, "step": 6},
    "the step is before the first": lambda s: {**s, "step": -1},
    "the step is a text": lambda s: {**s, "step": "x"},
    "there is no step": lambda s: {"replicas": s["replicas"]},
    "the evaluations are after the step": lambda s: {**s, "step": 0},
    "an evaluation is lacking": every(history=[]),
    "an evaluation is there twice": every(history=[ROW, ROW]),
    "evaluations go back": every(history=[{**ROW, "step": 6}, ROW]),
    "a row is a text": every(history=["x"]),
    "a row holds a text": every(history=[{**ROW, "loss": "x"}]),
    "a row holds nothing": every(history=[{**ROW, "accuracy": None}]),
    "a row lacks a number": every(history=[{"step": 3}]),
    "a history is none": every(history=3),
    "seconds are none": every(seconds=None),
    "a replica has no rate": every(replica=[0]),
    "a replica's seed is none": every(replica=["x", 1e-3]),
    "a replica's seed is too large": every(replica=[2**40, 1e-3]),
    "a replica's rate is none": every(replica=[0, None]),
    "replicas are the same": every(replica=[0, 1e-3]),
    "a replica is missing": lambda s: {**s, "replicas": s["replicas"][:1]},
    "a replica is nothing": lambda s: {**s, "replicas": [{"replica": [0]}, {"replica": [0]}]},
    "no replicas": lambda s: {**s, "replicas": []},
    "a list": lambda s: [s],
}


@pytest.mark.parametrize("name", STATES)
def test_nor_is_a_state_that_the_training_does_not_pass_through(
    stopped, undisturbed, capsys, monkeypatch, name
):
    directory, path = stopped
    reseal(path, STATES[name])
    is_passed_over(directory, path, undisturbed, capsys, monkeypatch)


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: {name: tensor.double() for name, tensor in tensors.items()},
        lambda tensors: {name: tensor[..., :1] for name, tensor in tensors.items()},
        lambda tensors: {**tensors, "more": tensors["clipped"].clone()},
        lambda tensors: {"clipped": tensors["clipped"]},
        lambda tensors: {**tensors, "clipped": torch.tensor(3)},
    ],
)
def test_nor_are_tensors_of_another_kind(stopped, undisturbed, capsys, monkeypatch, change):
    directory, path = stopped
    reseal(path, change_tensors=lambda t: {k: v.contiguous() for k, v in change(t).items()})
    is_passed_over(directory, path, undisturbed, capsys, monkeypatch)


def test_nor_is_what_never_ends(stopped, undisturbed, capsys, monkeypatch):
    directory, path = stopped
    path.unlink()
    os.mkfifo(path)
    is_passed_over(directory, path, undisturbed, capsys, monkeypatch)


def test_a_gradient_that_was_infinite_is_gone_on_from(stopped, capsys, monkeypatch):
    directory, path = stopped
    reseal(path, every(history=[{**ROW, "grad_norm": float("inf")}]))
    steps = steps_of(monkeypatch)
    run(directory)
    assert steps == [4, 5] and "passed over" not in capsys.readouterr().err
