"""A condition in a worker's hands: stored as it finishes, stopped anywhere, continued exactly."""

import threading
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

import rnnbench
from rnnbench.experiment.condition import Condition, Replica
from rnnbench.experiment.sweep import Job
from rnnbench.launcher import worker
from rnnbench.store.records import Store
from rnnbench.training.recording import store_failure
from tests.stored_numbers import numbers
from tests.training.stop_at import StopAt

CONDITION = Condition(
    task={"_target_": "tasks.delayed_recall.DelayedRecall", "name": "recall", "gap": 6},
    cell={"_target_": "rnnbench.cells.GRU", "name": "gru", "init": "torch", "keep_bias": 1.0},
    model={"hidden_size": 16, "num_layers": 1, "bidirectional": False},
    trainer={"steps": 30, "batch_size": 8, "clip_norm": 1.0, "eval_every": 10, "eval_size": 64},
    dtype="float32",
    engine="auto",
    device="auto",
)
REPLICAS = (Replica(0, 1e-3), Replica(1, 1e-3), Replica(1, 3e-3))


def job(output_dir, replicas=REPLICAS, condition=CONDITION):
    return Job(condition, tuple(replicas), output_dir, "reference", "cpu", "test", "rnnbench")


def run(output_dir, replicas=REPLICAS, stop=None, condition=CONDITION):
    stop = stop or threading.Event()
    return worker.run_job(job(output_dir, replicas, condition), lambda event: None, stop)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("undisturbed")
    result = run(directory)
    assert not result.stopped
    accuracies = [record["accuracy"] for record in Store(directory).runs().values()]
    assert result.accuracy == pytest.approx(sum(accuracies) / 3)
    assert set(result.statuses) == {CONDITION.run_id(replica) for replica in REPLICAS}
    return numbers(directory)


@pytest.mark.parametrize("looks", [0, 9, 19, 28])
def test_stopped_and_started_again_gives_the_same_numbers(tmp_path, undisturbed, looks):
    first = run(tmp_path, stop=StopAt(looks))
    assert first == worker.JobResult(statuses={}, stopped=True, found=0, accuracy=None)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1
    assert not run(tmp_path).stopped
    assert numbers(tmp_path) == undisturbed
    assert not list((tmp_path / "checkpoints").iterdir())


@pytest.mark.parametrize("schedule", ["uniform", "growing"])
def test_where_the_gap_of_training_varies_it_goes_on_as_it_would_have(tmp_path, schedule):
    """Stopped within a block of steps, of which each has a gap of its own."""
    task = {**CONDITION.task, "gap_schedule": schedule}
    varied = replace(CONDITION, task=task, trainer={**CONDITION.trainer, "steps": 50})
    run(tmp_path / "whole", condition=varied)
    assert run(tmp_path / "stopped", stop=StopAt(23), condition=varied).stopped
    assert run(tmp_path / "stopped", condition=varied).stopped is False
    assert numbers(tmp_path / "stopped") == numbers(tmp_path / "whole")
    run(tmp_path / "fixed", condition=replace(varied, task=CONDITION.task))
    losses = [
        {record["loss"] for record, _ in numbers(tmp_path / name).values()}
        for name in ("whole", "fixed")
    ]
    assert not losses[0] & losses[1]


def test_goes_on_from_the_checkpoint_and_not_from_the_start(tmp_path, monkeypatch):
    run(tmp_path, stop=StopAt(15))
    steps = []
    original = worker.Trainer._train_step
    monkeypatch.setattr(
        worker.Trainer, "_train_step", lambda self: steps.append(self.step) or original(self)
    )
    run(tmp_path)
    assert steps[0] > 5
    assert steps[-1] == 29


def test_replicas_asked_for_later_join_those_in_flight(tmp_path, undisturbed):
    run(tmp_path, REPLICAS[:2], stop=StopAt(12))
    run(tmp_path, REPLICAS)
    assert numbers(tmp_path) == undisturbed


def test_replicas_no_longer_asked_for_are_not_trained(tmp_path, undisturbed):
    run(tmp_path, REPLICAS, stop=StopAt(12))
    run(tmp_path, REPLICAS[1:])
    wanted = {CONDITION.run_id(replica) for replica in REPLICAS[1:]}
    assert numbers(tmp_path) == {k: v for k, v in undisturbed.items() if k in wanted}


@pytest.mark.parametrize("damage", [b"", b"junk", None])
def test_a_broken_checkpoint_costs_time_but_no_number(tmp_path, undisturbed, capsys, damage):
    run(tmp_path, stop=StopAt(15))
    (path,) = (tmp_path / "checkpoints").iterdir()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] if damage is None else damage)
    run(tmp_path)
    assert "passed over" in capsys.readouterr().err
    assert numbers(tmp_path) == undisturbed


def test_a_record_tells_what_is_needed_to_run_it_again(tmp_path, undisturbed):
    run(tmp_path, REPLICAS[:1])
    (record,) = Store(tmp_path).runs().values()
    again = Condition(**record["config"])
    assert again == CONDITION
    assert again.run_id(Replica(record["seed"], record["lr"])) == record["run_id"]
    assert record["environment"]["torch"] == torch.__version__
    assert {"python", "cpu", "platform", "git_commit", "started", "cores"} <= set(
        record["environment"]
    )
    assert record["versions"] == {"task": 1, "cell": 1, "model": 1, "trainer": 2}
    assert record["steps"] == 30
    assert record["sequences_per_second"] == pytest.approx(30 * 8 / record["seconds"])
    assert record["num_parameters"] == 3 * 16 * (10 + 16 + 2) + 8 * 17
    assert record["state_size"] == 16
    assert (record["engine"], record["device"]) == ("reference", "cpu")


def test_the_trained_weights_can_be_asked(tmp_path):
    run(tmp_path, REPLICAS[:1])
    (run_id,) = Store(tmp_path).runs()
    model = rnnbench.load_model(tmp_path, run_id)
    outputs, (h,) = model(torch.zeros(7, 2, 10))
    assert outputs.shape == (7, 2, 8)
    assert h.shape == (1, 2, 16)
    weights = load_file(Store(tmp_path).parameters(run_id))
    network = torch.nn.GRU(10, 16)
    network.load_state_dict({k[4:]: v for k, v in weights.items() if k.startswith("rnn.")})
    torch.testing.assert_close(network(torch.zeros(7, 2, 10))[1], h)
    with pytest.raises(FileNotFoundError, match="no trained run nope"):
        rnnbench.load_model(tmp_path, "nope")


def test_layers_and_directions_are_recorded_and_come_back(tmp_path):
    deep = replace(CONDITION, model={"hidden_size": 16, "num_layers": 2, "bidirectional": True})
    run(tmp_path, REPLICAS[:1], condition=deep)
    (record,) = Store(tmp_path).runs().values()
    lower, upper = 3 * 16 * (10 + 16 + 2), 3 * 16 * (32 + 16 + 2)
    assert record["num_parameters"] == 2 * (lower + upper) + 8 * 33
    assert (record["state_size"], record["num_layers"], record["directions"]) == (64, 2, 2)
    model = rnnbench.load_model(tmp_path, record["run_id"])
    outputs, (h,) = model(torch.zeros(7, 2, 10))
    assert (outputs.shape, h.shape) == ((7, 2, 8), (4, 2, 16))


def test_a_job_that_failed_is_recorded_and_what_was_finished_is_kept(tmp_path):
    run(tmp_path, REPLICAS[:1])
    store_failure(job(tmp_path), "the worker died (exit code -9)")
    frame = rnnbench.load_results(tmp_path)
    assert frame["status"].tolist() == ["unsolved", "failed", "failed"]
    failed = frame[frame["status"] == "failed"]
    assert failed["loss"].isna().all()
    assert failed["accuracy"].tolist() == [0.125, 0.125]
    assert failed["score"].tolist() == [0.0, 0.0]
    assert set(failed["error"]) == {"the worker died (exit code -9)"}


@pytest.mark.alone
def test_measures_the_time_of_a_step(tmp_path):
    quick = worker.seconds_per_step(job(tmp_path), "reference")
    long = replace(CONDITION, task={**CONDITION.task, "gap": 60})
    assert 0 < quick < worker.seconds_per_step(job(tmp_path, condition=long), "reference") < 5
