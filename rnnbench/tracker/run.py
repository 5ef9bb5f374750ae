"""Send one run to W&B: open it, add its evaluations, and put its results into the summary."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.store.records import RESULTS, is_finished
from rnnbench.store.schema import MEASURES
from rnnbench.store.settings import curve_id, digest, settings_of
from rnnbench.tracker.client import Settings, open_run

if TYPE_CHECKING:
    import wandb

NOT_SUMMARY = tuple("config environment history plateaus accuracy_by_age format versions".split())
# No settings, and known at the end alone.
OUTCOME = (*RESULTS, "clipped_steps", "seconds", "sequences_per_second", "error")
Record = Mapping[str, Any]


def start_run(settings: Settings, output_dir: Path, sweep: str, record: Record) -> wandb.Run:
    """Open the run of a record as far as it is known.

    Its id is fixed, so that a rerun goes on with it and doubles nothing.
    """
    condition = "{task} gap {gap} {cell}".format(**record)
    known = {name: value for name, value in _flat(record).items() if name not in OUTCOME}
    run = open_run(
        settings,
        output_dir,
        id=wandb_id(sweep, record),
        name=run_name(record),
        group=settings.get("group") or sweep,
        job_type=record["task"],
        tags=[record["task"], record["cell"], f"gap {record['gap']}"],
        config={
            **known,
            **record.get("config", {}),
            # What several seeds are grouped by, told apart where only other settings differ.
            "condition": f"{condition} ({record['condition_id'][:6]})",
            # What a line over gaps is grouped by.
            "curve": f"{record['cell']} {record['task']} ({curve_id(settings_of(record))[:6]})",
            "environment": record.get("environment", {}),
        },
    )
    run.define_metric("step")
    for curve in (*MEASURES, "train_loss"):
        run.define_metric(curve, step_metric="step")
    return run


def log_row(run: wandb.Run, row: Mapping[str, float]) -> None:
    """Add a row of history, unless the server has it from an earlier attempt."""
    if row["step"] >= run.starting_step:
        # Committed at once: a row that waits would overwrite the summary at the end.
        run.log(_flat(row), step=int(row["step"]), commit=True)


def conclude(run: wandb.Run, record: Record) -> int:
    """Put a run's results into its summary; return the code to finish it with.

    They are measured on the test stream, so that they have other keys than the evaluations.
    """
    found = _flat(record)
    run.summary.update({f"test_{key}" if key in MEASURES else key: found[key] for key in found})
    return 0 if is_finished(record) else 1


def wandb_id(sweep: str, record: Record) -> str:
    """Return a run's id at W&B, where one project may hold several sweeps with the same run."""
    return digest([sweep, record["run_id"]])


def run_name(record: Record) -> str:
    """Return how a run is shown."""
    return "{cell} {task} gap {gap} seed {seed} lr {lr:g}".format(**record)


def _flat(record: Record) -> dict[str, Any]:
    """Return what W&B's charts can show of a record: scalars that have a value."""
    scalars = {k: v for k, v in record.items() if k not in NOT_SUMMARY and v is not None}
    return {k: v for k, v in scalars.items() if not isinstance(v, float) or math.isfinite(v)}
