"""Signals: where a sweep stops, what it says, and how it goes on."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from rnnbench.launcher import launch
from rnnbench.store.records import Store
from tests.in_process import launch_in_process
from tests.launcher.own_sweeps import REPLICAS, condition, files, statuses, sweep_of
from tests.waiting import until

SCRIPT = """
    import sys
    from tests.launcher.test_stopping import long_sweep, run_it
    if __name__ == "__main__":
        sys.exit(run_it(sys.argv[1], long_sweep(sys.argv[2])))
"""
# The longest is begun first; a test meets it in training whenever the test itself gets to run.
SLOW = condition("slow", 12, steps=400)


def long_sweep(output_dir):
    quick = [condition("gru", 10), condition("gru", 11), condition("rnn", 11)]
    return sweep_of(Path(output_dir), SLOW, *quick)


def run_it(how, sweep):
    return launch([sweep]) if how == "workers" else launch_in_process(sweep)


def start(tmp_path, how, output_dir):
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(SCRIPT))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, path, how, output_dir],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, "RNNBENCH_TEST_SLOW": "1"},
    )


@pytest.mark.parametrize(
    ("how", "number", "code", "stored"),
    [
        pytest.param("workers", 15, 143, 2, marks=pytest.mark.long),
        pytest.param("workers", 2, 130, 2, marks=pytest.mark.long),
        ("here", 2, 130, 0),
    ],
)
def test_a_stopped_sweep_continues_where_it_was(tmp_path, how, number, code, stored):
    """Stopped once some runs are stored, and while one condition surely is in training."""
    out = tmp_path / "out"
    first = start(tmp_path, how, out)
    training = out / "progress" / f"{SLOW.condition_id}.json"
    until(lambda: training.exists() and len(statuses(out)) >= stored)
    first.send_signal(number)
    output, errors = first.communicate(timeout=120)
    assert first.returncode == code, errors
    done = files(out / "runs")
    assert stored <= len(statuses(out)) < 8
    assert "replicas are left: the same command continues" in errors
    assert "  left" in output.splitlines()[0]
    assert "Traceback" not in errors
    assert not (out / "report").exists()
    assert len(list((out / "checkpoints").iterdir())) >= 1
    assert ("stopping once all work is put away" in errors) == (how == "workers")

    assert run_it(how, long_sweep(out)) == 0
    assert len(statuses(out)) == 8
    assert done.items() <= files(out / "runs").items()
    assert not any((out / "checkpoints").glob("*"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_sweep_that_is_stopped_while_it_is_summed_up_says_so(
    tmp_path, capfd, monkeypatch, number, code
):
    before = signal.getsignal(number)

    def stop(*paths, **part):
        signal.raise_signal(number)

    monkeypatch.setattr("rnnbench.report.write_report", stop)
    assert launch_in_process(sweep_of(tmp_path / "out", condition())) == code
    assert (
        capfd.readouterr().err.splitlines()[-1] == "rnnbench: stopped: the same command continues"
    )
    assert signal.getsignal(number) == before
    monkeypatch.undo()
    assert launch_in_process(sweep_of(tmp_path / "out", condition())) == 0
    assert (tmp_path / "out" / "report" / "index.html").exists()


def test_a_signal_with_the_last_record_leaves_the_report_and_says_so(tmp_path, capfd, monkeypatch):
    write = Store.write

    def write_and_signal(store, record, parameters):
        write(store, record, parameters)
        if record["seed"] == REPLICAS[-1].seed:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Store, "write", write_and_signal)
    assert launch_in_process(sweep_of(tmp_path / "out", condition())) == 143
    line = "rnnbench: stopped before the report was drawn: the same command continues"
    assert capfd.readouterr().err.splitlines()[-1] == line
    assert not (tmp_path / "out" / "report").exists()
