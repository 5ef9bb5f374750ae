"""Send the figures, tables and results of a whole sweep to W&B, as one run."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rnnbench.console import message_of
from rnnbench.store.records import CONSOLIDATED, consolidate
from rnnbench.store.settings import digest
from rnnbench.tracker.client import Outage, Settings, open_run, own_client
from rnnbench.tracker.names import safe

if TYPE_CHECKING:
    import pandas as pd
    import wandb

FIGURES = ("accuracy_vs_gap", "score_vs_gap", "solving_curves", "learning_curves")
TABLES = ("summary.csv", "by_gap.csv")
ARTIFACT_SECONDS = 20


def log_summary(sweep: str, settings: Settings, output_dir: Path, report: Path) -> bool:
    """Mirror what a sweep has found so far, once, and return whether W&B lacked it.

    Raises:
        Exception: whatever the client raises, or the lack of a report.
    """
    online = settings["mode"] == "online"
    with own_client(online=online), TemporaryDirectory() as place:
        return _log(sweep, settings, output_dir, report, Path(place))


def summary_id(sweep: str) -> str:
    """Return the id at W&B of a sweep's summary."""
    return digest([sweep, "summary"])


def by_gap_table(task: str) -> str:
    """Return the key of the table with a task's means at every gap."""
    return f"by_gap_{safe(task)}"


def mirror_summary(sweep: str, settings: Settings, output_dir: Path, report: Path) -> None:
    """Log the summary at a sweep's end, unless W&B is left out; a failure is a warning."""
    outage = Outage(output_dir)
    if outage.is_on:
        return
    try:
        log_summary(sweep, settings, output_dir, report)
    except Exception as error:  # whatever the client raises: a mirror must not stop the sweep
        outage.begin(message_of(error))


def _log(sweep: str, settings: Settings, output_dir: Path, report: Path, place: Path) -> bool:
    from rnnbench.store.frames import load_results

    results = load_results(output_dir).drop(columns=["plateaus", "accuracy_by_age"])
    consolidate([output_dir], place)
    files = [place / CONSOLIDATED[0], *(report / name for name in TABLES)]
    state = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    run = open_run(
        settings,
        output_dir,
        id=summary_id(sweep),
        name=f"{sweep} summary",
        group=settings.get("group") or sweep,
        job_type="summary",
        tags=["summary"],
        config={"sweep": sweep},
    )
    lacking = bool(run.summary.get("state") != state)
    if lacking:
        artifact = run.log_artifact(_artifact(sweep, files))
        if settings["mode"] == "online":  # first, as the state tells that all is there
            artifact.wait(ARTIFACT_SECONDS)
        # The number of runs is the step: a row for every state of the sweep, and not two for one.
        step = max(len(results), run.starting_step)
        run.log({**_tables(results, files), **_pictures(report)}, step=step, commit=True)
        counts = Counter(results["status"])
        run.summary.update({"runs": len(results), **counts, "state": state})
    run.finish(exit_code=0)
    return lacking


def _tables(results: pd.DataFrame, files: list[Path]) -> dict[str, wandb.Table]:
    """Return runs, horizons per task and cell, and the means at every gap by task."""
    import wandb

    horizons, by_gap = map(_read_table, files[1:])
    by_gap["curve"] = by_gap["cell"] + ", " + by_gap["variant"]
    by_gap["curve"] = by_gap["curve"].str.removesuffix(", ")
    frames = {"results": results, "horizons": horizons}
    frames |= {by_gap_table(str(task)): means for task, means in by_gap.groupby("task")}
    return {name: wandb.Table(dataframe=_without_gaps(f)) for name, f in frames.items()}


def _read_table(file: Path) -> pd.DataFrame:
    """Read a table of the report; a cell may be named NA or 2024, which pandas takes for others."""
    import pandas as pd

    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    texts = ("task", "cell", "variant")
    numbers = [c for c in table if c not in texts and not str(c).endswith("_bound")]
    return table.assign(**{str(name): pd.to_numeric(table[name]) for name in numbers})


def _without_gaps(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave no NaN among texts: a column of a W&B table has one type."""
    texts = frame.select_dtypes(exclude=["number", "bool"]).columns
    filled = {name: frame[name].astype(object).where(frame[name].notna(), "") for name in texts}
    return frame.assign(**filled)


def _pictures(report: Path) -> dict[str, wandb.Image]:
    import wandb

    paths = [report / f"{name}.png" for name in FIGURES]
    return {path.stem: wandb.Image(str(path)) for path in paths if path.exists()}


def _artifact(sweep: str, files: list[Path]) -> wandb.Artifact:
    import wandb

    artifact = wandb.Artifact(f"{safe(sweep)}-results", type="results")
    for file in files:
        artifact.add_file(str(file), name=file.name, skip_cache=True)
    return artifact
