"""One run of the command line, warm or cold, in a process group of its own."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.faults import warm

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 90.0  # more than any run takes, also on a machine that is busy
POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Ended:
    """What came of a run.

    Attributes:
        code: exit code; minus the signal's number where one killed it; None: it had to be ended.
        out: what it printed.
        err: what it said.
    """

    code: int | None
    out: str
    err: str


class Command:
    """A run that was started."""

    def __init__(
        self,
        words: Sequence[str],
        directory: Path,
        name: str,
        *,
        environment: Mapping[str, str],
        cold: bool = False,
        draws: bool = False,
        file_size: int | None = None,
    ) -> None:
        """Start.

        Args:
            words: of the command line.
            directory: to work in.
            name: of the files there that take what it prints and says.
            environment: besides this process's own.
            cold: in a new Python; else in a fork of this process.
            draws: the report, which a cold run always does.
            file_size: no file may grow above so many bytes (RLIMIT_FSIZE).
        """
        self.files = [directory / f"{name}.{kind}" for kind in ("out", "err")]
        self.process = os.fork()
        if self.process:
            return
        code = 70
        try:
            self._become(directory, environment, file_size)
            if cold:
                command = [sys.executable, "-m", "tests.faults.brisk", *words]
                os.execv(sys.executable, command)
            code = warm.run(words, draws=draws)
        finally:
            os._exit(code)

    def _become(
        self, directory: Path, environment: Mapping[str, str], file_size: int | None
    ) -> None:
        os.setsid()
        # In the background of a script it would be ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir(directory)
        for number, file in enumerate(self.files, 1):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        os.environ.update(environment, PYTHONPATH=str(ROOT))
        if file_size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

    def wait(self, seconds: float = SECONDS) -> Ended:
        """Wait for the end; one that does not come is made."""
        deadline = time.monotonic() + seconds
        ended, status = 0, 0
        while not ended and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            ended, status = os.waitpid(self.process, os.WNOHANG)
        code = os.waitstatus_to_exitcode(status) if ended else None
        if not ended:
            self.end()
            os.waitpid(self.process, 0)
        out, err = (file.read_text(errors="replace") for file in self.files)
        return Ended(code, out, err)

    def end(self) -> None:
        """Kill what is left of the group."""
        with suppress(ProcessLookupError):
            os.killpg(self.process, signal.SIGKILL)
