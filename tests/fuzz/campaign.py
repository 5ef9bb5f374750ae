"""Draw inputs, run each in a sandbox, and tell and count what must not be."""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.fuzz.damage import damage
from tests.fuzz.sandbox import Outcome, Sandbox
from tests.fuzz.stored_files import RESULTS, consolidated, make_directory
from tests.fuzz.words import KINDS, Input

TRACEBACK, HANG, OUTSIDE, WRONGLY = "tracebacks", "hangs", "files outside", "accepted wrongly"


class Campaign:
    """Runs inputs one after the other.

    Attributes:
        faults: how many there are of each kind.
        number: of inputs so far.
    """

    def __init__(self, base: Path, tell: Callable[[str], None] = print) -> None:
        self.sandbox, self.tell = Sandbox(base), tell
        self.faults: Counter[str] = Counter()
        self.number = 0
        whole = make_directory(base / "templates" / "whole")
        self.templates = [whole, consolidated(whole, base / "templates" / "published")]

    def run(self, kind: str, count: int, seed: int = 0, only: int | None = None) -> None:
        """Run so many inputs of a kind, or of these only the one of a number."""
        for number in range(count) if only is None else [only]:
            draw = Random(f"{kind} {seed} {number}")
            drawn = KINDS[kind](draw)
            changes = self._prepare(drawn, draw)
            self.number += 1
            found = judge(drawn, self.sandbox.run(drawn.main, drawn.words, drawn.own))
            self.faults.update(found.keys())
            repeat = f"python -m tests.fuzz {kind} --seed {seed} --only {number}"
            for fault, what in found.items():
                lines = [f"{fault}: {drawn}", *changes, what.rstrip(), f"repeat: {repeat}"]
                self.tell("\n    ".join(lines))

    def _prepare(self, drawn: Input, draw: Random) -> list[str]:
        self.sandbox.empty()
        (self.sandbox.work / "file").touch()
        if not any(RESULTS in word for word in drawn.words):
            return []
        place = self.sandbox.work / RESULTS
        shutil.copytree(draw.choice(self.templates) if drawn.damages else self.templates[0], place)
        return [damage(place, draw) for _ in range(drawn.damages)]


def judge(drawn: Input, outcome: Outcome) -> dict[str, str]:
    """Return what must not be in an outcome, by kind of fault, in words."""
    found = {}
    said = outcome.output + outcome.errors
    if outcome.hung:
        found[HANG] = "it went on for too long"
    elif outcome.raised or "Traceback" in said:
        found[TRACEBACK] = outcome.raised or said
    elif outcome.code not in (0, 1, 2):
        found[TRACEBACK] = f"exit code {outcome.code}: {said}"
    elif outcome.code == 2 and not _is_one_line(outcome.errors):
        found[TRACEBACK] = f"more or less than a line: {outcome.errors!r}"
    elif any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in said):
        found[TRACEBACK] = f"characters that are none of a text: {said!r}"
    if outcome.written:
        found[OUTSIDE] = ", ".join(outcome.written)
    if not found and drawn.right is False and outcome.code != 2:
        found[WRONGLY] = f"exit code {outcome.code}: {said}"
    if not found and drawn.right and outcome.code != 0:
        found[WRONGLY] = f"refused, though it is right: {said}"
    return found


def _is_one_line(errors: str) -> bool:
    """Return whether one line, the last, says what is wrong; others may say what is left out."""
    *before, last = errors.splitlines() or [""]
    may_be = re.compile(r"rnnbench: warning: .*|.* left out(: .*)?")
    return "error: " in last and all(map(may_be.fullmatch, before))
