"""Read a command's arguments, print its errors in one line, and end it with its exit code."""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from typing import Any, NoReturn, TextIO

WORKER = "rnnbench-worker"  # the name of a worker's process


class ExitCode(IntEnum):
    """What a command tells the shell about its end; from 130 on as shells tell of signals."""

    DONE = 0
    NOT_ALL = 1  # something failed, is left to do or is not the same
    CANNOT_RUN = 2  # the command or its input is wrong; nothing was started
    REPEATED = 77  # of a worker that repeats the script which started it
    INTERRUPTED = 130  # Ctrl-C
    READER_LEFT = 141  # `head` or a pager closed the pipe
    TERMINATED = 143


def run_and_exit(main: Callable[[], int]) -> NoReturn:
    """Run a command and end the program with its exit code; say nothing if the reader has left.

    A standard output that is full ends no training: it is told in one line at the end.
    """
    if sys.platform == "win32":
        say("error: the system must be Linux or macOS, got Windows: run it in WSL")
        sys.exit(ExitCode.CANNOT_RUN)
    output = open_streams()
    leave_removed_directory()
    code: Any = ExitCode.DONE
    try:
        try:
            code = main()
        except SystemExit as leaving:
            code = leaving.code
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes again
        code = ExitCode.READER_LEFT
    if output.failure is not None:
        say(f"error: standard output: {output.failure.strerror}")
    sys.exit(code or (ExitCode.DONE if output.failure is None else ExitCode.NOT_ALL))


class Outlet(io.FileIO):
    """A standard stream below its buffer: what it cannot take is dropped, and nothing is raised.

    Attributes:
        failure: the first error there was; a reader that has left is none, and is raised.
    """

    failure: OSError | None = None

    def write(self, content: Any, /) -> int:
        try:
            return super().write(content)
        except BrokenPipeError:
            raise
        except OSError as error:
            self.failure = self.failure or error
            return len(content)


def open_streams() -> Outlet:
    """Make the standard streams ones that can take any text and never fail; return the output's.

    One that was closed leads to nothing: a file opened later would else take its place. What an
    encoding lacks is escaped.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free
    sys.stdin = sys.stdin or io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
    outlets = [Outlet(number, "w", closefd=False) for number in (1, 2)]
    for name, outlet in zip(("stdout", "stderr"), outlets, strict=True):
        given = getattr(sys, name)
        encoding = getattr(given, "encoding", None) or "utf-8"
        by_line = name == "stderr" or outlet.isatty() or getattr(given, "write_through", False)
        buffer = io.BufferedWriter(outlet)
        stream = io.TextIOWrapper(buffer, encoding, "backslashreplace", line_buffering=by_line)
        setattr(sys, name, stream)
    return outlets[0]


def leave_if_repeated() -> None:
    """End a worker that, while it starts, repeats the call which started it.

    A worker begins with the program's script, and comes upon any call in it that no
    `if __name__ == "__main__":` keeps from it. Its parent tells the user.
    """
    multiprocessing: Any = sys.modules.get("multiprocessing")  # a worker has it from its start
    process = multiprocessing and multiprocessing.current_process()
    if process and process.name == WORKER and getattr(process, "_inheriting", False):
        os._exit(ExitCode.REPEATED)


def leave_removed_directory() -> None:
    """Go where nothing can be written if the working directory is no more: torch's MKL needs one.

    Relative paths lead nowhere there, as they do in a directory that has been removed.
    """
    try:
        os.getcwd()
    except OSError:
        with suppress(OSError):  # no /proc: no MKL either
            os.chdir("/proc")
        warn("the working directory has been removed: relative paths lead nowhere")


def warn(text: str) -> None:
    """Print a warning in one line on stderr."""
    say(f"warning: {text}")


def say(line: str, program: str = "rnnbench") -> None:
    """Print a line on stderr, after the program's name.

    It may name a file that somebody else has named: what a terminal would obey is escaped.
    """
    show(f"{program}: {line}", sys.stderr)


def show(line: str, stream: TextIO | None) -> None:
    """Print a line on a stream at once; one that is closed or full ends no training."""
    if stream is None:
        return
    try:
        print(printable(line), file=stream, flush=True)
    except BrokenPipeError:
        raise
    except (OSError, ValueError):
        return


def describe(error: BaseException) -> str:
    """Return an error in one line: its class, its message, and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {message_of(error)}{place}"


def message_of(error: BaseException) -> str:
    """Return an error's message in one line; its class where it has none.

    A user's own class of errors may fail at its message.
    """
    try:
        return printable(" ".join(str(error).split())) or type(error).__name__
    except Exception as second:
        return f"(its message raises {type(second).__name__})"


def printable(text: str) -> str:
    """Return a text without what a terminal would obey or could not show: escapes instead."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def matplotlib_settings() -> Any:
    """Import matplotlib and return its own settings, in place of the user's.

    What shows figures stays the user's: the backend, and whether it shows them at once, as a
    notebook does. A backend that is not here (MPLBACKEND of a notebook's kernel) would keep
    matplotlib from being imported; one that is here is set afterwards.
    """
    backend = os.environ.pop("MPLBACKEND", None) if "matplotlib" not in sys.modules else None
    try:
        import matplotlib
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    if backend:
        with suppress(ValueError):
            matplotlib.rcParams["backend"] = backend
    settings = matplotlib.rcParamsDefault.items()
    return {key: it for key, it in settings if "backend" not in key and key != "interactive"}


def duration(seconds: float) -> str:
    """Return a duration in the unit that suits it: `12 s`, `3 min`, `2.5 h`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def count(number: int, noun: str) -> str:
    """Return a number with its noun: `1 run`, `2 runs`, `2 processes`."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def count_are(number: int, noun: str) -> str:
    """Return a number with its noun and verb: `1 run is`, `2 runs are`."""
    return f"{count(number, noun)} {'is' if number == 1 else 'are'}"


class Mistake(Exception):
    """A command was given something wrong; the text is one line."""


@contextmanager
def mistakes(*kinds: type[Exception]) -> Iterator[None]:
    """Take errors of these kinds for mistakes of whoever typed the command."""
    try:
        yield
    except kinds as error:
        raise Mistake(message_of(error)) from error


class Parser(argparse.ArgumentParser):
    """The arguments of a command, whose help is its module's docstring."""

    def __init__(self, program: str, docstring: str | None) -> None:
        """Take the purpose from the docstring's first line, behind "`python -m ...`: "."""
        first, _, rest = (docstring or "").partition("\n\n")
        purpose = first.split("`: ", 1)[-1]
        purpose = purpose[:1].upper() + purpose[1:]
        super().__init__(prog=f"python -m {program}", description=purpose, epilog=rest)
        self.program = program
        self.register("type", Path, _path)

    def error(self, message: str) -> NoReturn:
        say(f"error: {message}", self.program)
        self.exit(ExitCode.CANNOT_RUN)

    def command(self, run: Callable[[Namespace], int]) -> Callable[..., int]:
        """Decorate what runs with the arguments: a mistake or Ctrl-C is one line and a code."""

        def main(words: Sequence[str] | None = None) -> int:
            given = self.parse_args(words)
            try:
                return run(given)
            except Mistake as mistake:
                say(f"error: {mistake}", self.program)
                return ExitCode.CANNOT_RUN
            except KeyboardInterrupt:
                say("interrupted", self.program)
                return ExitCode.INTERRUPTED

        return main

    def add_workers(self) -> None:
        """Add `--workers`, which is 0 for one process per core."""
        rule = "processes: auto, one per core, or a number"
        self.add_argument("--workers", type=_workers, default=0, help=rule)


def at_least(least: int) -> Callable[[str], int]:
    """Return a function that reads a whole number of at least `least`."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            rule = f"a whole number of at least {least}"
            raise ArgumentTypeError(f"must be {rule}, got {text}")
        return int(text)

    return read


whole_number = at_least(1)


def whole_numbers(text: str) -> list[int]:
    """Read whole numbers of at least 1 with commas between them; sort them, each once."""
    return sorted({whole_number(part) for part in text.split(",")})


def words(text: str) -> list[str]:
    """Read words with commas between them."""
    return text.split(",")


def _path(text: str) -> Path:
    """Read a path; ~ is a home, also where no shell has put it in."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ArgumentTypeError(f"must be below a home that is known, got {text}") from error


def _workers(text: str) -> int:
    return 0 if text == "auto" else whole_number(text)
