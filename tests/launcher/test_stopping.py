"""Signals: where a sweep stops, what it says, and how it goes on."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from rnnbench.launcher import launch, launch_here
from rnnbench.store.records import Store
from tests.launcher.own_sweeps import REPLICAS, condition, files, statuses, sweep_of

SCRIPT = """
    import sys
    from tests.launcher.test_stopping import long_sweep, run_it
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
