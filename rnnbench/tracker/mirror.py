"""Weights & Biases as a mirror: every run as it trains; never read back, never in the way."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rnnbench.condition import Sweep, digest

if TYPE_CHECKING:
    import pandas as pd
    import wandb

CURVES = ("loss", "accuracy", "score", "grad_norm")
NOT_SUMMARY = ("config", "environment", "history", "plateaus", "format", "versions")
FIGURES = ("accuracy_vs_gap", "score_vs_gap", "solving_curves", "learning_curves")
INIT_SECONDS = 5
FINISH_SECONDS = 10  # what is not sent by then stays on disk for `wandb sync`


class Tracker(Protocol):
    """What training tells of its runs; `record` is a run's record, as far as it is known."""

    def start(self, record: Mapping[str, Any]) -> None: ...

    def log(self, run_id: str, row: Mapping[str, float]) -> None: ...

    def finish(self, record: Mapping[str, Any]) -> None: ...

    def close(self) -> None: ...


def open_tracker(settings: Mapping[str, Any], output_dir: Path, sweep: str) -> Tracker:
    """Return the tracker that was configured.

    Args:
        settings: kind (wandb or none), mode (online or offline, resolved), project, entity.
        output_dir: offline runs go to its `wandb` directory.
        sweep: name of the sweep, the runs' group.
    """
    if settings["kind"] == "none":
        return NullTracker()
    return WandbTracker(settings, output_dir, sweep)


class NullTracker:
    """Tells nobody."""

    def start(self, record: Mapping[str, Any]) -> None:
        """Pass over it."""

    def log(self, run_id: str, row: Mapping[str, float]) -> None:
        """Pass over it."""

    def finish(self, record: Mapping[str, Any]) -> None:
        """Pass over it."""

    def close(self) -> None:
        """Pass over it."""


class WandbTracker:
    """One W&B run per replica, several open at once; after an error its process asks no more.

    Attributes:
        broken: the client has failed in this process.
    """

    broken = False

    def __init__(self, settings: Mapping[str, Any], output_dir: Path, sweep: str) -> None:
        self.settings, self.output_dir, self.sweep = settings, output_dir, sweep
        self.runs: dict[str, wandb.Run] = {}

    def start(self, record: Mapping[str, Any]) -> None:
        """Open a run; its id is fixed, so that a rerun goes on with it instead of doubling it."""
        if self.broken:
            return
        with _Guard(self):
            run = open_run(
                self.settings,
                self.output_dir,
                id=digest([self.sweep, record["run_id"]]),
                name="{cell} {task} gap {gap} seed {seed} lr {lr:g}".format(**record),
                group=self.sweep,
                job_type=record["task"],
                tags=[record["task"], record["cell"], f"gap {record['gap']}"],
                config={**_flat(record), **record["config"], "environment": record["environment"]},
            )
            run.define_metric("step")
            for curve in CURVES:
                run.define_metric(curve, step_metric="step")
            self.runs[record["run_id"]] = run

    def log(self, run_id: str, row: Mapping[str, float]) -> None:
        """Add a row of history, unless the server has it from before a resume."""
        if self.broken:
            return
        with _Guard(self):
            run = self.runs[run_id]
            if row["step"] >= run.step:
                # Committed at once: a row that waits would overwrite the summary at the end.
                run.log(dict(row), step=int(row["step"]), commit=True)

    def finish(self, record: Mapping[str, Any]) -> None:
        """Close a run with its results as the summary."""
        if self.broken:
            return
        with _Guard(self):
            run = self.runs.pop(record["run_id"])
            run.summary.update(_flat(record))
            run.finish(exit_code=0)

    def close(self) -> None:
        """Close the runs that are still open: they were stopped half-way, and will go on."""
        with _Guard(self):
            for run in self.runs.values():
                run.finish(exit_code=1)
            self.runs.clear()


class _Guard:
    """Swallow what W&B raises, with a warning, and mark the tracker as broken."""

    def __init__(self, tracker: WandbTracker) -> None:
        self.tracker = tracker

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        """Let interrupts through, and nothing else."""
        if not isinstance(error, Exception):
            return False
        warn(f"W&B is left out from here on: {' '.join(str(error).split())}")
        type(self.tracker).broken = True
        self.tracker.runs.clear()
        return True


def open_run(settings: Mapping[str, Any], output_dir: Path, **described: Any) -> wandb.Run:
    """Open one of several W&B runs of this process, silent and without a look at the machine."""
    import wandb

    directory = output_dir / "wandb"
    directory.mkdir(parents=True, exist_ok=True)
    return wandb.init(
        project=settings["project"],
        entity=settings["entity"],
        mode=settings["mode"],
        dir=output_dir,
        resume="allow",
        reinit="create_new",
        settings=wandb.Settings(
            console="off",
            disable_code=True,
            disable_git=True,
            finish_timeout=FINISH_SECONDS,
            init_timeout=INIT_SECONDS,
            silent=True,
            x_disable_stats=True,
        ),
        **described,
    )


def log_summary(sweep: Sweep, results: pd.DataFrame, report: Path, mode: str) -> None:
    """Log one run for the whole sweep: the table of results, and the figures of the report."""
    import wandb

    try:
        run = open_run(
            {**sweep.tracker, "mode": mode},
            sweep.output_dir,
            id=digest([sweep.name, "summary"]),
            name=f"{sweep.name} summary",
            group=sweep.name,
            job_type="summary",
            tags=["summary"],
            config={"sweep": sweep.name},
        )
        table = results.drop(columns=["plateaus"])
        run.log({"results": wandb.Table(dataframe=table)})
        pictures = [report / f"{name}.png" for name in FIGURES]
        run.log({p.stem: wandb.Image(str(p)) for p in pictures if p.exists()})
        statuses = results["status"].value_counts()
        run.summary.update({"runs": len(results), **{str(k): int(v) for k, v in statuses.items()}})
        run.finish()
    except Exception as error:  # whatever the client raises: a mirror must not stop the sweep
        warn(f"W&B has no summary of this sweep: {' '.join(str(error).split())}")


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's scalars; NaN is left out, as W&B's charts cannot show it."""
    scalars = {key: value for key, value in record.items() if key not in NOT_SUMMARY}
    return {k: v for k, v in scalars.items() if not isinstance(v, float) or math.isfinite(v)}


def warn(text: str) -> None:
    """Say in one line what the user may want to know."""
    print(f"rnnbench: warning: {text}", file=sys.stderr)
