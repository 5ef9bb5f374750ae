"""Compare curves in pairs on the same seeds: which has the larger area, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from rnnbench.plot.curves import VERSIONS, is_tuned
from rnnbench.plot.summary import seed_areas
from rnnbench.report.document import Block, Heading, Paragraph, Table
from rnnbench.report.study import ALL, Study
from rnnbench.report.tables import difference_text
from rnnbench.statistics import Interval, difference_interval, holm, sign_flip_p

COLUMNS = {"task": "{task}", "cell": "{first}", "against": "{second}", "seeds": "{seeds}"}
COLUMNS |= {"difference of areas": "{text}", "p": "{p_text}", "better": "{better}"}
PAIR = ["task", "first", "second", "seeds", "difference", "p"]
MOST_CURVES = 6  # of a task and kind: of more, each is compared with one alone
LEAST_SEEDS = 8  # of fewer, not even one that all agree on is told from chance among three pairs
MARGIN = 0.01  # of area: below, nobody would care
SURE = 0.05
HOW = (
    "The area under the mean score over log gap, on the seeds that both have at every gap. In "
    "brackets the 95 % interval of the difference, which supposes no more of the seeds than that "
    "scores are from 0 to 1, and so is wide; p: of the exact sign-flip test, which supposes that "
    "without a difference either sign is as likely, corrected for all pairs of a task (Holm). "
    "Better: the first cell where p is below 0.05; none where the areas differ by less than 0.01."
)
MANY = (
    "Of more than {most} curves each is compared with one alone, {baseline} where it was run, by "
    "the interval: better is the one whose area is larger all over it."
)


def comparison_section(study: Study) -> Iterator[Block]:
    """Yield which curves do better; nothing where no two share their seeds."""
    pairs = comparisons(study.results, study.baseline)
    table = comparison_table(pairs)
    if table:
        yield Heading("Which does better")
        yield Paragraph(HOW)
        if (pairs["p"].isna() & (pairs["seeds"] >= LEAST_SEEDS)).any():
            yield Paragraph(MANY.format(most=MOST_CURVES, baseline=study.baseline))
        yield table


def comparison_table(pairs: pd.DataFrame) -> Table | None:
    """Return the differences of pairs of curves, or None where no two share their seeds."""
    texts = {"text": pairs["difference"].map(difference_text), "p_text": pairs["p"].map(_p_text)}
    return None if pairs.empty else Table.of(pairs.assign(**texts), COLUMNS, names=3)


def comparisons(results: pd.DataFrame, baseline: str = ALL.baseline) -> pd.DataFrame:
    """Return one row per task and pair of curves that have the same gaps and some of their seeds.

    Curves with tuned rates are compared among themselves, and so are those with given ones; so
    are those of one version of task, model and trainer.

    Columns: task, first (the one with the larger area), second, seeds, difference (Interval of
    the areas), p (by Holm within the task; NaN where there are too many curves for it), better
    (a label, or in words that there is none).
    """
    tables = [_compare_task(str(task), runs, baseline) for task, runs in results.groupby("task")]
    return pd.concat(tables, ignore_index=True)


def _compare_task(task: str, results: pd.DataFrame, baseline: str) -> pd.DataFrame:
    kinds: dict[tuple[Any, ...], dict[str, pd.DataFrame]] = {}
    for label, runs in results.groupby("label", sort=False, observed=True):
        kinds.setdefault(_kind(runs), {})[str(label)] = runs
    rows = [row for curves in kinds.values() for row in _compare_all(task, curves, baseline)]
    pairs = pd.DataFrame(rows, columns=PAIR)
    pairs.loc[pairs["p"].notna(), "p"] = holm(pairs["p"].dropna())
    return pairs.assign(better=[_verdict(row) for row in pairs.itertuples()])


def _compare_all(
    task: str, curves: Mapping[str, pd.DataFrame], baseline: str
) -> list[tuple[Any, ...]]:
    """Return the rows of all pairs of curves; of many each with the baseline's, or else the first.

    Only among few there is a p: of many a correction for all pairs would leave nothing.
    """
    few = len(curves) <= MOST_CURVES
    own = [label for label, runs in curves.items() if runs["cell"].iloc[0] == baseline]
    against = next(iter([*own, *curves]))
    rows = []
    pairs = combinations(curves, 2)
    for first, second in pairs if few else (pair for pair in pairs if against in pair):
        d = paired(curves[first], curves[second])
        if not d.empty:
            names = (first, second) if d.mean() >= 0 else (second, first)
            p = sign_flip_p(d) if few and len(d) >= LEAST_SEEDS else math.nan
            larger = d if d.mean() >= 0 else -d
            rows.append((task, *names, len(d), difference_interval(larger), p))
    return rows


def _kind(runs: pd.DataFrame) -> tuple[Any, ...]:
    """Return what must be the same of two curves that are compared."""
    return is_tuned(runs["variant"].iloc[0]), *runs[[*VERSIONS]].iloc[0].fillna(0)


def paired(first: pd.DataFrame, second: pd.DataFrame) -> pd.Series[float]:
    """Return by how much the first curve's area is larger, by seed; empty of different gaps."""
    if set(first["gap"]) != set(second["gap"]):
        return pd.Series(dtype=float)
    return (seed_areas(first) - seed_areas(second)).dropna()


def _verdict(pair: Any) -> str:
    found: Interval = pair.difference
    if pair.seeds < LEAST_SEEDS:
        return "too few seeds to decide"
    if found.mean < MARGIN:
        return "none"
    sure = found.low > 0 if math.isnan(pair.p) else pair.p < SURE
    return str(pair.first) if sure else "not decided"


def _p_text(p: float) -> str:
    return "" if np.isnan(p) else f"{p:.2g}" if p >= 0.001 else "< 0.001"
