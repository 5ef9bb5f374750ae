"""Whole sweeps: what is trained and what is skipped, what failures and signals leave behind."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rnnbench.cells import GRU
from rnnbench.condition import Condition, Replica, Sweep
from rnnbench.launcher import launch, launch_here
from rnnbench.launcher.closing import close, format_closing
from rnnbench.launcher.plan import make_plan
from rnnbench.records import FINISHED, Store
from tests.stored_record import stored_record

HERE = Path(__file__).parent
TRAINER = {"steps": 6, "batch_size": 4, "clip_norm": 1.0, "eval_every": 3, "eval_size": 16}
REPLICAS = (Replica(0, 1e-3), Replica(1, 1e-3))


class Killed(GRU):
    """A cell that takes its process with it."""

    def update(self, *arguments):
        os.kill(os.getpid(), signal.SIGKILL)


class Broken(GRU):
    """A cell with a mistake in it."""

    def update(self, *arguments):
        raise RuntimeError("a mistake\nin the cell")


class Repaired(GRU):
    """A cell that is broken as long as the environment says so."""

    def update(self, *arguments):
        if "RNNBENCH_TEST_BROKEN" in os.environ:
            raise RuntimeError("not yet")
        return super().update(*arguments)


def condition(cell="gru", gap=6, engine="reference", **trainer):
    """Return a small condition; `engine="auto"` has its engines timed before."""
    own = {"killed": Killed, "broken": Broken, "repaired": Repaired}
    target = f"{__name__}.{own[cell].__name__}" if cell in own else f"rnnbench.cells.{cell.upper()}"
    return Condition(
        task={"_target_": "tasks.delayed_recall.DelayedRecall", "name": "recall", "gap": gap},
        cell={"_target_": target, "name": cell},
        model={"hidden_size": 8, "num_layers": 1, "bidirectional": False},
        trainer={**TRAINER, **trainer},
        dtype="float32",
        engine=engine,
        device="auto",
    )


def sweep_of(directory, *conditions, replicas=REPLICAS, **settings):
    tracker = {"kind": "none", "mode": "auto", "project": "rnnbench", "entity": None}
    sweep = Sweep("trial", directory, 2, False, tracker, tuple((c, replicas) for c in conditions))
    return replace(sweep, **settings)


def statuses(directory):
    return {run_id: record["status"] for run_id, record in Store(directory).runs().items()}


def files(directory):
    return {p: p.stat().st_mtime_ns for p in directory.rglob("*") if p.is_file()}


def test_only_what_has_no_result_is_planned(tmp_path):
    one, two = condition(gap=6), condition(gap=7)
    store = Store(tmp_path)
    stored = [
        (one.run_id(REPLICAS[0]), "failed"),
        (one.run_id(REPLICAS[1]), "diverged"),
        (two.run_id(REPLICAS[0]), "solved"),
        (two.run_id(REPLICAS[1]), "unsolved"),
    ]
    for seed, (run_id, status) in enumerate(stored):
        store.write(stored_record(run_id=run_id, status=status, seed=seed))
    plan = make_plan(sweep_of(tmp_path, one, two))
    assert [(job["condition"], job["replicas"]) for job in plan.jobs] == [(one, [REPLICAS[0]])]
    assert plan.skipped == 3


def test_the_longest_comes_first(tmp_path):
    conditions = [condition("gru", 6), condition("rnn", 50), condition("lstm", 50)]
    conditions += [condition("gru", 6, steps=600), condition("gru", 50)]
    plan = make_plan(sweep_of(tmp_path, *conditions))
    order = [conditions.index(job["condition"]) for job in plan.jobs]
    assert order[0] == 3
    assert order[3:] == [1, 0]
    assert list(plan.costs) == sorted(plan.costs, reverse=True)


def test_more_replicas_make_a_condition_longer(tmp_path):
    few, many = condition(gap=9), condition(gap=6)
    jobs = ((few, REPLICAS[:1]), (many, REPLICAS))
    plan = make_plan(replace(sweep_of(tmp_path), jobs=jobs))
    assert [job["condition"] for job in plan.jobs] == [many, few]


@pytest.mark.parametrize(("asked", "got"), [(1, 1), (2, 2), (9, 3)])
def test_there_are_no_more_processes_than_jobs(tmp_path, asked, got):
    conditions = [condition(gap=gap) for gap in (6, 7, 8)]
    assert make_plan(sweep_of(tmp_path, *conditions, workers=asked)).workers == got


def test_zero_workers_stand_for_one_per_core(tmp_path):
    conditions = [condition(gap=gap) for gap in range(6, 6 + len(os.sched_getaffinity(0)))]
    assert make_plan(sweep_of(tmp_path, *conditions, workers=0)).workers == len(conditions)


def test_a_sweep_is_trained_once_and_skipped_ever_after(tmp_path, capfd):
    conditions = [condition(cell, engine="auto") for cell in ("gru", "rnn")]
    sweep = sweep_of(tmp_path / "out", *conditions)
    assert launch([sweep]) == 0
    assert len(statuses(sweep.output_dir)) == 4
    assert set(statuses(sweep.output_dir).values()) <= set(FINISHED)
    output, errors = capfd.readouterr()
    assert "task    cell  done  skipped  failed" in output
    assert "all              4        0       0" in output
    assert str(sweep.output_dir / "report" / "index.html") in output
    assert "[2/2] recall gap 6 " in errors
    before = files(sweep.output_dir)

    assert launch([sweep]) == 0
    assert files(sweep.output_dir) == before
    output, errors = capfd.readouterr()
    assert "all              0        4       0" in output
    assert "to train" not in errors

    more = (*REPLICAS, Replica(2, 1e-3))
    assert launch([replace(sweep, jobs=((conditions[0], more),))]) == 0
    assert "all              1        2       0" in capfd.readouterr().out
    assert {p: t for p, t in files(sweep.output_dir).items() if p.parent.name == "runs"}.items() > {
        (p, t) for p, t in before.items() if p.parent.name == "runs"
    }


def test_the_same_numbers_come_out_here_and_in_workers(tmp_path):
    def losses(directory):
        return {key: record["loss"] for key, record in Store(directory).runs().items()}

    assert launch([sweep_of(tmp_path / "workers", condition())]) == 0
    assert launch_here(sweep_of(tmp_path / "here", condition())) == 0
    assert losses(tmp_path / "workers") == losses(tmp_path / "here")
    assert len(losses(tmp_path / "here")) == 2


def test_what_cannot_be_written_ends_a_sweep_in_one_line(tmp_path, capfd):
    place = tmp_path / "manifest.json"
    place.mkdir()
    assert launch([sweep_of(tmp_path, condition())]) == 1
    *_, line = capfd.readouterr().err.splitlines()
    assert line == f"rnnbench: error: {place}: Is a directory: the same command continues"
    place.rmdir()
    assert launch([sweep_of(tmp_path, condition())]) == 0


def test_a_worker_that_dies_and_a_cell_that_raises_cost_their_own_conditions(tmp_path, capfd):
    cells = ("killed", "broken", "gru")
    sweep = sweep_of(tmp_path, *(condition(cell, engine="auto") for cell in cells))
    assert launch([sweep]) == 1
    records = Store(tmp_path).runs().values()
    errors = {record["cell"]: record["error"] for record in records}
    assert sorted(record["cell"] for record in records if record["status"] == "failed") == [
        *("broken", "broken"),
        *("killed", "killed"),
    ]
    assert errors["killed"] == "the worker process was killed by SIGKILL, perhaps out of memory"
    assert errors["broken"].startswith("RuntimeError: a mistake in the cell (test_launcher.py:")
    assert errors["gru"] is None
    output = capfd.readouterr().out
    assert "all                2        0       4" in output
    assert "failed: recall gap 6 killed (2 of 2 replicas): the worker process was killed" in output


def test_what_failed_runs_again_and_nothing_else(tmp_path, monkeypatch, capfd):
    sweep = sweep_of(tmp_path, condition("repaired"), condition("gru"))
    monkeypatch.setenv("RNNBENCH_TEST_BROKEN", "1")
    assert launch_here(sweep) == 1
    assert sorted(statuses(tmp_path).values()) == ["failed", "failed", "unsolved", "unsolved"]
    monkeypatch.delenv("RNNBENCH_TEST_BROKEN")
    capfd.readouterr()
    assert launch_here(sweep) == 0
    assert "all                  2        2       0" in capfd.readouterr().out
    assert set(statuses(tmp_path).values()) == {"unsolved"}


def test_records_that_cannot_be_written_fail_their_condition(tmp_path, capfd):
    (tmp_path / "runs").write_text("in the way")
    assert launch([sweep_of(tmp_path, condition())]) == 1
    output, errors = capfd.readouterr()
    assert "failed: recall gap 6 gru (2 of 2 replicas): FileExistsError" in output
    assert "the failure is not stored" in errors
    assert "Traceback" not in errors


def test_a_directory_that_cannot_be_made_is_one_line_and_no_start(tmp_path, capfd):
    (tmp_path / "file").touch()
    assert launch([sweep_of(tmp_path / "file" / "out", condition())]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("rnnbench: error: output_dir must be a directory to write to, got ")


def test_a_device_that_is_not_there_is_one_line_and_writes_nothing(tmp_path, capfd):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    asked = replace(condition(), device="cuda")
    good = sweep_of(tmp_path / "good", condition())
    assert launch([good, sweep_of(tmp_path / "out", asked)]) == 2
    assert capfd.readouterr().err.startswith("rnnbench: error: device must be auto or cpu")
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_the_report_does_not_change_the_exit_code(tmp_path, capfd):
    (tmp_path / "report").write_text("in the way")
    assert launch_here(sweep_of(tmp_path, condition(gap=6))) == 0
    assert launch_here(sweep_of(tmp_path, condition(gap=6), condition("broken"))) == 1
    assert capfd.readouterr().err.count("rnnbench: warning: the report could not be drawn: ") == 2


def test_a_dry_run_shows_the_plan_and_its_cost_and_writes_nothing(tmp_path, capfd):
    stored = sweep_of(tmp_path / "stored", condition(gap=6))
    assert launch_here(stored) == 0
    capfd.readouterr()
    before = files(tmp_path)
    more = sweep_of(tmp_path / "stored", *(condition(gap=gap) for gap in (6, 12)), dry_run=True)
    assert launch([more]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[1].split()[:8] == ["recall", "gap", "6", "gru", "7", "6", "2", "0"]
    assert lines[2].split()[:8] == ["recall", "gap", "12", "gru", "13", "6", "0", "2"]
    assert lines[-1].startswith("1 conditions with 2 replicas are to do, about ")
    assert launch([replace(more, output_dir=tmp_path / "new")]) == 0
    assert files(tmp_path) == before
    assert not (tmp_path / "new").exists()


@pytest.mark.alone
def test_a_dry_run_costs_in_proportion_to_steps_and_time_steps(tmp_path):
    from rnnbench.launcher.estimate import measure

    def of(gap, steps):
        return condition(gap=gap, steps=steps)

    seconds = measure(make_plan(sweep_of(tmp_path, of(49, 100), of(199, 100))))
    assert seconds[0] == pytest.approx(4 * seconds[1])
    slow = measure(make_plan(sweep_of(tmp_path, of(199, 100_000))))
    assert slow[0] == pytest.approx(1000 * seconds[0], rel=0.7)


def test_a_dry_run_counts_the_time_steps_of_a_schedule(tmp_path):
    """Growing over gaps 1 to 9: half of the steps with 6 time steps on average, half with 10."""
    from rnnbench.launcher.estimate import measure

    fixed = condition(gap=9, steps=16 * 36)
    growing = replace(fixed, task={**fixed.task, "gap_schedule": "growing"})
    plan = make_plan(sweep_of(tmp_path, growing, fixed))
    assert [job["condition"].gap_schedule for job in plan.jobs] == ["fixed", "growing"]
    seconds = measure(plan)
    assert seconds[1] == pytest.approx(0.8 * seconds[0])
    assert plan.costs[1] == pytest.approx(0.8 * plan.costs[0])


def test_a_dry_run_of_a_broken_cell_says_what_is_broken(tmp_path, capfd):
    broken = condition("broken", engine="auto")
    assert launch([sweep_of(tmp_path / "out", broken, dry_run=True)]) == 1
    engine, line = capfd.readouterr().err.splitlines()
    assert engine.startswith("rnnbench: engine reference for broken; not compiled: ")
    assert line.startswith("rnnbench: the plan cannot be measured: RuntimeError: a mistake")


def test_the_closing_table_counts_what_is_left(tmp_path):
    sweep = sweep_of(tmp_path, condition("gru"), condition("lstm"))
    plan = make_plan(sweep)
    done = condition("gru").run_id(REPLICAS[0])
    records = {done: {"run_id": done, "status": "solved"}}
    closing = close(plan, records, {condition("lstm").condition_id: "lost"})
    assert not closing.complete
    assert format_closing(closing).splitlines() == [
        "task    cell  done  skipped  failed  left",
        "recall  gru      1        0       0     1",
        "recall  lstm     0        0       2     0",
        "all              1        0       2     1",
        "failed: recall gap 6 lstm (2 of 2 replicas): lost",
    ]


SCRIPT = f"""
    import sys
    sys.path.insert(0, {str(HERE)!r})
    from test_launcher import long_sweep, run_it
    if __name__ == "__main__":
        sys.exit(run_it(sys.argv[1], long_sweep(sys.argv[2])))
"""


def long_sweep(output_dir):
    long = [condition(cell, gap, steps=400) for gap in (10, 11) for cell in ("gru", "rnn")]
    return sweep_of(Path(output_dir), *long)


def run_it(how, sweep):
    return launch([sweep]) if how == "workers" else launch_here(sweep)


def start(tmp_path, how, output_dir):
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(SCRIPT))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, path, how, output_dir],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def wait_for(predicate, seconds=120):
    deadline = time.monotonic() + seconds
    while not predicate() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert predicate()


@pytest.mark.parametrize(
    ("how", "number", "code"),
    [("workers", signal.SIGTERM, 143), ("workers", signal.SIGINT, 130), ("here", 2, 130)],
)
def test_a_stopped_sweep_continues_where_it_was(tmp_path, how, number, code):
    out = tmp_path / "out"
    first = start(tmp_path, how, out)
    wait_for(lambda: len(statuses(out)) >= 2 if out.exists() else False)
    first.send_signal(number)
    output, errors = first.communicate(timeout=30)
    assert first.returncode == code, errors
    done = files(out / "runs")
    assert 2 <= len(statuses(out)) < 8
    assert "replicas are left: the same command continues" in errors
    assert "  left" in output.splitlines()[0]
    assert "Traceback" not in errors
    assert not (out / "report").exists()
    if how == "workers":
        assert "stopping once all work is put away" in errors
        assert list((out / "checkpoints").iterdir())

    assert run_it(how, long_sweep(out)) == 0
    assert len(statuses(out)) == 8
    assert done.items() <= files(out / "runs").items()
    assert not any((out / "checkpoints").glob("*"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_sweep_that_is_stopped_while_it_is_summed_up_says_so(
    tmp_path, capfd, monkeypatch, number, code
):
    before = signal.getsignal(number)
    monkeypatch.setattr("rnnbench.report.write_report", lambda _: os.kill(os.getpid(), number))
    assert launch_here(sweep_of(tmp_path / "out", condition())) == code
    assert (
        capfd.readouterr().err.splitlines()[-1] == "rnnbench: stopped: the same command continues"
    )
    assert signal.getsignal(number) == before
    monkeypatch.undo()
    assert launch_here(sweep_of(tmp_path / "out", condition())) == 0
    assert (tmp_path / "out" / "report" / "index.html").exists()


def test_a_signal_with_the_last_record_leaves_the_report_and_says_so(tmp_path, capfd, monkeypatch):
    write = Store.write

    def write_and_signal(store, record, parameters):
        write(store, record, parameters)
        if record["seed"] == REPLICAS[-1].seed:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Store, "write", write_and_signal)
    assert launch_here(sweep_of(tmp_path / "out", condition())) == 143
    line = "rnnbench: stopped before the report was drawn: the same command continues"
    assert capfd.readouterr().err.splitlines()[-1] == line
    assert not (tmp_path / "out" / "report").exists()
