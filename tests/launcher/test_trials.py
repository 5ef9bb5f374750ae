"""An engine that must prove itself is tried in a process of its own before any training."""

from dataclasses import replace
from threading import Event

import pytest

from rnnbench.check import verdicts
from rnnbench.engine import ENGINES
from rnnbench.experiment.condition import Replica
from rnnbench.experiment.sweep import Job
from rnnbench.launcher import trials, worker
from rnnbench.launcher.backends import Assignment, CannotRun, pool
from rnnbench.launcher.engines import resolve_engines, time_engines
from rnnbench.launcher.interrupt import Interrupt
from rnnbench.launcher.trials import prove, try_engine
from rnnbench.store.records import Store
from tests.check.bad_engines import CHANGES, changed
from tests.training.test_worker import CONDITION

# A worker knows these engines once it builds the cell: whatever the device, they are gated.
OWN = """
from rnnbench.cells import GRU
from rnnbench.check import gate
from rnnbench.engine import ENGINES
from tests.check.bad_engines import CHANGES, changed

ENGINES |= {name: changed(change) for name, change in CHANGES.items()}


class Own(GRU):
    pass
"""
CELL = {**CONDITION.cell, "_target_": "own_cell.Own"}
LAYERS = {**CONDITION.model, "num_layers": 2}


@pytest.fixture(autouse=True)
def gated(tmp_path, monkeypatch, own):
    """Wrong engines are known by name, and must prove themselves also on a CPU."""
    monkeypatch.setenv("RNNBENCH_CACHE", str(tmp_path / "cache"))
    known = dict(ENGINES)
    own.write(own_cell=OWN)
    monkeypatch.setattr("rnnbench.check.gate.is_gated", lambda engine, device: engine in CHANGES)
    monkeypatch.setattr("rnnbench.check.verdicts.is_gated", lambda engine, device: True)
    ENGINES.update({name: changed(change) for name, change in CHANGES.items()})
    yield tmp_path / "cache" / "verdicts"
    ENGINES.clear()
    ENGINES.update(known)


def job(output_dir, engine, asked=None, **changes):
    condition = replace(CONDITION, cell=CELL, engine=asked or engine, **changes)
    return Job(condition, (Replica(0, 1e-3), Replica(1, 1e-3)), output_dir, engine, "cpu", "test")


def try_in_workers(jobs, notify):
    """Try engines in processes, as the launcher does."""
    with Interrupt() as noted:
        seconds = trials.TRIAL_SECONDS
        pool.run_in_workers(Assignment(try_engine, jobs, notify, noted, seconds=seconds))


def check_remembered(tmp_path, engine, reason):
    (trial,) = trials.trials_of(engine, job(tmp_path, engine))
    assert verdicts.recall(verdicts.identity_of(trial)) == (reason,)


@pytest.mark.slow
def test_an_engine_that_hangs_is_ended_and_not_tried_again(monkeypatch, tmp_path):
    monkeypatch.setattr(trials, "TRIAL_SECONDS", 15.0)  # torch is imported meanwhile
    with pytest.raises(CannotRun) as caught:
        prove([job(tmp_path, "hangs")], [], try_in_workers)
    rule = "engine must be auto or reference for gru here, got hangs, which does not end in 15 s"
    assert str(caught.value) == rule
    check_remembered(tmp_path, "hangs", "does not end in 15 s")
    with pytest.raises(CannotRun, match="got hangs, which does not end in 15 s"):
        prove([job(tmp_path, "hangs")], [], here)  # which would hang


@pytest.mark.long
def test_an_engine_that_ends_its_process_costs_no_other(tmp_path):
    names = ("crashes", "gradient", "good")
    found = trials._try([job(tmp_path, name) for name in names], try_in_workers)
    assert found[0] == "fails: the worker process was killed by SIGSEGV"
    assert found[1].startswith("is wrong: gradient of weight_ih_l0 is ")
    assert found[2] is None
    assert all(line is None or line.isprintable() for line in found)
    for engine, reason in zip(names, found, strict=True):
        check_remembered(tmp_path, engine, reason)


def here(jobs, notify):
    """Try engines as a worker does, in this process."""
    for index, each in enumerate(jobs):
        notify(index, "done", try_engine(each, lambda news: None, Event()))


def test_a_good_engine_is_tried_once_for_jobs_that_ask_the_same(tmp_path, gated):
    asked = []

    def run(jobs, notify):
        asked.extend(each.engine for each in jobs)
        here(jobs, notify)

    other_start = replace(job(tmp_path, "good").condition, cell={**CELL, "keep_bias": 0.0})
    longer = {"task": {**CONDITION.task, "gap": 9}}
    jobs = [job(tmp_path, "good"), job(tmp_path, "good", **longer), job(tmp_path, "reference")]
    prove([*jobs, replace(jobs[0], condition=other_start)], [], run)
    assert asked == ["good"]
    assert len(list(gated.iterdir())) == 1
    prove([job(tmp_path, "good", model=LAYERS)], [], run)
    assert asked == ["good", "good"]
    assert len(list(gated.iterdir())) == 2  # the second layer sees another number of inputs
    prove([replace(jobs[0], replicas=(Replica(0, 1e-3),))], [], run)
    assert len(list(gated.iterdir())) == 3


def test_nothing_is_started_where_nothing_must_prove_itself(tmp_path):
    prove([job(tmp_path, "reference"), job(tmp_path, "auto")], ["torch", "no such"], None)


def test_a_wrong_engine_that_is_named_stops_before_anything_is_trained(tmp_path):
    with pytest.raises(CannotRun) as caught:
        prove([job(tmp_path, "outputs")], [], here)
    line = str(caught.value)
    assert line.startswith("engine must be auto or reference for gru here, got outputs, which is ")
    assert "which is wrong: outputs is " in line
    with pytest.raises(ValueError, match="outputs is wrong: outputs is "):
        worker.run_job(job(tmp_path, "outputs"), lambda event: None, Event())
    assert Store(tmp_path).runs() == {}


def choose(path, monkeypatch, capsys, engine):
    """Choose for `auto` as on a GPU, with another engine in Triton's place; return the lines."""
    monkeypatch.setattr("rnnbench.check.gate.is_gated", lambda name, device: name == engine)
    monkeypatch.setattr("rnnbench.launcher.engines.PREFERENCE", (engine, "reference"))
    monkeypatch.setattr("rnnbench.launcher.engines._fastest", lambda job: engine)
    asked = job(path, "auto")

    def run(jobs, notify):
        for index, each in enumerate(jobs):
            notify(index, "done", time_engines(each, print, Event()))

    prove([asked], [engine], here)
    (resolved,) = resolve_engines([asked], path / "engines.json", {}, run, remember=True)
    return resolved.engine, capsys.readouterr().err.replace("rnnbench: ", "").splitlines()


def test_auto_leaves_an_engine_out_until_the_machine_is_verified(tmp_path, monkeypatch, capsys):
    engine, (chosen, hint) = choose(tmp_path, monkeypatch, capsys, "good")
    assert engine == "reference"
    assert chosen.startswith("engine reference for gru (reference ")
    assert hint == (
        "engine good is not proven on this GPU: "
        "`python -m rnnbench.bench --device cuda --verify` proves it"
    )
    assert choose(tmp_path, monkeypatch, capsys, "good")[1] == [chosen]


def test_auto_takes_a_proven_engine_that_is_fastest(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("rnnbench.launcher.engines.MARGIN", 1e9)
    verdicts.remember(verdicts.proof_of("good", "cpu"), None)
    engine, (line,) = choose(tmp_path, monkeypatch, capsys, "good")
    assert engine == "good"
    assert line.startswith("engine good for gru (")


def test_a_wrong_engine_is_refused_in_the_line_of_the_choice(tmp_path, monkeypatch, capsys):
    verdicts.remember(verdicts.proof_of("gradient", "cpu"), None)
    engine, (line,) = choose(tmp_path, monkeypatch, capsys, "gradient")
    assert engine == "reference"
    assert "a step): gradient is wrong: gradient of weight_ih_l0 is " in line
    assert choose(tmp_path, monkeypatch, capsys, "gradient")[1] == [line]


def test_a_machine_that_failed_its_verification_is_said_to_have(tmp_path, monkeypatch, capsys):
    verdicts.remember(verdicts.proof_of("good", "cpu"), "failed: growth of memory")
    _, (line,) = choose(tmp_path, monkeypatch, capsys, "good")
    assert line.endswith("a step): good failed: growth of memory")


def test_a_worker_on_another_device_trains_on_the_reference_engine(tmp_path, capsys):
    """Where `auto` chose an engine that is wrong here."""
    verdicts.remember(verdicts.proof_of("outputs", "cpu"), None)
    chosen = job(tmp_path, "outputs", asked="auto")
    worker.run_job(chosen, lambda event: None, Event())
    assert {record["engine"] for record in Store(tmp_path).runs().values()} == {"reference"}
    (line,) = capsys.readouterr().err.splitlines()
    start = "rnnbench: warning: engine reference for gru: outputs is wrong: outputs is "
    assert line.startswith(start)
