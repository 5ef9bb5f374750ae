"""Damage the files of a results directory: strange values, odd bytes, what is no file."""

from __future__ import annotations

import json
import math
import shutil
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from rnnbench.store.seals import KEY, LENGTH, seal_line, seal_tensors

DEEP: Any = json.loads("[" * 300 + "]" * 300)
STRANGE: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 1.5, 2**53 + 1, 10**30, -(10**30), 1e308, -1e308, 5e-324),
    *(math.nan, math.inf, -math.inf, "", " ", "\x00", "\ud800", "\x1b[2J", "a\nb", "\u202e", "💥"),
    *("../../escape", "/etc/passwd", "<script>alert(1)</script>", "</script>", "$\\a$", "%s{0}"),
    *("x" * 300, "x" * 200_000, "2", "nan", "os.system", "antigravity.X", [], {}, [None], [[1]]),
    *({"": 0}, {"a": {"b": 1}}, [1] * 1000, DEEP),
)
BYTES = (b"", b"\x00", b"\xff\xfe", b"{", b"[]", b"null", b"\n\n", b"[" * 20_000, b"\x80\x04N.")
RESEALED = 0.75  # so often a change gets a seal that fits, so that it is gone into


def damage(place: Path, draw: Random) -> str:
    """Damage one file of a directory; return in words how."""
    files = [p for p in sorted(place.rglob("*")) if p.is_file() and not p.is_symlink()]
    records = [p for p in files if p.parent.name == "runs" or p.name == "records.jsonl"]
    path = draw.choice(draw.choice([files, records or files]))  # all commands read records
    way = draw.choice((*[edit] * 6, replace, truncate, splice, double, move))
    way(path, draw)
    return f"{way.__name__} {path.relative_to(place)}"


def replace(path: Path, draw: Random) -> None:
    path.write_bytes(draw.choice(BYTES))


def truncate(path: Path, draw: Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: draw.randint(0, len(content))])


def splice(path: Path, draw: Random) -> None:
    content = path.read_bytes()
    at = draw.randint(0, len(content))
    path.write_bytes(content[:at] + draw.choice(BYTES) + content[at + draw.randrange(5) :])


def double(path: Path, draw: Random) -> None:
    path.write_bytes(path.read_bytes() * 2)
    shutil.copy(path, path.with_name(f"{draw.randrange(99)}{path.name}"))


def move(path: Path, draw: Random) -> None:
    """Leave nothing, a folder, a link to itself or a link to its folder."""
    path.unlink()
    kind = draw.randrange(4)
    if kind == 1:
        path.mkdir()
    elif kind:
        path.symlink_to(path if kind == 2 else path.parent)


def edit(path: Path, draw: Random) -> None:
    """Put a strange value into a JSON file, a table or the header of a tensors' file."""
    content = path.read_bytes()
    if path.suffix == ".csv":
        rows = [line.split(",") for line in content.decode(errors="replace").splitlines()] or [[""]]
        row = draw.choice(rows[:12])
        row[draw.randrange(len(row))] = str(draw.choice(STRANGE))[:1000].replace("\ud800", "?")
        path.write_text("\n".join(map(",".join, rows)))
    elif path.suffix == ".safetensors":
        end = LENGTH.size + LENGTH.unpack_from(content.ljust(LENGTH.size))[0]
        text = _edited(content[LENGTH.size : end], draw)
        changed = LENGTH.pack(len(text)) + text + content[end:]
        if draw.random() < RESEALED:
            with suppress(ValueError, TypeError, AttributeError):  # no metadata, and so no seal
                changed = seal_tensors(changed)
        path.write_bytes(changed)
    else:
        lines = content.splitlines() or [b""]
        number = draw.randrange(min(len(lines), 12))
        lines[number] = _edited(lines[number], draw)
        path.write_bytes(b"\n".join(lines) + b"\n")


def _edited(line: bytes, draw: Random) -> bytes:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return line
    is_sealed = isinstance(value, dict) and value.pop(KEY, None)
    _change(value, draw)
    text = json.dumps(value)
    return (seal_line(text) if is_sealed and value and draw.random() < RESEALED else text).encode()


def _change(value: Any, draw: Random) -> None:
    """Change, remove or add a part, somewhere within a value."""
    if not isinstance(value, dict | list) or not value:
        return
    key = draw.choice(list(value) if isinstance(value, dict) else range(len(value)))
    way = draw.randrange(12)
    if isinstance(value[key], dict | list) and value[key] and way < 8:
        _change(value[key], draw)
    elif way == 8:
        del value[key]
    elif way == 9 and isinstance(value, dict):
        value["more"] = draw.choice(STRANGE)
    else:
        value[key] = draw.choice(STRANGE)
