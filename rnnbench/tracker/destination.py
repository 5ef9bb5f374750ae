"""Where a sweep is mirrored to: kept beside W&B's files, for what is sent or drawn later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnbench.records import write_atomically

PROJECT = "rnnbench"


def keep_destination(settings: Mapping[str, Any], output_dir: Path) -> None:
    """Write down project and entity, as they were configured; never a key."""
    kept = {name: settings[name] for name in ("project", "entity")}
    write_atomically(_file(output_dir), json.dumps(kept).encode() + b"\n")


def read_destination(output_dir: Path) -> dict[str, str | None]:
    """Return project and entity; the defaults where the sweep was not mirrored."""
    default: dict[str, str | None] = {"project": PROJECT, "entity": None}
    try:
        kept = json.loads(_file(output_dir).read_bytes())
        return {name: kept[name] for name in default}
    except (OSError, ValueError, KeyError, TypeError):
        return default


def _file(output_dir: Path) -> Path:
    return output_dir / "wandb" / "destination.json"
