"""Read files of one JSON object a line, packed or not, which may be damaged."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

from rnnbench.console import message_of, warn
from rnnbench.store.files import MOST, name_file, open_file
from rnnbench.store.seals import check_line

T = TypeVar("T")
PACKED = ".gz"
CHUNK = 2**20  # bytes that are unpacked at once
DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error)  # what unpacking a damaged file raises


def read_lines(
    path: Path, decode: Callable[[bytes], T], *, strict: bool = False
) -> Iterator[tuple[str, T]]:
    """Yield where each line of a file lies, and what it holds; none where there is no file.

    A file whose name ends in .gz is unpacked. What cannot be read is named and passed over; a
    damaged .gz is named once, and its good lines count.

    Raises:
        OSError: the file cannot be read, and `strict` is set.
    """
    try:
        with open_file(path) as file:
            damage = _damage_of(path, file) if path.suffix == PACKED else None
            lines = gzip.GzipFile(fileobj=file) if path.suffix == PACKED else file
            if damage is not None:
                warn(f"{path} is damaged, and only its good lines count: {message_of(damage)}")
            for number, line in enumerate(lines, 1):
                try:
                    found = decode(_checked(line, damage))
                except ValueError as error:
                    if damage is None:
                        warn(f"{path}:{number} is passed over: {error}")
                else:
                    yield f"{path}:{number}", found
    except DAMAGE:
        return  # where unpacking ends, as was told
    except FileNotFoundError:
        return
    except OSError as error:
        if strict:
            name_file(error, path)
            raise
        warn(f"{path} is passed over: {message_of(error)}")


def _damage_of(path: Path, file: BinaryIO) -> Exception | None:
    """Return what is wrong with a .gz file, None if nothing, and go back to its start.

    Raises:
        OSError: it is larger than any that is written here.
    """
    left = MOST
    try:
        unpacked = gzip.GzipFile(fileobj=file)
        while chunk := unpacked.read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise OSError(f"{path} has more than {MOST} bytes")
    except DAMAGE as error:
        return error
    finally:
        file.seek(0)
    return None


def _checked(line: bytes, damage: Exception | None) -> bytes:
    """Return a line; of what was damaged, and not just cut off, only one whose seal is right.

    Unpacking makes up digits then, and a line without a seal does not show it.
    """
    if damage is not None and not isinstance(damage, EOFError):
        check_line(line.decode())
    return line
