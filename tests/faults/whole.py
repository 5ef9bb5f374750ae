"""Whether every file of a sweep is whole: written at once, or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError, safe_open


def half_written(output_dir: Path) -> Iterator[str]:
    """Yield which files are not whole; drafts, whose names begin with a dot, are nobody's yet."""
    for path in sorted(output_dir.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(output_dir).parts)
        if path.is_file() and not hidden and not _is_whole(path):
            yield f"{path.relative_to(output_dir)} is half-written"


def _is_whole(path: Path) -> bool:
    try:
        if path.suffix == ".json":
            json.loads(path.read_bytes())
        elif path.suffix == ".safetensors":
            with safe_open(path, framework="pt"):
                pass
    except FileNotFoundError:  # a worker that has outlived its launcher is at work
        return True
    except (ValueError, SafetensorError):
        return False
    return True
