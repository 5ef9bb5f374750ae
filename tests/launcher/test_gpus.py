"""Conditions share the memory of GPUs: fewer at once, and smaller stacks, where there is little."""

import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from rnnbench.engine import ENGINES
from rnnbench.engine.reference import run_reference
from rnnbench.experiment.condition import Replica
from rnnbench.experiment.limits import STEPS_PER_BLOCK
from rnnbench.experiment.sweep import Job, Sweep
from rnnbench.launcher import gpus, worker
from rnnbench.launcher.estimate import _total
from rnnbench.launcher.gpus import stack_bytes
from rnnbench.launcher.plan import Remaining
from rnnbench.store.records import Store
from tests.stored_numbers import numbers
from tests.training.stop_at import StopAt
from tests.training.test_worker import CONDITION

REPLICAS = tuple(Replica(seed, rate) for rate in (1e-3, 3e-3) for seed in range(3))[:5]
LARGE = {**CONDITION.model, "hidden_size": 128}


def job(output_dir, replicas=REPLICAS, **changes):
    condition = replace(CONDITION, **changes)
    return Job(condition, tuple(replicas), output_dir, "reference", "cuda", "test", "rnnbench")


def train(output_dir, replicas=REPLICAS, stop=None, **changes):
    given = replace(job(output_dir, replicas, **changes), device="cpu")
    return worker.run_job(given, lambda event: None, stop or threading.Event())


def holding(most, calls=10**9, sizes=None):
    """Return an engine that has no memory for more than so many replicas, after some calls."""
    left = [calls]

    def run(cell, parameters, inputs, states, last):
        left[0] -= 1
        if sizes is not None:
            sizes.append(len(inputs))
        if len(inputs) > most and left[0] <= 0:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return run_reference(cell, parameters, inputs, states, last)

    return run


@pytest.mark.parametrize(
    ("most", "lines"),
    [(2, 2), *(pytest.param(*own, marks=pytest.mark.long) for own in ((4, 1), (1, 3)))],
)
def test_without_memory_smaller_stacks_give_the_same_numbers(
    most, lines, tmp_path, monkeypatch, capsys
):
    train(tmp_path / "whole")
    sizes = []
    monkeypatch.setitem(ENGINES, "reference", holding(most, calls=0, sizes=sizes))
    result = train(tmp_path / "parts")
    assert numbers(tmp_path / "parts") == numbers(tmp_path / "whole")
    assert (result.stopped, result.found, len(result.statuses)) == (False, 0, 5)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == lines
    assert told[0] == (
        "rnnbench: warning: gru on recall: no memory for 5 replicas side by side, "
        "going on with 3 at a time"
    )
    assert max(sizes[-20:]) <= most
    assert not [*tmp_path.glob("parts/checkpoints/*")]


def test_memory_that_ends_in_the_middle_costs_no_number(tmp_path, monkeypatch):
    """Also where a part of the stack has a checkpoint, and others use the GPU meanwhile."""
    train(tmp_path / "whole")
    train(tmp_path / "parts", stop=StopAt(9))
    monkeypatch.setitem(ENGINES, "reference", holding(2, calls=5))
    train(tmp_path / "parts")
    assert numbers(tmp_path / "parts") == numbers(tmp_path / "whole")


def test_a_checkpoint_that_no_longer_fits_goes_on_in_parts(tmp_path, monkeypatch, capsys):
    """Not even its numbers have room: each part takes its own, and none starts anew."""
    train(tmp_path / "whole")
    train(tmp_path / "parts", stop=StopAt(19))
    begun = []

    class Large(worker.Trainer):
        def __init__(self, task, cell, recipe, replicas):
            if len(replicas) > 2:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
            super().__init__(task, cell, recipe, replicas)

        def run(self):
            begun.append((self.step, [state.replica for state in self.active]))
            return super().run()

    monkeypatch.setattr(worker, "Trainer", Large)
    result = train(tmp_path / "parts")
    assert numbers(tmp_path / "parts") == numbers(tmp_path / "whole")
    assert begun == [(20, [*REPLICAS[i : i + 2]]) for i in (0, 2, 4)]
    assert (result.stopped, len(result.statuses)) == (False, 5)
    assert [line.split(": ")[-1] for line in capsys.readouterr().err.splitlines()] == [
        "no memory for 5 replicas side by side, going on with 3 at a time",
        "no memory for 3 replicas side by side, going on with 2 at a time",
    ]


def test_what_is_finished_before_memory_ends_is_not_trained_again(tmp_path, monkeypatch):
    """Three of five finish; the other two then find less memory than before."""
    train(tmp_path / "whole")
    sizes = []
    three, two = holding(3, calls=0, sizes=sizes), holding(1, calls=0)

    def run(cell, parameters, inputs, *rest):
        engine = two if len(inputs) == 2 else three
        return engine(cell, parameters, inputs, *rest)

    monkeypatch.setitem(ENGINES, "reference", run)
    train(tmp_path / "parts")
    assert numbers(tmp_path / "parts") == numbers(tmp_path / "whole")
    assert sizes.count(1) == 2 * sizes.count(3) > 60


def test_a_replica_that_has_no_memory_alone_fails(tmp_path, monkeypatch):
    monkeypatch.setitem(ENGINES, "reference", holding(0, calls=0))
    with pytest.raises(torch.OutOfMemoryError):
        train(tmp_path)
    assert Store(tmp_path).runs() == {}


def test_memory_is_estimated_for_what_training_keeps(tmp_path):
    """At least what autograd holds for the reference engine, and not much more."""
    given = job(tmp_path, model=LARGE)
    held = {}

    def note(tensor):
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage.nbytes()
        kept.append(tensor)
        return tensor

    kept = []
    condition, cell = given.condition, given.condition.build_cell()
    shapes = cell.shapes(condition.build_task().input_size, 128)
    parameters = {n: torch.rand(5, *shape, requires_grad=True) for n, shape in shapes.items()}
    length, batch = condition.build_task().sequence_length, condition.trainer["batch_size"]
    inputs = torch.rand(5, length, batch, condition.build_task().input_size)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        run_reference(cell, parameters, inputs, None, None)
    weights = sum(tensor.nbytes for tensor in parameters.values())
    assert 1 < stack_bytes(given) / (sum(held.values()) - weights) < 4


def test_memory_grows_with_all_that_trains_at_once(tmp_path):
    """Replicas of one seed share its data, which are drawn for a block of steps."""
    task, batch = CONDITION.build_task(), CONDITION.trainer["batch_size"]
    data = 4 * STEPS_PER_BLOCK * batch * task.sequence_length * task.input_size
    one = stack_bytes(job(tmp_path, REPLICAS[:1])) - data
    assert stack_bytes(job(tmp_path)) == 5 * one + 3 * data  # five replicas of three seeds
    assert stack_bytes(job(tmp_path, REPLICAS[:1], dtype="float64")) == 2 * (one + data)
    deep = {**CONDITION.model, "num_layers": 3, "bidirectional": True}
    assert stack_bytes(job(tmp_path, REPLICAS[:1], model=deep)) == 6 * one + data
    tree = {**CONDITION.model, "wiring": "balanced"}
    assert stack_bytes(job(tmp_path, REPLICAS[:1], model=tree)) == 2 * one + data


@pytest.fixture
def machine(monkeypatch):
    """Return what gives this machine GPUs of so many GiB."""

    def make(number, gib):
        found = SimpleNamespace(total_memory=gib * 2**30)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: found)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: number)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        monkeypatch.setattr("rnnbench.training.machine.cores", lambda: 64)

    return make


def remaining(jobs, workers=0, cluster=None):
    own = tuple((each.condition, each.replicas) for each in jobs)
    sweep = Sweep("trial", jobs[0].output_dir, workers, True, {}, own, cluster=cluster)
    return Remaining(sweep, tuple(jobs), {}, frozenset())


def test_a_gpu_has_as_many_workers_as_its_memory_and_never_more_than_help(
    machine, monkeypatch, tmp_path
):
    machine(2, 80)
    jobs = [job(tmp_path)] * 20
    assert remaining(jobs).workers == 2 * gpus.COUNTS[-1]
    assert replace(remaining(jobs), per_gpu=2).workers == 4
    assert remaining(jobs[:3]).workers == 3
    assert remaining(jobs, workers=1).workers == 1
    monkeypatch.setattr(gpus, "stack_bytes", lambda job: 30 * 2**30)
    assert remaining(jobs).workers == 4
    monkeypatch.setattr(gpus, "stack_bytes", lambda job: 300 * 2**30)
    assert remaining(jobs).workers == 2
    monkeypatch.setattr("rnnbench.training.machine.cores", lambda: 3)
    assert remaining(jobs).workers == 2


def test_on_a_cpu_or_a_cluster_no_worker_is_bound_to_a_gpu(machine, tmp_path):
    machine(2, 80)
    jobs = [job(tmp_path)] * 20
    assert remaining(jobs).gpus == ["0", "1"]
    assert remaining(jobs, cluster={"kind": "ray", "gpus": 1}).gpus == []
    on_cpu = remaining([replace(each, device="cpu") for each in jobs])
    assert (on_cpu.gpus, on_cpu.workers, on_cpu.at_once) == ([], 20, 20)


def test_the_time_of_a_sweep_counts_that_workers_of_a_gpu_take_turns(machine, tmp_path):
    machine(1, 80)
    jobs = [job(tmp_path)] * 20
    assert "about 20 min on 4 processes" in _total(remaining(jobs), [60.0] * 20)
    machine(2, 80)
    assert "about 10 min on 8 processes" in _total(remaining(jobs), [60.0] * 20)
    on_cpu = remaining([replace(each, device="cpu") for each in jobs], workers=4)
    assert "about 5 min on 4 processes" in _total(on_cpu, [60.0] * 20)
