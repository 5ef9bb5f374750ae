"""Run one command on one input, in a place of its own: what it returns, says, and writes where."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

SECONDS = 120  # that a command may take; what would work takes a few where nothing else runs
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.chmod")

_written: list[str] | None = None  # None: nobody asks


class TimeIsUp(BaseException):
    """A command goes on for too long."""


@dataclass
class Outcome:
    """What came of one command.

    Attributes:
        code: its exit code; None where it did not return.
        raised: the traceback of what it raised; empty where nothing.
        hung: it was stopped for taking too long.
        written: what it changed outside the directory that was its own.
    """

    code: object = None
    output: str = ""
    errors: str = ""
    raised: str = ""
    hung: bool = False
    written: list[str] = field(default_factory=list)


class Sandbox:
    """A directory with everything in it that a command may think of as its own.

    Commands run in `work`; home, temporary files and caches are beside it. What this process opens
    and renames is heard by Python's audit events; what its workers leave is seen afterwards.
    """

    def __init__(self, base: Path) -> None:
        self.base, self.work = base, base / "work"
        for name in ("work", "cache", "tmp", "home"):
            (base / name).mkdir(parents=True, exist_ok=True)
        if not getattr(sys, "_rnnbench_is_heard", False):  # a hook cannot be taken back
            sys._rnnbench_is_heard = True  # type: ignore[attr-defined]
            sys.addaudithook(_hear)

    def empty(self) -> None:
        """Remove what the last command left."""
        for place in (self.work, self.base / "tmp"):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()

    def run(
        self, main: Callable[[list[str]], int], words: Sequence[str], own: Sequence[str]
    ) -> Outcome:
        """Run a command's main function on its words.

        Args:
            own: directories in `work` that it may change.
        """
        outcome, before = Outcome(), self._contents()
        out, err = io.StringIO(), io.StringIO()
        with (
            self._inside() as written,
            _limited(outcome),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                outcome.code = main(list(words))
            except SystemExit as leaving:
                outcome.code = 0 if leaving.code is None else leaving.code
            except TimeIsUp:
                outcome.hung = True
            except BaseException:
                outcome.raised = traceback.format_exc()
        outcome.output, outcome.errors = out.getvalue(), err.getvalue()
        free = (f"{self.base}/tmp", f"{self.base}/cache", "/dev/", "/proc/")
        free += tuple(str(self.work / name) for name in own)
        changed = {path for path, _ in before ^ self._contents()} | set(written)
        outcome.written = sorted(path for path in changed if not path.startswith(free))
        return outcome

    def _contents(self) -> set[tuple[str, int]]:
        """Return what lies in the working and home directories, folders with size 0."""
        paths = [path for top in ("work", "home") for path in (self.base / top).rglob("*")]
        return {(str(path), 0 if path.is_dir() else path.lstat().st_size) for path in paths}

    @contextlib.contextmanager
    def _inside(self) -> Iterator[list[str]]:
        global _written
        base = str(self.base)
        places = {"HOME": f"{base}/home", "TMPDIR": f"{base}/tmp", "WANDB_MODE": "offline"}
        places |= {"RNNBENCH_CACHE": f"{base}/cache", "XDG_CACHE_HOME": f"{base}/cache"}
        with (
            contextlib.chdir(self.work),
            patch.dict(os.environ, places),
            patch.object(tempfile, "tempdir", f"{base}/tmp"),
        ):
            _written = found = []
            try:
                yield found
            finally:
                _written = None


@contextlib.contextmanager
def _limited(outcome: Outcome) -> Iterator[None]:
    """Stop what takes too long; should it not let itself be stopped, end the program."""

    def ring(number: int, frame: object) -> None:
        outcome.hung = True  # also where the error is caught on its way
        raise TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SECONDS, 1.0)
    faulthandler.dump_traceback_later(3 * SECONDS, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    """Note every change of a file."""
    if _written is None or event not in ("open", *CHANGES):
        return
    places, start = list(arguments[:1]), "."
    if event == "open":
        if not (isinstance(arguments[2], int) and arguments[2] & WRITING):
            return
    elif event == "os.mkdir" and os.path.isdir(str(arguments[0])):
        return  # it is there, and is left as it is
    else:
        places = list(arguments[:2])
        if arguments[-1] != -1:  # the descriptor of a directory that the path starts from
            start = f"/proc/self/fd/{arguments[-1]}"
    for place in places:
        if isinstance(place, str | bytes | Path):
            _written.append(
                os.path.abspath(os.path.join(os.path.realpath(start), os.fsdecode(place)))
            )
