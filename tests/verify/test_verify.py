"""Stored runs come out the same once more; whatever was changed in them is found."""

import json
import shutil
import threading

import pytest
from safetensors.torch import load_file, save_file

from rnnbench.experiment.condition import Condition, Replica
from rnnbench.experiment.sweep import Job
from rnnbench.launcher import worker
from rnnbench.store.records import Store
from rnnbench.training.recording import differences
from rnnbench.verify.__main__ import main
from rnnbench.verify.rerun import make_plan, rerun

CELLS = {"rnn": ("RNN", "compiled"), "lstm": ("LSTM", "reference"), "gru": ("GRU", "torch")}
REPLICAS = [Replica(0, 1e-3), Replica(1, 3e-3)]


def condition(name, kind):
    return Condition(
        task={"_target_": "tasks.delayed_recall.DelayedRecall", "name": "recall", "gap": 6},
        cell={"_target_": f"rnnbench.cells.{kind}", "name": name, "init": "torch"},
        model={"hidden_size": 8, "num_layers": 1, "bidirectional": False},
        trainer={"steps": 30, "batch_size": 8, "clip_norm": 1.0, "eval_every": 10, "eval_size": 64},
        dtype="float32",
        engine="auto",
        device="cpu",
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Three cells on three engines, two replicas of each side by side."""
    directory = tmp_path_factory.mktemp("trained")
    for name, (kind, engine) in CELLS.items():
        job = Job(condition(name, kind), REPLICAS, directory, engine, "cpu", sweep="trial")
        worker.run_job(job, lambda event: None, threading.Event())
    return directory


@pytest.fixture
def copied(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "copied")


def change(directory, **changes):
    """Change the record of one run, and leave that run alone; return its id."""
    store = Store(directory)
    run_id, record = min(store.runs().items())
    for other in store.runs().keys() - {run_id}:
        (store.directory / f"{other}.json").unlink()
    for name, value in changes.items():
        record[name] = value(record[name])
    store.write(record)
    return run_id


def test_runs_that_were_stacked_come_out_the_same_alone(trained, capsys):
    assert main([str(trained), "--sample", "99", "--workers", "2"]) == 0
    out, err = capsys.readouterr()
    assert out == "6 of 6 runs are the same to the last bit\n"
    assert err.count(": the same\n") == 6
    assert "6 of 6 comparable runs" in err


def test_a_sample_is_chosen_by_its_seed(trained):
    chosen = [[job["name"] for job in make_plan(trained, 2, seed)[0]] for seed in (0, 0, 1, 2, 3)]
    assert [len(set(names)) for names in chosen] == [2] * 5
    assert chosen[0] == chosen[1]
    assert len(set(map(tuple, chosen))) > 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"accuracy": lambda value: value + 2**-20}, "accuracy is "),
        ({"status": lambda value: "solved"}, "status is 'solved' there, 'unsolved' here"),
        (
            {"history": lambda rows: [rows[0], {**rows[1], "grad_norm": 0.5}, rows[2]]},
            "grad_norm at step 20 is 0.5 there, ",
        ),
        ({"history": lambda rows: rows[:-1]}, "2 evaluations there, 3 here"),
    ],
)
def test_a_changed_number_is_found(copied, changes, told):
    change(copied, **changes)
    (job,), _ = make_plan(copied, 1, 0)
    assert rerun(job, None, threading.Event()).startswith(told)


def test_a_changed_weight_is_found(copied, capsys):
    path = Store(copied).parameters(change(copied))
    weights = load_file(path)
    weights["readout.bias"][0] += 1e-7
    save_file(weights, path)
    assert main([str(copied)]) == 1
    out, err = capsys.readouterr()
    assert ": readout.bias differs\n" in err
    assert out == "0 of 1 run is the same to the last bit\n"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"environment": lambda e: {**e, "torch": "1.0"}}, "torch 1.0 there, 2."),
        ({"environment": lambda e: {**e, "cpu": "abacus"}}, "cpu abacus there, "),
        ({"versions": lambda v: {**v, "task": 0}}, "task version 0 there, 1 here"),
        (
            {"config": lambda c: {**c, "cell": {**c["cell"], "_target_": "nowhere.Cell"}}},
            "cell must name a class that can be imported, got nowhere.Cell",
        ),
        ({"device": lambda d: "cuda"}, "device must be auto or cpu on a machine without CUDA"),
    ],
)
def test_runs_of_other_circumstances_are_not_compared(copied, capsys, changes, told):
    change(copied, **changes)
    assert main([str(copied)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"rnnbench.verify: error: no run of {copied} can be repeated here")
    assert told in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("run_id", "made-up"), ("condition_id", "made-up-too"), ("seed", 7)),
        *(("lr", 0.5), ("num_parameters", 1), ("state_size", 999), ("chance_accuracy", 0.0)),
        *(("chance_loss", 9.0), ("sequence_length", 9), ("load_bits", 0.5), ("init", "chrono")),
        *(("keep_bias", 5.0), ("directions", 2), ("greatest_distance", 900)),
        ("plateaus", {"half": 0.5}),
    ],
)
def test_a_run_of_which_something_else_is_told_is_not_attested(copied, capsys, name, value):
    run_id = change(copied)
    store = Store(copied)
    record = {**store.read(run_id), name: value}
    (store.directory / f"{run_id}.json").unlink()
    store.write(record)
    assert main([str(copied)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"run {record['run_id']} has " in line and " by its settings" in line


def test_settings_are_looked_at_though_all_else_is_another_runs(copied):
    """What is known of one run says nothing of the next that has its ids."""
    first, *_ = sorted(Store(copied).runs().values(), key=lambda record: record["run_id"])
    settings = {**first["config"], "dtype": "float64"}
    Store(copied).write({**first, "config": settings, "run_id": "0" * 16, "seed": 2})
    jobs, lines = make_plan(copied, 99, 0)
    assert sorted(job["record"]["seed"] for job in jobs) == [0, 0, 0, 1, 1, 1]
    assert "1 run is not comparable: dtype float32 there, float64 here" in lines


def test_a_record_tells_which_kernel_it_was_trained_by(trained):
    records = list(Store(trained).runs().values())
    kernels = {record["engine"]: record["environment"]["kernel"] for record in records}
    assert len(kernels["compiled"]) == 32
    assert kernels["reference"] is kernels["torch"] is None
    one = next(record for record in records if record["engine"] == "compiled")
    other = json.loads(json.dumps(one))
    assert differences(one, other) == []
    other["environment"]["kernel"] = "0" * 32
    assert differences(one, other) == [f"kernel {kernels['compiled']} there, {'0' * 32} here"]
    del other["environment"]["kernel"]
    assert differences(one, other) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "no results at nowhere"),
        (["."], "no run of . can be repeated here to the bit"),
        ([".", "--sample", "0"], "argument --sample: must be a whole number of at least 1, got 0"),
    ],
)
def test_bad_input_is_one_line(in_tmp, capsys, exit_code, words, message):
    assert exit_code(main, words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f"rnnbench.verify: error: {message}")
