"""Where a sweep is mirrored to: kept beside W&B's files, for what is sent or drawn later."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnbench.records import write_atomically
from rnnbench.rules import NAME, Rules, check_fields

PROJECT = "rnnbench"
RULES: Rules = {"project": NAME, "entity": NAME.or_none}


def keep_destination(settings: Mapping[str, Any], output_dir: Path) -> None:
    """Write down project and entity, as they were configured; never a key."""
    kept = {name: settings[name] for name in ("project", "entity")}
    write_atomically(_file(output_dir), json.dumps(kept).encode() + b"\n")


def read_destination(output_dir: Path) -> dict[str, str | None]:
    """Return project and entity; the defaults where the sweep was not mirrored."""
    default: dict[str, str | None] = {"project": PROJECT, "entity": None}
    try:
        kept = json.loads(_file(output_dir).read_bytes())
        check_fields(kept, RULES, {}, "a destination")
        return {name: kept[name] for name in default}
    except (OSError, ValueError, RecursionError):
        return default


def add_destination(parser: argparse.ArgumentParser) -> None:
    """Give a command the results directory, and another project or entity than the sweep's."""
    parser.add_argument("results", metavar="DIR", type=Path, help="results directory of a sweep")
    parser.add_argument("--project", help="W&B project (default: the sweep's)")
    parser.add_argument("--entity", help="W&B entity (default: the sweep's, or your own)")


def asked_destination(given: argparse.Namespace) -> dict[str, str | None]:
    """Return project and entity as a command was given them, the sweep's where it was not."""
    kept = read_destination(given.results)
    return {name: getattr(given, name) or value for name, value in kept.items()}


def _file(output_dir: Path) -> Path:
    return output_dir / "wandb" / "destination.json"
