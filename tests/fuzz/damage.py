"""Ways to damage the files of a results directory: strange values, odd bytes, what is no file."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from rnnbench.store.files import KEY, LENGTH, seal_line, seal_tensors

STRANGE: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 1.5, 2**53 + 1, 10**30, -(10**30), 1e308, -1e308, 5e-324),
    *(math.nan, math.inf, -math.inf, "", " ", "\x00", "\ud800", "\x1b[2J", "a\nb", "\u202e", "💥"),
    *("../../escape", "/etc/passwd", "<script>alert(1)</script>", "</script>", "$\\a$", "%s{0}"),
    *("x" * 300, "x" * 200_000, "2", "nan", "os.system", "antigravity.X", [], {}, [None], [[1]]),
    *({"": 0}, {"a": {"b": 1}}, [1] * 1000),
)
_deep: Any = "x"
for _ in range(300):
    _deep = [_deep]
STRANGE = (*STRANGE, _deep)
BYTES = (b"", b"\x00", b"\xff\xfe", b"{", b"[]", b"null", b"\n\n", b"[" * 20_000, b"\x80\x04N.")
FIRST = 12  # of the lines of a table or list, which are damaged; more would be more of the same


class Damage(NamedTuple):
    """One change to one file, made of numbers that are taken modulo what there is.

    Attributes:
        file: which one.
        way: name of a method of `Directory`.
        where: a line, a place within.
        value: index of a strange value.
    """

    file: int
    way: str
    where: int
    value: int


class Directory:
    """A results directory that is being damaged."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.files = sorted(path for path in place.rglob("*") if path.is_file())

    def damage(self, damage: Damage) -> str:
        """Make one change; return in words which."""
        path = self.files[damage.file % len(self.files)]
        if not path.is_file() or path.is_symlink():
            return "nothing"
        way = damage.way if path.suffix in (".json", ".jsonl") else f"{damage.way}_bytes"
        getattr(self, way, self.replace)(path, damage.where, damage.value)
        return f"{way} {path.relative_to(self.place)} {damage.where} {damage.value}"

    def replace(self, path: Path, where: int, value: int) -> None:
        path.write_bytes(BYTES[value % len(BYTES)])

    def truncate(self, path: Path, where: int, value: int) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: where % (len(content) + 1)])

    def splice(self, path: Path, where: int, value: int) -> None:
        content = path.read_bytes()
        at = where % (len(content) + 1)
        path.write_bytes(content[:at] + BYTES[value % len(BYTES)] + content[at + value % 5 :])

    def double(self, path: Path, where: int, value: int) -> None:
        path.write_bytes(path.read_bytes() * 2)
        shutil.copy(path, path.with_name(f"{value}{path.name}"))

    def move(self, path: Path, where: int, value: int) -> None:
        kind = value % 4
        path.unlink()
        if kind == 1:
            path.mkdir()
        elif kind == 2:
            path.symlink_to(path)
        elif kind == 3:
            path.symlink_to(self.place)

    def change(self, path: Path, where: int, value: int) -> None:
        """Put a strange value in the place of one in a JSON file, or in one line of it."""
        self._edit(path, where, value, lambda inner, key: inner.__setitem__(key, _strange(value)))

    def remove(self, path: Path, where: int, value: int) -> None:
        self._edit(path, where, value, lambda inner, key: inner.__delitem__(key))

    def add(self, path: Path, where: int, value: int) -> None:
        def put(inner: Any, key: Any) -> None:
            if isinstance(inner, dict):
                inner["more"] = _strange(value)
            else:
                inner.append(_strange(value))

        self._edit(path, where, value, put)

    def change_bytes(self, path: Path, where: int, value: int) -> None:
        """Put a strange value into a table's field, a tensors' header, or any other's bytes."""
        if path.suffix == ".safetensors":
            return self._edit_header(path, where, value)
        if path.suffix != ".csv":
            return self.splice(path, where, value)
        text = path.read_text(errors="surrogateescape")
        rows = [line.split(",") for line in text.splitlines()] or [[""]]
        row = rows[where % min(len(rows), FIRST)]
        row[where // FIRST % len(row)] = str(_strange(value))[:1000].replace("\ud800", "\udcff")
        path.write_text("\n".join(map(",".join, rows)), errors="surrogateescape")
        return None

    truncate_bytes, splice_bytes = truncate, splice
    double_bytes, move_bytes = double, move

    def _edit_header(self, path: Path, where: int, value: int) -> None:
        content = path.read_bytes()
        end = LENGTH.size + LENGTH.unpack_from(content)[0] if len(content) >= LENGTH.size else 0
        try:
            header = json.loads(content[LENGTH.size : end])
        except (ValueError, RecursionError):
            return
        spots = list(_places(header)) if isinstance(header, dict) else []
        if not spots:
            return
        inner, key = spots[where % len(spots)]
        inner[key] = _strange(value)
        text = json.dumps(header).encode()
        changed = LENGTH.pack(len(text)) + text + content[end:]
        if _is_sealed_again(value):
            with suppress(
                ValueError, TypeError, AttributeError
            ):  # what has no metadata has no seal
                changed = seal_tensors(changed)
        path.write_bytes(changed)

    def _edit(self, path: Path, where: int, value: int, edit: Any) -> None:
        lines = path.read_bytes().splitlines() or [b""]
        number = where % min(len(lines), FIRST)
        try:
            content = json.loads(lines[number])
        except (ValueError, RecursionError):
            return
        spots = list(_places(content)) if isinstance(content, dict | list) else []
        if spots:
            edit(*spots[where % len(spots)])
            lines[number] = _written(content, value)
            path.write_bytes(b"\n".join(lines) + b"\n")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each part of a JSON value with its key, the parts of long lists but for the first."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key][:1] if _is_history(key, value) else value[key])


def _is_history(key: Any, value: Any) -> bool:
    return key == "history" and isinstance(value[key], list)


def _written(content: Any, value: int) -> bytes:
    """Return JSON, as a rule with a seal that fits where there was one: so that it is gone into."""
    if not (isinstance(content, dict) and KEY in content and _is_sealed_again(value)):
        return json.dumps(content).encode()
    rest = {key: inner for key, inner in content.items() if key != KEY}
    return seal_line(json.dumps(rest)).encode() if rest else b"{}"


def _is_sealed_again(value: int) -> bool:
    return value // len(STRANGE) % 4 > 0


def _strange(value: int) -> Any:
    return STRANGE[value % len(STRANGE)]


WAYS = ("change", "change", "change", "change", "remove", "add", "replace", "truncate", "splice")
NUMBERS = st.integers(0, 2**20)
damages = st.builds(Damage, NUMBERS, st.sampled_from((*WAYS, "double", "move")), NUMBERS, NUMBERS)
