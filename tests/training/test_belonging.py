"""Weights are their run's, and a checkpoint its condition's: others are named and not used."""

import os
import threading

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load, load_file, save, save_file

import rnnbench
from rnnbench import worker
from rnnbench.records import Store
from rnnbench.seal import seal_tensors
from rnnbench.verify.__main__ import main as verify
from tests.small_sweep import ONE, REPLICAS

TIMES = ("seconds", "sequences_per_second", "environment")


class StopAt:
    """A stop request that comes after so many looks."""

    def __init__(self, looks):
        self.looks = looks

    def is_set(self):
        self.looks -= 1
        return self.looks < 0


def run(directory, condition=ONE, stop=None, **changes):
    job = {
        **{"condition": condition, "replicas": list(REPLICAS), "output_dir": str(directory)},
        **{"sweep": "test", "command": "", "engine": "reference", "device": "cpu"},
        **{"tracker": {"kind": "none"}, "tuning": None, "is_tuning": False},
    }
    return worker.run_job(job | changes, lambda event: None, stop or threading.Event())


def stored(directory):
    store = Store(directory)
    return {
        run_id: (
            {key: value for key, value in record.items() if key not in TIMES},
            store.parameters(run_id).read_bytes(),
        )
        for run_id, record in store.runs().items()
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("undisturbed")
    run(directory)
    return stored(directory)


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
    assert Store(directory).finished(undisturbed) == {}
    err = capsys.readouterr().err
    for path in paths:
        assert f"{path} is passed over: it belongs to another run, '" in err
    assert run(directory)["found"] == 0
    assert stored(directory) == undisturbed


def test_weights_of_before_do_not_tell_and_are_read(tmp_path, undisturbed):
    run(tmp_path)
    for run_id in undisturbed:
        path = Store(tmp_path).parameters(run_id)
        tensors = load(path.read_bytes())  # a map of the file would change with it
        for content in (seal_tensors(save(tensors)), save(tensors)):
            path.write_bytes(content)
            model = rnnbench.load_model(tmp_path, run_id)
            assert torch.equal(model.parameters["readout.bias"][0], tensors["readout.bias"])
    assert Store(tmp_path).finished(undisturbed).keys() == undisturbed.keys()


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
