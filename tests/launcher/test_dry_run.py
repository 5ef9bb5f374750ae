"""The dry run: what a sweep would do and cost, and nothing written."""

from dataclasses import replace

import pytest

from rnnbench.launcher import launch
from rnnbench.launcher.plan import find_remaining
from tests.in_process import launch_in_process
from tests.launcher.own_sweeps import condition, files, sweep_of


def test_a_dry_run_shows_the_plan_and_its_cost_and_writes_nothing(tmp_path, capfd):
    stored = sweep_of(tmp_path / "stored", condition(gap=6))
    assert launch_in_process(stored) == 0
    capfd.readouterr()
    before = files(tmp_path)
    more = sweep_of(tmp_path / "stored", *(condition(gap=gap) for gap in (6, 12)), dry_run=True)
    assert launch([more]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[1].split()[:8] == ["recall", "gap", "6", "gru", "7", "6", "2", "0"]
    assert lines[2].split()[:8] == ["recall", "gap", "12", "gru", "13", "6", "0", "2"]
    assert lines[-1].startswith("1 condition with 2 replicas is to do, about ")
    assert launch([replace(more, output_dir=tmp_path / "new")]) == 0
    assert files(tmp_path) == before
    assert not (tmp_path / "new").exists()


@pytest.mark.alone
def test_a_dry_run_costs_in_proportion_to_steps_and_time_steps(tmp_path):
    from rnnbench.launcher.estimate import estimate_seconds

    def of(gap, steps):
        return condition(gap=gap, steps=steps)

    seconds = estimate_seconds(find_remaining(sweep_of(tmp_path, of(49, 100), of(199, 100))))
    assert seconds[0] == pytest.approx(4 * seconds[1])
    slow = estimate_seconds(find_remaining(sweep_of(tmp_path, of(199, 100_000))))
    assert slow[0] == pytest.approx(1000 * seconds[0], rel=0.7)


def test_a_dry_run_counts_the_time_steps_of_a_schedule(tmp_path):
    """Growing over gaps 1 to 9: half of the steps with 6 time steps on average, half with 10."""
    from rnnbench.launcher.estimate import estimate_seconds

    fixed = condition(gap=9, steps=16 * 36)
    growing = replace(fixed, task={**fixed.task, "gap_schedule": "growing"})
    remaining = find_remaining(sweep_of(tmp_path, growing, fixed))
    assert [job.condition.gap_schedule for job in remaining.jobs] == ["fixed", "growing"]
    seconds = estimate_seconds(remaining)
    assert seconds[1] == pytest.approx(0.8 * seconds[0])
    assert remaining.costs[1] == pytest.approx(0.8 * remaining.costs[0])


def test_a_dry_run_of_a_broken_cell_says_what_is_broken(tmp_path, capfd):
    broken = condition("broken", engine="auto")
    assert launch([sweep_of(tmp_path / "out", broken, dry_run=True)]) == 1
    engine, line = capfd.readouterr().err.splitlines()
    assert engine.startswith("rnnbench: engine reference for broken; not compiled: ")
    assert line.startswith("rnnbench: the plan cannot be measured: RuntimeError: a mistake")
