"""Compare curves in pairs on the same seeds: which does better, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnbench.report.curves import VERSIONS, is_tuned
from rnnbench.report.document import Block, Heading, Table
from rnnbench.report.study import Study
from rnnbench.report.tables import interval_text
from rnnbench.statistics import probability_of_improvement

Floats = NDArray[np.float64]
COLUMNS = {"task": "{task}", "better": "{better}", "worse": "{worse}"}
COLUMNS |= {"probability on a seed": "{text}"}
MOST_CURVES = 6  # of a task: more pairs than these make would be a table that nobody reads


def comparison_section(study: Study) -> Iterator[Block]:
    """Yield which curves do better; nothing where no two share their seeds."""
    table = comparison_table(comparisons(study.results))
    if table:
        yield Heading("Which does better")
        yield table


def comparison_table(pairs: pd.DataFrame) -> Table | None:
    """Return how probably one curve beats another, or None where no two share their seeds."""
    pairs = pairs.assign(text=pairs["probability"].map(interval_text))
    return None if pairs.empty else Table.of(pairs, COLUMNS, names=3)


def comparisons(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task and pair of curves that share seeds at every gap of both.

    Curves with tuned rates are compared among themselves, and so are those with given ones; so
    are those of one version of task, model and trainer.

    Columns: task, better, worse, seeds (the fewest at a gap), probability (an Interval); the
    curve that is named first does better at least half of the time.
    """
    rows = []
    for task, runs in results.groupby("task"):
        scores = {
            str(label): seed_scores(curve) for label, curve in runs.groupby("label", sort=False)
        }
        variants = dict(zip(runs["label"], runs["variant"], strict=True))
        versions = runs.groupby("label", sort=False)[[*VERSIONS]].first()
        kinds = {
            label: (is_tuned(of), *versions.loc[label].fillna(0)) for label, of in variants.items()
        }
        pairs = combinations(scores, 2) if len(scores) <= MOST_CURVES else ()
        for first, second in pairs:
            if kinds[first] != kinds[second]:
                continue
            ours, theirs = paired(scores[first], scores[second])
            if sum(map(len, ours)) < max(len(scores[first]), len(scores[second])):
                continue
            if _mean_win(ours, theirs) < 0.5:
                first, second, ours, theirs = second, first, theirs, ours
            found = probability_of_improvement(ours, theirs)
            rows.append((str(task), first, second, min(map(len, ours)), found))
    return pd.DataFrame(rows, columns=["task", "better", "worse", "seeds", "probability"])


def seed_scores(runs: pd.DataFrame) -> pd.Series[float]:
    """Return a curve's scores by gap and seed."""
    return runs.groupby(["gap", "seed"])["score"].mean()


def paired(first: pd.Series[float], second: pd.Series[float]) -> tuple[list[Floats], list[Floats]]:
    """Return the scores of two curves on the seeds that both have, an array per gap."""
    both = pd.concat([first, second], axis=1, join="inner")
    strata = [gap.to_numpy(dtype=float) for _, gap in both.groupby(level="gap")]
    return [gap[:, 0] for gap in strata], [gap[:, 1] for gap in strata]


def _mean_win(ours: list[Floats], theirs: list[Floats]) -> float:
    """Return how often ours is higher, a tie counting half: the mean over gaps."""
    pairs = zip(ours, theirs, strict=True)
    return float(np.mean([(np.sign(a - b).mean() + 1) / 2 for a, b in pairs]))
