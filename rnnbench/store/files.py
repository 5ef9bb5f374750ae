"""Read and write the files of a results directory, which may come from elsewhere."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import stat
import struct
import tempfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from rnnbench.console import message_of, warn
from rnnbench.store.rules import Rules, check_fields

T = TypeVar("T")
MOST = 2**30  # bytes of a file, also unpacked; the records of 100,000 runs are less
PACKED = ".gz"
CHUNK = 2**20  # bytes that are unpacked at once
DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error)  # what unpacking a damaged file raises
# The folders of a results directory, and of the tuning in it, that the suite writes in.
FOLDERS = ("runs", "checkpoints", "progress", "claims", "diagnosis", "report", "cluster", "wandb")
TUNING = "tuning"
KEY = "seal"
DIGITS = 16
# The end of a sealed line of JSON, around the digits.
OPENING, CLOSING = f',"{KEY}":"', '"}'
LENGTH = struct.Struct("<Q")  # in front of a safetensors file's header
ALIGNMENT = 8


class LeadsOut(OSError):
    """A symbolic link below a directory leads out of it; the text is one line."""


def check_links(directory: Path | str) -> None:
    """Check that no folder that is written in is a link that leads out of a results directory.

    A link in place of a file is no danger: files are replaced and removed, and neither follows it.
    The directory itself may be a link.

    Raises:
        LeadsOut: one does.
    """
    for place in (Path(directory), Path(directory, TUNING)):
        for path in (place, *(place / name for name in FOLDERS)):
            check_inside(path, directory)


def check_inside(path: Path | str, directory: Path | str) -> None:
    """Check that a path, followed through all links, leads to a place within a directory.

    Raises:
        LeadsOut: it does not.
    """
    root, target = os.path.realpath(directory), os.path.realpath(path)
    if os.path.commonpath([root, target]) != root:
        raise LeadsOut(f"{path} must not lead out of {directory}, got a link to {target}")


def read_file(path: Path | str, most: int | None = MOST) -> bytes:
    """Return the bytes of a file; arguments and errors as in `open_file`."""
    with open_file(path, most) as file:
        return file.read()


def open_file(path: Path | str, most: int | None = MOST) -> BinaryIO:
    """Open a file of so many bytes at most to read them; `most` is None for any number.

    Raises:
        OSError: it cannot be read, is no regular file (a pipe or a device may never end), or is
            larger than any that is written here.
    """
    # A pipe is opened without waiting for somebody to write to it. The caller closes what it gets.
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    found = os.fstat(file.fileno())
    problem = None if stat.S_ISREG(found.st_mode) else "is no regular file"
    if not problem and most is not None and found.st_size > most:
        problem = f"has more than {most} bytes"
    if problem:
        file.close()
        raise OSError(f"{path} {problem}")
    return file


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: it is not JSON, or is nested too deep.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def read_object(
    path: Path | str, needed: Rules, what: str, optional: Rules | None = None
) -> dict[str, Any]:
    """Return the object of a JSON file, its fields checked.

    Raises:
        OSError, ValueError: it cannot be read, or is not of the right form.
    """
    found: dict[str, Any] = parse_json(read_file(path))
    check_fields(found, needed, optional or {}, what)
    return found


def read_json(path: Path | str, needed: Rules, what: str) -> dict[str, Any] | None:
    """Return the object of a JSON file, its fields checked; None where there is no file.

    One that is not of the right form is named in a warning, and None as well.
    """
    try:
        return read_object(path, needed, what)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        warn(f"{path} is passed over: {message_of(error)}")
        return None


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


def name_file(error: OSError, path: Path) -> None:
    """Have an error of the system tell its file; `open_file`'s own tell it in their text."""
    if error.errno is not None:
        error.filename = str(path)


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


def read_table(path: Path, columns: Collection[str]) -> list[dict[str, str]]:
    """Return the rows of a CSV file by column; none where it is empty.

    Raises:
        OSError, ValueError: it cannot be read, or lacks some of the columns, or a row does.
    """
    reader = csv.DictReader(io.StringIO(read_file(path).decode(), newline=""))
    try:
        rows = list(reader)
    except csv.Error as error:
        raise ValueError(message_of(error)) from error
    missing = set(columns) - set(reader.fieldnames or ())
    if missing and (rows or reader.fieldnames):
        raise ValueError(f"it must have the columns {', '.join(sorted(missing))}")
    if any(row[name] is None for row in rows for name in columns):
        raise ValueError("each row must have a value in every column")
    return rows


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader, a crash or a full disk never sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(path)  # and not the draft's name, or none
        raise


def private_directory(name: str) -> Path | None:
    """Return a directory of the cache that belongs to the user and no one else can write to.

    It lies in RNNBENCH_CACHE, or in rnnbench's part of the user's cache directory. None where it is
    someone else's, or open to others, or cannot be made, or where the user has no home.
    """
    with suppress(OSError, RuntimeError):
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        directory = Path(os.environ.get("RNNBENCH_CACHE") or Path(home) / "rnnbench") / name
        directory.mkdir(parents=True, mode=0o700, exist_ok=True)
        if is_private(directory) and os.access(directory, os.W_OK | os.X_OK):
            return directory
    return None


def is_private(path: Path) -> bool:
    """Return whether a file or directory is the user's, no link, and nobody else's to write."""
    found = path.lstat()
    foreign = found.st_uid != os.getuid() or stat.S_ISLNK(found.st_mode)
    return not foreign and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def seal_line(text: str) -> str:
    """Return a JSON object with its seal as the last key."""
    return f"{text[:-1]}{OPENING}{_hash(text.encode())}{CLOSING}"


def check_line(line: str) -> None:
    """Check a sealed line of JSON.

    Raises:
        ValueError: it is not as it was written.
    """
    body, found, end = line.rstrip("\n").rpartition(OPENING)
    if not found or end != _hash(f"{body}}}".encode()) + CLOSING:
        raise ValueError("it is not as it was written")


def seal_tensors(content: bytes) -> bytes:
    """Return a safetensors file with its seal among the metadata."""
    header, data = _parts(content)
    metadata = {**header.pop("__metadata__", {})}
    metadata[KEY] = _hash_of_tensors(header, metadata, data)
    text = json.dumps({"__metadata__": metadata, **header}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return LENGTH.pack(len(text)) + text + data


def check_tensors(content: bytes) -> dict[str, Any]:
    """Check that a safetensors file is whole, and as it was written if it has metadata.

    One without any, as other programs write it, has no seal. Return the metadata beside the seal:
    whose tensors these are.

    Raises:
        ValueError: it is not.
    """
    header, data = _parts(content)
    metadata = header.pop("__metadata__", None)
    try:
        end = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
        seal = metadata.pop(KEY) if metadata is not None else None
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        raise ValueError("its header cannot be read") from error
    if end != len(data):
        raise ValueError(f"it has {len(data)} bytes of tensors, and not {end}")
    try:
        intact = metadata is None or seal == _hash_of_tensors(header, metadata, data)
    except RecursionError as error:
        raise ValueError("its header is nested too deep") from error
    if not intact:
        raise ValueError("it is not as it was written")
    return metadata or {}


def _parts(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Split a safetensors file into its header and its tensors' bytes."""
    if len(content) < LENGTH.size:
        raise ValueError(f"it has {len(content)} bytes")
    (length,) = LENGTH.unpack_from(content)
    end = LENGTH.size + length
    header = parse_json(content[LENGTH.size : end])
    if not isinstance(header, dict):
        raise ValueError("it has no header")
    return header, content[end:]


def _hash_of_tensors(header: dict[str, Any], metadata: dict[str, Any], data: bytes) -> str:
    known = json.dumps([header, metadata], sort_keys=True, separators=(",", ":"))
    return _hash(known.encode(), data)


def _hash(text: bytes, data: bytes = b"") -> str:
    found = hashlib.sha256(text)
    found.update(data)
    return found.hexdigest()[:DIGITS]
