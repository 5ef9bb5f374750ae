"""One command on one input, in a place of its own: what it returns, says, and writes where."""

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

SECONDS = 120  # that a command may take; what would work takes a few where nothing else runs
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.chmod")

_written: list[str] = []
_is_watching = False


class TimeIsUp(BaseException):
    """A command goes on for too long."""


@dataclass
class Outcome:
    """What came of one command.

    Attributes:
        code: its exit code; None where it did not return.
        output, errors: what it printed.
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

    Commands run in `work`; home, temporary files and caches are beside it. Nothing but `own`
    below `work`, temporary files and the caches may change; the rest is watched twice: every
    opening and renaming of this process by Python's audit events, and all that lies in the
    sandbox (what workers do as well) by a comparison of before and after.
    """

    def __init__(self, base: Path) -> None:
        self.base, self.work, self.cache = base, base / "work", base / "cache"
        self.temporary = base / "tmp"
        for name in ("work", "cache", "tmp", "home"):
            (base / name).mkdir(parents=True, exist_ok=True)
        self._free = [str(self.temporary), str(self.cache), "/dev/", "/proc/"]
        _watch()

    def empty(self) -> None:
        """Remove what the last command left."""
        for place in (self.work, self.temporary):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()

    def run(
        self, main: Callable[[list[str]], int], words: Sequence[str], own: Sequence[str]
    ) -> Outcome:
        """Run a command's main function on its words.

        Args:
            main: the function.
            words: of the command line.
            own: directories in `work` that it may change.
        """
        outcome = Outcome()
        before = self._contents(own)
        out, err = io.StringIO(), io.StringIO()
        printing = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
        with self._inside(), _limited(outcome), printing[0], printing[1]:
            try:
                outcome.code = main(list(words))
            except SystemExit as leaving:
                outcome.code = 0 if leaving.code is None else leaving.code
            except TimeIsUp:
                outcome.hung = True
            except BaseException:
                outcome.raised = traceback.format_exc()
        outcome.output, outcome.errors = out.getvalue(), err.getvalue()
        free = [*self._free, *(str(self.work / name) for name in own)]
        outcome.written = [path for path in _written if not path.startswith(tuple(free))]
        outcome.written += sorted(before ^ self._contents(own))
        return outcome

    def _contents(self, own: Sequence[str]) -> set[str]:
        """Return what lies around, with sizes; not what is the command's own."""
        found = set()
        for top in ("work", "home"):
            for place, names, files in os.walk(self.base / top):
                if Path(place) == self.work:
                    names[:] = [name for name in names if name not in own]
                found |= {f"{place}/{name} {os.lstat(f'{place}/{name}').st_size}" for name in files}
                found |= {f"{place}/{name}/" for name in names}
        return found

    @contextlib.contextmanager
    def _inside(self) -> Iterator[None]:
        global _is_watching
        here, variables, place = os.getcwd(), dict(os.environ), tempfile.tempdir
        os.chdir(self.work)
        tempfile.tempdir = str(self.temporary)
        home = str(self.base / "home")
        os.environ.update({"HOME": home, "TMPDIR": tempfile.tempdir, "WANDB_MODE": "offline"})
        os.environ.update({"RNNBENCH_CACHE": str(self.cache), "XDG_CACHE_HOME": str(self.cache)})
        _written.clear()
        _is_watching = True
        try:
            yield
        finally:
            _is_watching = False
            tempfile.tempdir = place
            os.environ.clear()
            os.environ.update(variables)
            os.chdir(here)


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


def _watch() -> None:
    """Hear of every change of a file, from now on and for good: a hook cannot be taken back."""
    if not getattr(sys, "_rnnbench_is_heard", False):
        sys._rnnbench_is_heard = True  # type: ignore[attr-defined]
        sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if not _is_watching:
        return
    if event == "open":
        path, _, flags = arguments
        if isinstance(flags, int) and flags & WRITING and isinstance(path, str | bytes | Path):
            _written.append(os.path.abspath(os.fsdecode(path)))
    elif event == "os.mkdir" and os.path.isdir(str(arguments[0])):
        return  # it is there, and is left as it is
    elif event in CHANGES:
        places = [a for a in arguments[:2] if isinstance(a, str | bytes | Path)]
        descriptor = arguments[-1]  # of the directory that a path starts from; -1 for this one
        start = os.readlink(f"/proc/self/fd/{descriptor}") if _is_open(descriptor) else "."
        _written.extend(os.path.abspath(os.path.join(start, os.fsdecode(p))) for p in places)


def _is_open(descriptor: object) -> bool:
    return isinstance(descriptor, int) and descriptor >= 0
