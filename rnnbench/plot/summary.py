"""Put the results in numbers: a row per curve and gap, a row per curve, and what is missing."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnbench import statistics
from rnnbench.plot.curves import CURVE
from rnnbench.store.settings import curve_label

STATUSES = ("solved", "unsolved", "diverged", "failed")
SIZES = ("hidden_size", "state_size", "num_parameters")
BROKEN = ("diverged", "failed")
BEYOND, TIE = 1.25, 0.001


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task, cell, variant and gap.

    Diverged and failed runs are in every mean, with chance accuracy and score 0. Their loss is
    not a number, and so is then the mean loss: a mean over the others would flatter.
    """
    groups = results.groupby([*CURVE, "gap"], observed=True)
    rows = [
        dict(zip([*CURVE, "gap"], key, strict=True)) | _statistics(runs) for key, runs in groups
    ]
    return pd.DataFrame(rows)


def _statistics(runs: pd.DataFrame) -> dict[str, float | str]:
    row: dict[str, float | str] = {"label": runs["label"].iloc[0], "seeds": len(runs)}
    for measure in ("accuracy", "score"):
        interval = statistics.mean_interval(runs[measure])
        row |= {f"{measure}_{part}": value for part, value in interval._asdict().items()}
    middle = statistics.bootstrap_interval(runs["score"], statistics.interquartile_mean)
    row |= dict(zip(("score_iqm", "score_iqm_low", "score_iqm_high"), middle, strict=True))
    row["loss_mean"] = float(runs["loss"].mean(skipna=False))
    row |= {status: int((runs["status"] == status).sum()) for status in STATUSES}
    success = statistics.wilson_interval(int((runs["status"] == "solved").sum()), len(runs))
    return row | {
        "success_rate": success.mean,
        "success_low": success.low,
        "success_high": success.high,
        "median_steps_to_solve": statistics.median_steps(runs["steps_to_solve"]),
        "seconds_per_run": float(runs["seconds"].mean()),
        "chance_accuracy": float(runs["chance_accuracy"].iloc[0]),
        "chance_loss": float(runs["chance_loss"].iloc[0]),
    }


def horizons(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task, cell and variant, from labelled results.

    Columns beside these: label, seeds (the fewest at a gap), horizon and d90 (HorizonRange),
    needed (seeds that would bound the horizon; 0 where these do), area (Interval, or None at a
    single gap), success_rate (over all gaps), solved, runs, hidden_size, state_size and
    num_parameters (the largest, should gaps differ), seconds (of a run, on average),
    sequences_per_second (of all runs together).
    """
    rows = []
    for (task, cell, variant), runs in results.groupby(CURVE, observed=True):
        scores = scores_by_gap(runs)
        solved = int((runs["status"] == "solved").sum())
        rows.append(
            {
                **dict(zip(CURVE, (task, cell, variant), strict=True)),
                "label": curve_label(str(cell), str(variant)),
                "seeds": min(map(len, scores.values())),
                "horizon": statistics.horizon_range(scores),
                "needed": statistics.seeds_to_bound(scores),
                "d90": statistics.horizon_range(scores, statistics.D90, statistics.D90_SEEDS),
                "area": _area(runs) if len(scores) > 1 else None,
                "success_rate": solved / len(runs),
                "solved": solved,
                "runs": len(runs),
            }
            | {size: int(runs[size].max()) for size in SIZES}
            | _speed(runs)
        )
    return pd.DataFrame(rows)


def scores_by_gap(runs: pd.DataFrame) -> dict[float, NDArray[np.float64]]:
    """Return a curve's scores over the seeds of every gap, as horizons are worked out from."""
    return {
        float(gap): points.to_numpy(dtype=float)  # type: ignore[arg-type]
        for gap, points in runs.groupby("gap")["score"]
    }


def by_reach(runs: pd.DataFrame) -> list[str]:
    """Return the cells of labelled runs from the farthest horizon on, of a cell's best variant.

    It is the mean over tasks in log gap, each beside the mean of all cells on the task, for some
    may be without a hard one. What lies beyond the gaps that were run counts as a quarter beyond;
    of equal horizons that of the higher mean score is farther.
    """
    means = runs.groupby([*CURVE, "gap"], observed=True)["score"].mean()
    rows = []
    for (task, cell, _), own in means.groupby(CURVE, observed=True):
        gaps = own.index.get_level_values("gap").to_numpy(float)
        found = statistics.horizon(gaps, own).extended
        ends = gaps.min() / BEYOND, gaps.max() * BEYOND
        reach = math.log(np.clip(found, *ends))
        rows.append((task, str(cell), reach + TIE * float(own.mean())))
    reached = pd.DataFrame(rows, columns=["task", "cell", "reach"])
    best = reached.groupby(["cell", "task"], sort=False)["reach"].max().unstack(sort=False)
    means = (best - best.mean()).mean(axis="columns")
    return list(means.sort_values(ascending=False, kind="stable").index)


def seed_areas(runs: pd.DataFrame) -> pd.Series[float]:
    """Return the area under the scores of each seed that a curve has at every gap."""
    table = runs.pivot_table(index="seed", columns="gap", values="score").dropna()
    columns = {float(gap): table[gap] for gap in table}  # type: ignore[arg-type]
    return pd.Series(statistics.areas(columns), index=table.index, dtype=float)


def _area(runs: pd.DataFrame) -> statistics.Interval:
    """Return the area under a curve's mean scores; an interval where each gap has all seeds."""
    means = {gap: [own.mean()] for gap, own in scores_by_gap(runs).items()}
    areas = seed_areas(runs)
    if len(areas) < runs["seed"].nunique():
        return statistics.Interval(float(statistics.areas(means)[0]), math.nan, math.nan)
    return statistics.mean_interval(areas)


def _speed(runs: pd.DataFrame) -> dict[str, float]:
    """Return a run's seconds on average, and the rate of all: sequences over seconds, NaN of 0."""
    seconds = float(runs["seconds"].sum())
    sequences = float((runs["steps"] * runs["batch_size"]).sum())
    rate = sequences / seconds if seconds else math.nan
    return {"seconds": float(runs["seconds"].mean()), "sequences_per_second": rate}


def missing_seeds(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the points with fewer seeds than the best one of their task, absent ones included.

    Tasks, curves and gaps come in the order of the summary.

    Columns: task, label, gap, seeds, expected.
    """
    tables = []
    for task, points in summary.groupby("task"):
        counts = points.pivot_table(
            index="label", columns="gap", values="seeds", fill_value=0, sort=False
        ).sort_index(axis=1)
        table = counts.T.melt(value_name="seeds", ignore_index=False).reset_index()
        tables.append(table.assign(task=task, expected=int(points["seeds"].max())))
    everything = pd.concat(tables, ignore_index=True)
    return everything[everything["seeds"] < everything["expected"]].reset_index(drop=True)
