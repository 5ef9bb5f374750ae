"""What a condition in training last told, in a file that any launcher and `status` can read."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from rnnbench.records import write_atomically
from rnnbench.rules import SHARE, Rules, whole
from rnnbench.within import read_file

NEWS_SECONDS = 5.0
RULES: Rules = {
    **{"step": whole(0), "steps": whole(1), "active": whole(0)},
    "accuracy": SHARE.or_none,
}


class News:
    """The news of one condition: step, steps, active (replicas in the stack) and accuracy."""

    def __init__(self, output_dir: Path | str, condition_id: str) -> None:
        self.path = Path(output_dir) / "progress" / f"{condition_id}.json"
        self._told = -NEWS_SECONDS

    def tell(self, news: Mapping[str, Any]) -> None:
        """Write the news, every few seconds; a full disk must not stop what they are about."""
        if time.monotonic() - self._told < NEWS_SECONDS:
            return
        self._told = time.monotonic()
        with suppress(OSError):
            write_atomically(self.path, json.dumps({key: news[key] for key in RULES}).encode())

    def read(self) -> dict[str, Any] | None:
        """Return the latest news, or None where there are none."""
        try:
            news = json.loads(read_file(self.path))
            told = {key: news[key] for key in RULES}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        as_told = all(rule.holds(told[key]) for key, rule in RULES.items())
        return told if as_told and told["step"] <= told["steps"] else None

    def clear(self) -> None:
        """Remove the news, once the condition is no longer in training."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
            self.path.parent.rmdir()
