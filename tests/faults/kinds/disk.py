"""Disks that are full, read-only or failing, and files that may grow no further."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.command import Ended
from tests.faults.kind import kind
from tests.faults.shim import Point
from tests.faults.sweep import marks
from tests.faults.trial import Missed, Trial

CHANGING = "open,write,fsync,rename,mkdir,unlink"
PLACES = ("runs/", "checkpoints/", "claims/", "progress/", "report/", ".manifest.json")
LARGE = 2**26  # bytes, more than a sweep leaves


def expect_reason(trial: Trial, ended: Ended, *numbers: int) -> None:
    """Expect the error in words; a sweep that was complete all the same need not tell it."""
    if ended.code != 0:
        trial.expect(ended, "|".join(os.strerror(number) for number in numbers))


def fail(trial: Trial, calls: str, number: int, *, lasting: bool) -> None:
    point = trial.point([(calls, place) for place in PLACES])
    how = {"errno": number, **({"lasting": 1} if lasting else {})}
    expect_reason(trial, trial.run_with(point, **how), number)


@kind("no-space-left-from-a-write-on")
def no_space(trial: Trial) -> None:
    fail(trial, "write", errno.ENOSPC, lasting=True)


@kind("no-space-left-for-one-call")
def no_space_once(trial: Trial) -> None:
    fail(trial, trial.draw.choice(("open,mkdir", "write")), errno.ENOSPC, lasting=False)


@kind("input-output-error-in-a-write")
def write_error(trial: Trial) -> None:
    fail(trial, "write", errno.EIO, lasting=False)


@kind("input-output-error-in-fsync-or-rename")
def late_error(trial: Trial) -> None:
    fail(trial, "fsync,rename", errno.EIO, lasting=False)


@kind("read-only-from-a-call-on")
def read_only(trial: Trial) -> None:
    """Do as a kernel does to a file system on which it has met an error."""
    ended = trial.run_with(trial.point([(CHANGING, "")]), errno=errno.EROFS, lasting=1)
    expect_reason(trial, ended, errno.EROFS)


@kind("files-may-not-grow")
def file_limit(trial: Trial) -> None:
    """Set RLIMIT_FSIZE below the sizes of some of a sweep's files."""
    ended = trial.run(file_size=trial.draw.randrange(2000, 8000))
    expect_reason(trial, ended, errno.EFBIG)


@kind("a-small-disk-that-is-full")
def small_disk(trial: Trial) -> None:
    """Run on a file system of a few pages, and then on a larger one."""
    with _file_system(trial, trial.draw.randrange(4096, 2**18, 4096)):
        expect_reason(trial, trial.run(), errno.ENOSPC)


@kind("records-that-cannot-be-read")
def unreadable(trial: Trial) -> None:
    """Fail to read a finished record: it is there, and must not be trained again."""
    trial.take_half_way()
    reads = 2 * len(marks(trial.output_dir))  # each file is read to its end, and once beyond
    point = Point("read", "runs/", trial.draw.randint(1, reads))
    how = {"errno": errno.EIO, **trial.draw.choice([{}, {"lasting": 1}])}
    expect_reason(trial, trial.run_with(point, **how), errno.EIO)


@contextmanager
def _file_system(trial: Trial, size: int) -> Iterator[None]:
    """Give the output a file system of its own; afterwards it is as large as it needs.

    Raises:
        Missed: none can be mounted here.
    """
    trial.output_dir.mkdir()
    place = str(trial.output_dir)
    options = ["-t", "tmpfs", "-o", f"size={size}", "rnnbench-faults", place]
    if os.geteuid() != 0 or subprocess.run(["mount", *options], capture_output=True).returncode:
        raise Missed("no file system can be mounted by this user")
    trial.leaving.callback(subprocess.run, ["umount", "-l", place], check=True)
    yield
    subprocess.run(["mount", "-o", f"remount,size={LARGE}", place], check=True)
