"""What is shown of a sweep while it runs: counts, time left, bars in a terminal, plain lines."""

import io
import os
import pty
import random
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from rnnbench.console import duration
from rnnbench.experiment.sweep import Job
from rnnbench.launcher import progress as progress_module
from rnnbench.launcher.progress import Bars, Display, make_display
from rnnbench.launcher.watch import Watch
from rnnbench.launcher.worker import JobResult

NAMES = ["copy gap 20 gru", "copy gap 20 [/rnn]"]


def event(step, accuracy=0.5):
    return {"step": step, "steps": 100, "active": 2, "accuracy": accuracy}


@pytest.fixture
def plain():
    return Display(io.StringIO(), NAMES, [30.0, 10.0], 7)


def test_the_share_weighs_conditions_by_their_cost(plain):
    plain.start(0)
    plain.start(1)
    plain.move(0, event(50))
    assert plain.share == 15 / 40
    plain.end(1, 2, 0, "2 solved")
    assert plain.share == 25 / 40
    plain.end(0, 1, 1, "failed")
    assert plain.share == 1
    assert plain.replicas == {"done": 3, "skipped": 7, "failed": 1}


def test_the_time_left_follows_from_the_work_done(plain):
    plain.start(0)
    plain.move(0, event(0))
    assert plain.summary() == "0 done, 7 skipped, 0 failed"
    plain.move(0, event(50))
    plain.began = time.monotonic() - 30
    assert plain.summary().endswith("about 50 s left")
    plain.end(0, 2, 0, "")
    plain.end(1, 2, 0, "")
    assert "left" not in plain.summary()


def test_what_was_done_before_this_start_does_not_shorten_the_time_left(plain):
    """A condition that goes on from 80 % needs 30 s for 10 %: all 40 shares of work need 400 s."""
    plain.move(0, event(80))
    plain.began = time.monotonic() - 30
    assert "left" not in plain.summary()
    plain.move(0, event(90))
    assert plain.summary().endswith(f"about {duration(30 * (3 + 10) / 3)} left")
    plain.end(0, 2, 0, "")
    assert plain.summary().endswith(f"about {duration(30 * 10 / 6)} left")


def test_what_earlier_starts_did_alone_tells_no_time_left():
    """Sums of shares that differ in their last bits are not work done."""
    draw = random.Random(0)
    for _ in range(300):
        costs = [draw.uniform(1, 100) for _ in range(draw.randint(2, 8))]
        display = Display(io.StringIO(), ["a condition"] * len(costs), costs, 0)
        for index in draw.sample(range(len(costs)), len(costs)):
            display.move(index, event(draw.randint(1, 99)))
        assert "left" not in display.summary()


def test_plain_lines_tell_when_a_condition_ends_and_little_else(plain):
    plain.start(0)
    for step in range(100):
        plain.move(0, event(step))
    assert plain.stream.getvalue() == ""
    plain.end(0, 2, 0, "2 solved")
    assert plain.stream.getvalue().startswith(
        "[1/2] copy gap 20 gru: 2 solved, accuracy 0.50 (2 done, 7 skipped"
    )


def test_a_condition_ends_with_the_accuracy_of_its_results_not_of_its_last_news(plain):
    watch = Watch([Job(None, (0, 1), Path(), "reference", "cpu")] * 2, plain)
    watch.notify(0, "started", None)
    watch.notify(0, "progress", event(10, accuracy=0.2))
    statuses = {"a": "solved", "b": "solved"}
    watch.notify(0, "done", JobResult(statuses, stopped=False, found=0, accuracy=0.99))
    assert "2 solved, accuracy 0.99" in plain.stream.getvalue()


def test_plain_lines_break_a_long_silence_once(plain):
    plain.start(0)
    plain.move(0, event(0, None))
    plain.start(1)
    plain.move(1, event(25, None))
    plain.said -= progress_module.QUIET_SECONDS
    plain.move(0, event(50))
    plain.move(0, event(51))
    (line,) = plain.stream.getvalue().splitlines()
    assert line.startswith("44%, 0 done, 7 skipped, 0 failed, about")
    assert "copy gap 20 gru: step 50 of 100, accuracy 0.50" in line
    assert "copy gap 20 [/rnn]: step 25 of 100)" in line


def test_plain_lines_go_where_there_is_no_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert isinstance(make_display(io.StringIO(), NAMES, [1.0, 1.0], 0), Display)


@pytest.mark.parametrize(("term", "kind"), [("xterm", Bars), ("dumb", Display)])
def test_a_terminal_gets_bars_if_it_can_move_its_cursor(monkeypatch, term, kind):
    monkeypatch.setenv("TERM", term)
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream:
        assert type(make_display(stream, NAMES, [1.0, 1.0], 0)) is kind
    os.close(ours)


def in_terminal(script, **environment):
    """Run a script whose stderr is a terminal; return what the terminal got."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stderr=theirs,
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", **environment},
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # the terminal is closed
        pass
    os.close(ours)
    assert child.wait(timeout=120) == 0, shown
    return shown.decode()


SCRIPT = """
    import sys, time
    from rnnbench.launcher.progress import make_display
    names = ["copy gap 20 gru", "copy gap 20 [/rnn]", "copy gap 20 lstm"]
    progress = make_display(sys.stderr, names, [1.0, 1.0, 2.0], 7)
    with progress:
        progress.start(0)
        progress.start(1)
        progress.move(0, {"step": 0, "steps": 100, "active": 2, "accuracy": None})
        progress.move(0, {"step": 50, "steps": 100, "active": 2, "accuracy": 0.25})
        time.sleep(0.3)
        progress.end(0, 2, 0, "2 solved")
        progress.end(1, 0, 2, "failed: ValueError: [bold]")
        progress.end(2, 0, 2, "failed: the worker died before it began")
        time.sleep(0.3)
"""


def test_bars_show_the_sweep_and_each_running_condition():
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", in_terminal(SCRIPT))
    assert "━" in shown
    assert re.search(r"copy gap 20 gru\s+[━╸╺]+\s+50% step 50 of 100, accuracy 0.25", shown)
    assert re.search(r"copy gap 20 \[/rnn\]\s+[━╸╺]+\s+0% starting", shown)
    assert re.search(r"all\s+[━╸╺]+\s+12% 0 done, 7 skipped, 0 failed, about", shown)
    assert "copy gap 20 [/rnn]: failed: ValueError: [bold]" in shown
    last = shown[shown.rindex("all ") :]
    assert re.match(r"all\s+[━╸╺]+\s+100% 2 done, 7 skipped, 4 failed", last)
    assert "gru" not in last


@pytest.mark.parametrize(("environment", "colours"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_bars_have_colours_unless_they_are_unwanted(environment, colours, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert bool(re.search(r"\x1b\[(3|38;5;)\d", in_terminal(SCRIPT, **environment))) is colours


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (12.4, "12 s"), (90, "2 min"), (9000, "2.5 h")]
)
def test_durations_read_well(seconds, text):
    assert duration(seconds) == text
