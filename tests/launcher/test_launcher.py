"""Whole sweeps: what is trained and what is skipped, and what failures leave behind."""

import os
from dataclasses import replace

import pytest

from rnnbench.experiment.condition import Replica
from rnnbench.launcher import launch
from rnnbench.launcher.closing import format_closing, tally_of
from rnnbench.launcher.plan import find_remaining
from rnnbench.store.records import Store
from tests.in_process import launch_in_process
from tests.launcher.own_sweeps import REPLICAS, condition, files, statuses, sweep_of
from tests.stored_record import stored_record


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
    remaining = find_remaining(sweep_of(tmp_path, one, two))
    assert [(job.condition, job.replicas) for job in remaining.jobs] == [(one, REPLICAS[:1])]
    assert remaining.skipped == 3


def test_the_longest_comes_first(tmp_path):
    conditions = [condition("gru", 6), condition("rnn", 50), condition("lstm", 50)]
    conditions += [condition("gru", 6, steps=600), condition("gru", 50)]
    remaining = find_remaining(sweep_of(tmp_path, *conditions))
    order = [conditions.index(job.condition) for job in remaining.jobs]
    assert order[0] == 3
    assert order[3:] == [1, 0]
    assert list(remaining.costs) == sorted(remaining.costs, reverse=True)


def test_more_replicas_make_a_condition_longer(tmp_path):
    few, many = condition(gap=9), condition(gap=6)
    jobs = ((few, REPLICAS[:1]), (many, REPLICAS))
    remaining = find_remaining(replace(sweep_of(tmp_path), jobs=jobs))
    assert [job.condition for job in remaining.jobs] == [many, few]


@pytest.mark.parametrize(("asked", "got"), [(1, 1), (2, 2), (9, 3)])
def test_there_are_no_more_processes_than_jobs(tmp_path, asked, got):
    conditions = [condition(gap=gap) for gap in (6, 7, 8)]
    assert find_remaining(sweep_of(tmp_path, *conditions, workers=asked)).workers == got


def test_zero_workers_stand_for_one_per_core(tmp_path):
    conditions = [condition(gap=gap) for gap in range(6, 6 + len(os.sched_getaffinity(0)))]
    assert find_remaining(sweep_of(tmp_path, *conditions, workers=0)).workers == len(conditions)


def test_a_sweep_is_trained_once_and_skipped_ever_after(tmp_path, capfd):
    conditions = [condition(cell) for cell in ("gru", "rnn")]
    sweep = sweep_of(tmp_path / "out", *conditions)
    assert launch([sweep]) == 0
    assert len(statuses(sweep.output_dir)) == 4
    assert "failed" not in statuses(sweep.output_dir).values()
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
    assert launch_in_process(sweep_of(tmp_path / "here", condition())) == 0
    assert losses(tmp_path / "workers") == losses(tmp_path / "here")
    assert len(losses(tmp_path / "here")) == 2


@pytest.mark.long
def test_what_cannot_be_written_ends_a_sweep_in_one_line(tmp_path, capfd):
    place = tmp_path / "manifest.json"
    place.mkdir()
    assert launch([sweep_of(tmp_path, condition())]) == 1
    *_, line = capfd.readouterr().err.splitlines()
    assert line == f"rnnbench: error: {place}: Is a directory"
    place.rmdir()
    assert launch([sweep_of(tmp_path, condition())]) == 0


def test_a_worker_that_dies_and_a_cell_that_raises_cost_their_own_conditions(tmp_path, capfd):
    cells = ("killed", "broken", "gru")
    sweep = sweep_of(tmp_path, *(condition(cell, engine="auto") for cell in cells))
    assert launch([sweep]) == 1
    records = Store(tmp_path).runs().values()
    errors = {record["cell"]: record["error"] for record in records}
    failed = sorted(record["cell"] for record in records if record["status"] == "failed")
    assert failed == ["broken", "broken", "killed", "killed"]
    assert errors["killed"] == "the worker process was killed by SIGKILL, perhaps out of memory"
    assert errors["broken"].startswith("RuntimeError: a mistake in the cell (own_sweeps.py:")
    assert errors["gru"] is None
    output = capfd.readouterr().out
    assert "all                2        0       4" in output
    assert "failed: recall gap 6 killed (2 of 2 replicas): the worker process was killed" in output


def test_what_failed_runs_again_and_nothing_else(tmp_path, monkeypatch, capfd):
    sweep = sweep_of(tmp_path, condition("repaired"), condition("gru"))
    monkeypatch.setenv("RNNBENCH_TEST_BROKEN", "1")
    assert launch_in_process(sweep) == 1
    assert sorted(statuses(tmp_path).values()) == ["failed", "failed", "unsolved", "unsolved"]
    monkeypatch.delenv("RNNBENCH_TEST_BROKEN")
    capfd.readouterr()
    assert launch_in_process(sweep) == 0
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


def test_a_record_of_a_later_version_in_any_directory_is_found_before_anything_is_trained(
    tmp_path, capfd
):
    (tmp_path / "b" / "runs").mkdir(parents=True)
    (tmp_path / "b" / "runs" / "aaaa.json").write_text('{"format": 99}')
    assert launch([sweep_of(tmp_path / name, condition()) for name in "ab"]) == 2
    assert "newer" in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


@pytest.mark.long
def test_an_error_in_the_report_does_not_change_the_exit_code(tmp_path, capfd):
    (tmp_path / "report").write_text("in the way")
    assert launch_in_process(sweep_of(tmp_path, condition(gap=6))) == 0
    assert launch_in_process(sweep_of(tmp_path, condition(gap=6), condition("broken"))) == 1
    assert capfd.readouterr().err.count("rnnbench: warning: the report could not be drawn: ") == 2


def test_the_closing_table_counts_what_is_left(tmp_path):
    sweep = sweep_of(tmp_path, condition("gru"), condition("lstm"))
    remaining = find_remaining(sweep)
    done = condition("gru").run_id(REPLICAS[0])
    records = {done: {"run_id": done, "status": "solved"}}
    tally = tally_of(remaining, records, {condition("lstm").condition_id: "lost"})
    assert not tally.complete
    assert format_closing(tally).splitlines() == [
        "task    cell  done  skipped  failed  left",
        "recall  gru      1        0       0     1",
        "recall  lstm     0        0       2     0",
        "all              1        0       2     1",
        "failed: recall gap 6 lstm (2 of 2 replicas): lost",
    ]
