"""What `auto` stands for: timed once, remembered, and never a reason to fail."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from rnnbench.engine.compiled import build
from rnnbench.experiment.condition import Condition, Replica
from rnnbench.experiment.sweep import Sweep
from rnnbench.launcher.engines import _choice, time_engines
from rnnbench.launcher.interrupt import Interrupt
from rnnbench.launcher.plan import find_remaining, with_engines
from rnnbench.store.records import Store
from rnnbench.training.recording import describe_run, failed_record

GRU = Condition(
    task={"_target_": "tasks.delayed_recall.DelayedRecall", "name": "recall", "gap": 6},
    cell={"_target_": "rnnbench.cells.GRU", "name": "gru"},
    model={"hidden_size": 8, "num_layers": 1, "bidirectional": False},
    trainer={"steps": 9, "batch_size": 4, "clip_norm": 1.0, "eval_every": 9, "eval_size": 8},
    dtype="float32",
    engine="auto",
    device="cpu",
)
LONG = replace(GRU, task={**GRU.task, "gap": 30})
RNN = replace(GRU, cell={"_target_": "rnnbench.cells.RNN", "name": "rnn"})
FIXED = replace(GRU, engine="torch")


@pytest.fixture
def resolve(tmp_path, capsys):
    """Resolve some conditions: engines in order, lines said, cell and gap of those timed."""

    def run(*conditions, dry_run=False, work=time_engines):
        jobs = tuple((condition, (Replica(0, 1e-3),)) for condition in conditions)
        timed = []

        def runner(given):
            for index, job in enumerate(given.jobs):
                timed.append((job.condition.cell["name"], job.condition.task["gap"]))
                try:
                    given.notify(index, "done", work(job, None, None))
                except RuntimeError as error:
                    given.notify(index, "died", str(error))

        sweep = Sweep("trial", tmp_path, 1, dry_run, {}, jobs)
        remaining = with_engines(find_remaining(sweep), runner, Interrupt())
        said = capsys.readouterr().err.replace("rnnbench: ", "").splitlines()
        engines = {job.condition.condition_id: job.engine for job in remaining.jobs}
        return [engines[condition.condition_id] for condition in conditions], said, timed

    return run


def favour(name):
    times = dict.fromkeys(("compiled", "reference", "torch"), 1.0) | {name: 0.1}
    return lambda job, progress, stop: _choice(times, {})


def test_how_a_cell_starts_is_no_reason_to_time_it_again(resolve):
    starts = [{"init": "torch", "keep_bias": 1.0}, {"init": "chrono", "keep_bias": 0.0}]
    started = [replace(GRU, cell={**GRU.cell, **start}) for start in starts]
    engines, lines, timed = resolve(*started, work=favour("torch"))
    assert engines == ["torch", "torch"]
    assert (len(timed), len(lines)) == (1, 1)


def test_each_cell_is_timed_once_on_its_shortest_job(resolve):
    engines, lines, timed = resolve(LONG, GRU, RNN, FIXED, work=favour("torch"))
    assert engines == ["torch", "torch", "torch", "torch"]
    assert sorted(timed) == [("gru", 6), ("rnn", 6)]
    assert sorted(line.split(" (")[0] for line in lines) == [
        "engine torch for gru",
        "engine torch for rnn",
    ]


def test_an_engine_that_is_named_is_left_alone(resolve):
    assert resolve(FIXED, work=favour("compiled")) == (["torch"], [], [])


def test_the_first_choice_is_remembered(resolve, tmp_path):
    resolve(GRU, work=favour("torch"))
    (choice,) = json.loads((tmp_path / "engines.json").read_text()).values()
    assert choice["engine"] == "torch"
    engines, lines, timed = resolve(LONG, RNN, work=favour("reference"))
    assert engines == ["torch", "reference"]
    assert timed == [("rnn", 6)]
    assert len(lines) == 2


def test_a_dry_run_remembers_nothing(resolve, tmp_path):
    resolve(GRU, dry_run=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "[]", '{"x": 1}', '{"x": {"engine": 3}}', "\x00"])
def test_a_broken_memory_is_named_and_made_anew(resolve, tmp_path, content):
    (tmp_path / "engines.json").write_text(content)
    engines, (told, _), _ = resolve(GRU, work=favour("torch"))
    assert engines == ["torch"]
    assert told.startswith(f"warning: {tmp_path / 'engines.json'} is passed over: ")
    assert resolve(GRU, work=favour("reference"))[0] == ["torch"]


@pytest.mark.parametrize(
    "change",
    [
        {"engine": "nope"},
        {"engine": "\x1b[31m"},
        {"engine": ["torch"]},
        {"seconds_per_step": {"compiled": "x"}},
        {"seconds_per_step": {"compiled": -1.0}},
        {"seconds_per_step": {"compiled": float("inf")}},
        {"seconds_per_step": {"compiled": 10**400}},
        {"seconds_per_step": {"\x1b[31m": 1.0}},
        {"lacking": {"compiled": "\x1b[2J"}},
        {"lacking": {"compiled": 3}},
        {"lacking": []},
    ],
)
def test_a_choice_that_is_none_is_named_and_made_anew(resolve, tmp_path, change):
    resolve(GRU, work=favour("reference"))
    path = tmp_path / "engines.json"
    ((key, choice),) = json.loads(path.read_text()).items()
    assert set(choice) == {"engine", "seconds_per_step", "lacking"}
    path.write_text(json.dumps({key: {**choice, **change}}))
    engines, (told, line), timed = resolve(GRU, work=favour("torch"))
    assert (engines, len(timed)) == (["torch"], 1)
    assert f"{path} is passed over" in told
    assert told.isprintable() and line.isprintable()
    assert resolve(GRU, work=favour("reference"))[0] == ["torch"]


def test_a_choice_that_is_none_costs_no_other(resolve, tmp_path):
    resolve(GRU, RNN, work=favour("reference"))
    path = tmp_path / "engines.json"
    first, *others = (choices := json.loads(path.read_text()))
    path.write_text(json.dumps(choices | {first: {**choices[first], "engine": "nope"}}))
    assert len(resolve(GRU, RNN, work=favour("torch"))[2]) == 1
    assert {key: json.loads(path.read_text())[key] for key in others} == {
        key: choices[key] for key in others
    }


@pytest.mark.parametrize("endless", ["pipe", "/dev/zero"])
def test_a_memory_without_an_end_is_named_and_made_anew(resolve, tmp_path, endless):
    path = tmp_path / "engines.json"
    os.mkfifo(path) if endless == "pipe" else path.symlink_to(endless)
    engines, (told, _), _ = resolve(GRU, work=favour("torch"))
    assert engines == ["torch"]
    assert f"{path} is passed over" in told
    assert path.is_file() and not path.is_symlink()


def test_why_an_engine_cannot_run_a_cell_can_be_read_back(resolve, tmp_path):
    """Also where it is more than a line."""

    def fail(cell):
        raise ValueError("two\nlines \x1b[2J")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rnnbench.engine.kernel_of", fail)
        _, (line,), _ = resolve(GRU)
    assert line.endswith("not compiled: two lines \\x1b[2J")
    assert resolve(GRU)[1:] == ([line], [])


def test_an_engine_that_there_is_not_is_not_taken_from_stored_runs(resolve, tmp_path):
    run = {"sweep": "trial", "command": "", "device": "cpu", "tuning": None, "started": "2026"}
    described = describe_run(GRU, Replica(7, 1e-3), {**run, "engine": "reference"})
    record = {**failed_record(described, ""), "status": "unsolved", "engine": "nope"}
    Store(tmp_path).write(record)
    engines, _, timed = resolve(GRU, work=favour("torch"))
    assert (engines, len(timed)) == (["torch"], 1)


@pytest.mark.parametrize("content", [None, "torn"])
def test_without_a_memory_the_engine_of_stored_runs_is_taken(resolve, tmp_path, content):
    """So that no curve is half of one engine and half of another."""
    run = {"sweep": "trial", "command": "", "device": "cpu", "tuning": None, "started": "2026"}
    described = describe_run(GRU, Replica(7, 1e-3), {**run, "engine": "torch"})
    Store(tmp_path).write({**failed_record(described, ""), "status": "unsolved"})
    if content:
        (tmp_path / "engines.json").write_text(content)
    engines, _, timed = resolve(LONG, RNN, work=favour("reference"))
    assert engines == ["torch", "reference"]
    assert timed == [("rnn", 6)]


def test_timing_that_dies_costs_the_speed_alone_and_is_tried_again(resolve, tmp_path):
    def die(job, progress, stop):
        raise RuntimeError("the worker process was killed by SIGSEGV")

    engines, (line,), _ = resolve(GRU, work=die)
    assert engines == ["reference"]
    assert line.endswith("not compiled: the worker process was killed by SIGSEGV")
    assert not (tmp_path / "engines.json").exists()


@pytest.mark.parametrize(
    ("times", "engine"),
    [
        ({"compiled": 1.0, "reference": 5.0, "torch": 3.0}, "compiled"),
        ({"compiled": 1.1, "reference": 5.0, "torch": 1.0}, "compiled"),
        ({"compiled": 1.3, "reference": 5.0, "torch": 1.0}, "torch"),
        ({"reference": 2.0}, "reference"),
        ({}, "reference"),
    ],
)
def test_a_close_race_is_not_decided_by_noise(times, engine):
    assert _choice(times, {})["engine"] == engine


def test_every_engine_that_can_run_the_cell_is_timed(resolve, monkeypatch):
    _, (line,), _ = resolve(GRU, dry_run=True)
    assert all(name in line for name in ("compiled", "reference", "torch", "ms"))


def test_without_a_compiler_one_line_says_what_is_lost(resolve, monkeypatch):
    for function in (build.load, build.compiler):
        function.cache_clear()
    monkeypatch.setenv("PATH", str(Path("/nonexistent")))
    monkeypatch.delenv("CXX", raising=False)
    engines, (line,), _ = resolve(GRU)
    assert engines != ["compiled"]
    assert "not compiled: engine must be reference or torch without a C++ compiler" in line
    build.compiler.cache_clear()
