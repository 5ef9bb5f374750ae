"""The small sweep that is disturbed, and what of it must not change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.stored_numbers import CIRCUMSTANCES

FINISHED = ("solved", "unsolved", "diverged")
# The seal is over what may differ, too.
LEFT_OUT = (*CIRCUMSTANCES, "seal")
OWN = Path(__file__).with_name("own.py")
OUTPUT = "out"
SWEEP = (
    *("--config-dir", "conf", "task=recall", "task.gap=5,7", "cell=own,rnn", "seeds=2"),
    *("model.hidden_size=8", "trainer.steps=24", "trainer.eval_every=8", "trainer.batch_size=8"),
    *("trainer.eval_size=32", "trainer.lr=1e-3", "name=small"),
)
CONDITIONS, RUNS = 4, 8
# The engines that sweeps are disturbed on. `auto` finds the reference, as nothing else can run an
# own cell where there is no compiler.
ENGINES = ("reference", "auto", "compiled")

Mark = tuple[int, bytes]


class Run(NamedTuple):
    """All that must not change of one run.

    Attributes:
        record: without its circumstances.
        weights: the bytes of its final parameters.
    """

    record: dict[str, Any]
    weights: bytes


def furnish(directory: Path) -> None:
    """Put a user's own cell into a working directory."""
    (directory / "conf" / "cell").mkdir(parents=True)
    (directory / "own.py").write_bytes(OWN.read_bytes())
    (directory / "conf" / "cell" / "own.yaml").write_text("_target_: own.Own\nname: own\n")


def records(output_dir: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the finished records that can be read, read without the suite's own store."""
    for path in sorted((output_dir / "runs").glob("*.json")):
        try:
            record = json.loads(path.read_bytes())
            finished = record["status"] in FINISHED
        except (ValueError, KeyError, TypeError):
            continue
        if finished:
            yield path, record


def runs(output_dir: Path) -> dict[str, Run]:
    """Return every finished run by its id."""
    found = {}
    for path, record in records(output_dir):
        kept = {key: value for key, value in record.items() if key not in LEFT_OUT}
        weights = path.with_suffix(".safetensors")
        found[path.stem] = Run(kept, weights.read_bytes() if weights.exists() else b"")
    return found


def marks(output_dir: Path) -> dict[str, Mark]:
    """Return what changes when a finished record is written again, by run id."""
    found = (path for path, _ in records(output_dir))
    return {path.stem: (path.stat().st_ino, path.read_bytes()) for path in found}
