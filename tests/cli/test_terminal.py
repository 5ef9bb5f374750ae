"""A real terminal: bash completes commands, colours come only where they are wanted."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import rnnbench

ROOT = Path(rnnbench.__file__).parent.parent
SCRIPT = f"#!{sys.executable}\nimport sys\nfrom rnnbench.cli import main\n\nsys.exit(main())\n"
CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """A process whose input, output and errors are a terminal of 120 columns."""

    def __init__(self, *command, cwd, **variables):
        hidden = ("NO_COLOR", "FORCE_COLOR", "TERM")
        kept = {key: value for key, value in os.environ.items() if key not in hidden}
        kept["PYTHONPATH"] = str(ROOT)
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**kept, "COLUMNS": "120", "PS1": "$ ", **variables},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def type(self, keys):
        os.write(self.ours, keys.encode())

    def wait_for(self, pattern, seconds=120):
        """Read until something is shown after what was waited for before; return it."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.shown)):
            ready, _, _ = select.select([self.ours], [], [], max(0, end - time.monotonic()))
            assert ready, f"no {pattern} in {self.shown!r}"
            self.shown += os.read(self.ours, 65536).decode(errors="replace")
        self.shown = self.shown[found.end() :]
        return found.group()

    def read_to_the_end(self):
        try:
            while chunk := os.read(self.ours, 65536):
                self.shown += chunk.decode(errors="replace")
        except OSError:  # the terminal is closed
            pass
        self.process.wait(timeout=120)
        return self.shown

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.ours)


@pytest.fixture
def bash(tmp_path):
    """A shell that knows the console script and its completion."""
    if shutil.which("bash") is None:
        pytest.skip("no bash")
    script = tmp_path / "bin" / "rnnbench"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    script.chmod(0o755)
    path = f"{script.parent}:{os.environ['PATH']}"
    shell = Terminal("bash", "--norc", "-i", cwd=tmp_path, PATH=path, TERM="xterm")
    shell.type("bind 'set enable-bracketed-paste off'; bind 'set bell-style none'\n")
    shell.type('eval "$(rnnbench -sc install=bash)"; echo in""stalled\n')
    shell.wait_for("installed")
    yield shell
    shell.close()


def test_bash_completes_what_is_clear(bash):
    bash.type("rnnbench +sweep=cu\t")
    bash.wait_for(r"\+sweep=curriculum")
    bash.type(" cell=gr\t")
    bash.wait_for(r"cell=gru")
    bash.type(" trainer.optim\t")
    bash.wait_for(r"trainer\.optimizer=")


def test_bash_shows_the_choices_where_several_fit(bash):
    bash.type("rnnbench +sweep=\t\t")
    shown = bash.wait_for(r"(?s)\+sweep=curriculum.*\+sweep=.*\$ ")
    assert all(f"+sweep={name}" in shown for name in ("gaps", "smoke", "tuned"))
    bash.type("\x15rnnbench task=\t\t")
    bash.wait_for(r"(?s)task=adding.*task=copy.*task=recall")


WORDS = "task=recall cell=gru task.gap=2 seeds=2 trainer.steps=40 trainer.eval_every=20"
WORDS += " model.hidden_size=8 trainer.eval_size=16 tracker=none engine=reference"


def run(tmp_path, **variables):
    terminal = Terminal(sys.executable, "-m", "rnnbench", *WORDS.split(), cwd=tmp_path, **variables)
    try:
        return terminal.read_to_the_end()
    finally:
        terminal.close()


@pytest.mark.long
def test_a_terminal_sees_bars_in_colour_with_the_accuracy(tmp_path):
    shown = run(tmp_path, TERM="xterm-256color")
    assert re.search(r"\x1b\[(3|38;5;)\d", shown)
    plain = CODES.sub("", shown)
    assert re.search(r"all\s+[━╸╺]+\s+100% 2 done, 0 skipped, 0 failed", plain)


@pytest.mark.long
def test_without_colour_there_are_bars_but_no_colour(tmp_path):
    shown = run(tmp_path, TERM="xterm-256color", NO_COLOR="1")
    assert "━" in shown
    assert not re.search(r"\x1b\[[0-9;]*[34]\d(;|m)", shown)


@pytest.mark.long
def test_a_dumb_terminal_gets_plain_lines(tmp_path):
    shown = run(tmp_path, TERM="dumb")
    assert "\x1b" not in shown and "━" not in shown
    assert re.search(r"\[1/1\] recall gap 2 gru: 2 unsolved, accuracy 0\.\d\d \(2 done", shown)
