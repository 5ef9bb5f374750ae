"""The shim: a few lines of C before libc, through which a chosen call of a sweep goes wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")


class NoCompiler(Exception):
    """There is nothing to build the shim with."""


@dataclass(frozen=True)
class Point:
    """The nth of some calls on some files, over all processes of a sweep.

    Attributes:
        calls: of `shim.c`, with commas between.
        place: how the files' paths begin, relative to the output directory.
        nth: from 1.
    """

    calls: str
    place: str
    nth: int

    def __str__(self) -> str:
        return f"{self.calls} {self.place}* number {self.nth}"


def build(directory: Path) -> Path:
    """Compile the shim into a directory; return the library.

    Raises:
        NoCompiler: there is no C compiler.
    """
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise NoCompiler("no C compiler (cc, gcc or clang) to build tests/faults/shim.c with")
    library = directory / "shim.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    return library


def fault(point: Point, output_dir: Path, count: Path, how: Mapping[str, object]) -> dict[str, str]:
    """Return the environment in which a point goes wrong.

    Args:
        point: which call.
        output_dir: of the sweep.
        count: a file that does not exist; it counts the calls.
        how: `errno`, `signal`, `target`, `torn`, `lasting` of `shim.c`.
    """
    variables = {f"FAULT_{name.upper()}": str(value) for name, value in how.items()}
    return variables | {
        "FAULT_CALL": point.calls,
        "FAULT_PLACE": f"{output_dir}/{point.place}",
        "FAULT_NTH": str(point.nth),
        "FAULT_COUNT": str(count),
    }


class Census:
    """All calls of an undisturbed sweep on its files, so that a point is drawn which comes."""

    def __init__(self, file: Path, output_dir: Path) -> None:
        lines = [line.split(" ", 1) for line in file.read_text().splitlines()]
        self.calls = [(call, os.path.relpath(path, output_dir)) for call, path in lines]

    def count(self, calls: str, place: str) -> int:
        wanted = calls.split(",")
        return sum(call in wanted and path.startswith(place) for call, path in self.calls)
