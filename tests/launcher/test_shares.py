"""How many workers a GPU has is told by what so many train together, measured once."""

from dataclasses import replace
from threading import Event
from types import SimpleNamespace

import pytest
import torch

from rnnbench.experiment.condition import Replica
from rnnbench.experiment.sweep import Job, Sweep
from rnnbench.launcher import gpus, plan, run
from rnnbench.launcher.backends import Assignment, overdue_message, pool
from rnnbench.launcher.gpus import Part, choose_share, time_shares, train_together
from rnnbench.launcher.interrupt import Interrupt
from rnnbench.launcher.plan import Remaining, share_gpus
from tests.training.test_worker import CONDITION

STACK = (Replica(0, 1e-3), Replica(1, 1e-3))
LARGE = {**CONDITION.model, "hidden_size": 64}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "shares"


def job(output_dir, replicas=STACK, device="cpu", **changes):
    condition = replace(CONDITION, **changes)
    return Job(condition, replicas, output_dir, "reference", device, "test", "rnnbench")


def measured(rates, asked=None):
    """Return what measures rates by number of workers, of which each does an equal share."""

    def run(parts, notify):
        if asked is not None:
            asked.append(len(parts))
        for part in parts:
            own = [rates[n] / n if part.number < n else 0.0 for n in part.counts]
            notify(part.number, "done", own)

    return run


@pytest.mark.parametrize(
    ("rates", "limit", "best"),
    [
        ({1: 100, 2: 103, 4: 105}, 4, 1),
        ({1: 100, 2: 150, 4: 157}, 4, 2),
        ({1: 100, 2: 150, 4: 170}, 4, 4),
        ({1: 100, 2: 150, 4: 170}, 3, 2),
        ({1: 100, 2: 90, 4: 110}, 4, 4),
        ({1: 100, 2: 60, 4: 30}, 4, 1),
    ],
)
def test_the_fewest_workers_that_train_nearly_as_much(tmp_path, capsys, rates, limit, best):
    assert choose_share(job(tmp_path), limit, measured(rates)) == best
    told = ", ".join(f"{rate} with {n}" for n, rate in rates.items() if n <= limit)
    assert capsys.readouterr().err == (
        f"rnnbench: workers: {best} on each GPU (steps a second together: {told}; "
        f"room for {limit})\n"
    )


def test_it_is_measured_once_for_a_cell_a_shape_and_a_machine(tmp_path, monkeypatch):
    asked = []
    given, run = job(tmp_path), measured({1: 100, 2: 150, 4: 170}, asked)
    longer = job(tmp_path, task={**CONDITION.task, "gap": 9})
    assert [choose_share(each, 2, run) for each in (given, given, longer)] == [2, 2, 2]
    assert asked == [2]
    assert choose_share(given, 4, run) == 4
    assert [choose_share(given, limit, run) for limit in (2, 4)] == [2, 4]
    assert asked == [2, 4]
    for other in (job(tmp_path, STACK[:1]), job(tmp_path, model=LARGE)):
        choose_share(other, 2, run)
    assert asked == [2, 4, 2, 2]
    monkeypatch.setattr(torch, "__version__", "2.99")
    choose_share(given, 2, run)
    assert asked == [2, 4, 2, 2, 2]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"1": "x", "2": 3}', '{"1": 3}', "\x00"])
def test_damaged_rates_are_measured_anew(tmp_path, cache, content):
    asked = []
    run = measured({1: 100, 2: 150}, asked)
    choose_share(job(tmp_path), 2, run)
    (path,) = cache.iterdir()
    path.write_text(content)
    assert choose_share(job(tmp_path), 2, run) == 2
    assert asked == [2, 2]


def test_what_cannot_be_measured_is_said_and_not_remembered(tmp_path, cache, capsys):
    def run(parts, notify):
        notify(0, "done", [1.0, 1.0])
        notify(1, "died", "the worker process was killed by SIGKILL, perhaps out of memory")

    def late(parts, notify):
        notify(0, "died", overdue_message(gpus.SHARE_SECONDS))

    assert choose_share(job(tmp_path), 2, run) == 1
    assert choose_share(job(tmp_path), 2, late) == 1
    assert choose_share(job(tmp_path), 2, measured({1: 0.0, 2: 0.0})) == 1
    start = "rnnbench: workers: 1 on each GPU; what more would bring cannot be told: "
    assert capsys.readouterr().err.splitlines() == [
        f"{start}the worker process was killed by SIGKILL, perhaps out of memory",
        f"{start}it takes longer than 40 s",
        f"{start}no 16 steps take less than 2 s",
    ]
    assert not cache.exists() or not list(cache.iterdir())


def test_processes_train_together_in_windows_of_the_same_time(tmp_path):
    """On processors, in the place of a GPU."""
    found = {}

    def run(parts, notify):
        def noted(index, kind, value):
            found[index] = value
            notify(index, kind, value)

        brief = [part._replace(window=0.5) for part in parts]
        with Interrupt() as interrupt:
            pool.run_in_workers(Assignment(train_together, brief, noted, interrupt, workers=2))

    rates = time_shares(job(tmp_path), (1, 2), run)
    (alone, first), (rest, second) = found[0], found[1]
    assert rest == 0.0
    assert min(alone, first, second) > 0
    assert rates == {1: alone, 2: first + second}


def test_processes_begin_when_the_last_is_ready_and_do_not_wait_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "MEET_SECONDS", 0.1)
    part = Part(job(tmp_path), 0, (1, 2), tmp_path, 0.1)
    (tmp_path / "1 9e9").touch()
    assert gpus._meet(part, Event()) == pytest.approx(9e9)
    alone = part._replace(directory=tmp_path / "alone")
    alone.directory.mkdir()
    with pytest.raises(TimeoutError, match="other processes were not ready in time"):
        train_together(alone, lambda news: None, Event())


def test_what_is_interrupted_tells_nothing(tmp_path):
    stop = Event()
    stop.set()
    part = Part(job(tmp_path), 0, (1, 2, 4), tmp_path, 60.0)
    with pytest.raises(InterruptedError):
        train_together(part, lambda news: None, stop)


@pytest.fixture
def machine(monkeypatch):
    """Two GPUs, and what is asked of `choose_share`."""
    asked = []
    found = SimpleNamespace(total_memory=80 * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: found)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("rnnbench.training.machine.cores", lambda: 64)

    def choose(job, limit, run):
        asked.append((job.device, limit))
        return 1

    monkeypatch.setattr(plan, "choose_share", choose)
    return asked


def remaining(jobs, **settings):
    own = tuple((each.condition, each.replicas) for each in jobs)
    given = {"workers": 0, "dry_run": False, "tracker": {}, **settings}
    sweep = Sweep("trial", jobs[0].output_dir, jobs=own, **given)
    return Remaining(sweep, tuple(jobs), {}, frozenset())


def test_workers_of_a_gpu_are_measured_where_several_are_of_use(tmp_path, machine):
    on_gpu, on_cpu = job(tmp_path, device="cuda"), job(tmp_path)
    assert share_gpus(remaining([on_cpu, *[on_gpu] * 20]), Interrupt()).workers == 2
    assert share_gpus(remaining([on_gpu] * 3), Interrupt()).workers == 2
    assert machine == [("cuda", 4), ("cuda", 2)]


@pytest.mark.parametrize(
    ("number", "device", "settings"),
    [
        (20, "cuda", {"workers": 8}),
        (20, "cuda", {"cluster": {"kind": "slurm", "gpus": 1}}),
        (20, "cpu", {}),
        (2, "cuda", {}),
    ],
    ids=["asked", "cluster", "cpu", "few"],
)
def test_nothing_is_measured_where_there_is_no_choice(tmp_path, machine, number, device, settings):
    given = remaining([job(tmp_path, device=device)] * number, **settings)
    assert share_gpus(given, Interrupt()) is given
    assert machine == []


def test_a_sweep_has_the_workers_that_were_chosen(tmp_path, machine, monkeypatch):
    """In processes of this machine; elsewhere, as in a notebook's process, nothing is measured."""
    given = remaining([job(tmp_path, device="cuda")] * 20)
    given = replace(given, sweep=replace(given.sweep, name="trial", command=""))
    started = []

    def note(assignment):
        started.append(assignment.workers)

    for runner in (note, lambda assignment: note(assignment)):
        monkeypatch.setattr(run, "run_in_workers", note)
        run._train(given, {"kind": "none"}, runner, Interrupt())
    assert started == [2, 8]
    assert len(machine) == 1
