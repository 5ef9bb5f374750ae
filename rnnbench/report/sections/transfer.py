"""Trained networks at other gaps: who remembers beyond the gap of training, and who below it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from rnnbench.report.curves import CURVE
from rnnbench.report.document import Block, Bullets, Heading, Paragraph, Picture, Table
from rnnbench.statistics import HORIZON, wilson_interval

POINT = [*CURVE, "label", "gap", "test_gap"]
OF_A_RUN = ["run_id", *CURVE, "label", "gap", "gap_schedule"]


def transfer_runs(results: pd.DataFrame, transfer: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run and test gap, as far as they are measured.

    Columns: run_id, task, cell, variant, label, gap, gap_schedule, test_gap, score. Failed runs
    have no weights; they count with score 0 wherever others of their condition are measured.

    Args:
        results: labelled, one row per run.
        transfer: as `rnnbench.load_transfer` gives it.
    """
    measured = transfer[["run_id", "condition_id", "test_gap", "score"]]
    gaps = measured[["condition_id", "test_gap"]].drop_duplicates()
    failed = results.loc[results["status"] == "failed", ["run_id", "condition_id"]]
    failed = failed.merge(gaps, on="condition_id").assign(score=0.0)
    scores = pd.concat([measured[~measured["run_id"].isin(failed["run_id"])], failed])
    scores = scores.drop(columns="condition_id")
    return results[OF_A_RUN].merge(scores, on="run_id", how="inner")


def transfer_means(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the mean score over seeds: one row per curve, training gap and test gap."""
    return runs.groupby(POINT, observed=True)["score"].mean().reset_index()


def reaches(runs: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run: where it scores 0.75 or more.

    Columns beside those of the run: own (at its training gap), shorter (at every shorter test gap
    as well; None where none was measured), longest (the last test gap, from its own on, up to
    which it does at every one), measured (the longest test gap).
    """
    rows = []
    for key, own in runs.groupby(OF_A_RUN, observed=True):
        run = dict(zip(OF_A_RUN, key, strict=True))
        good = own.set_index("test_gap")["score"].sort_index() >= HORIZON
        gap = run["gap"]
        below, above = good[good.index < gap], good[good.index >= gap]
        learned = bool(good.get(gap, False))
        longest = above.index[above.cummin()][-1] if learned else gap
        shorter = bool(below.all()) if len(below) else None
        rows.append([*key, learned, shorter, longest, good.index[-1]])
    return pd.DataFrame(rows, columns=[*OF_A_RUN, "own", "shorter", "longest", "measured"])


class Tally(NamedTuple):
    """How many runs hold on where.

    Attributes:
        runs: in all.
        own: that score 0.75 or more at the gap of their training.
        below: of `own`, those that were measured at shorter gaps.
        shorter: of `below`, those that do so at all of them.
        above: of `own`, those that were measured at longer gaps.
        longer: of `above`, those that do so at one or more.
        factor: median over `above` of the longest such gap over that of training.
    """

    runs: int
    own: int
    below: int
    shorter: int
    above: int
    longer: int
    factor: float


def tally(found: pd.DataFrame) -> Tally:
    """Count the runs of `reaches`."""
    own = found[found["own"].astype(bool)]
    below = own["shorter"].dropna()
    above = own[own["measured"] > own["gap"]]
    factors = above["longest"] / above["gap"]
    counts = (len(found), len(own), len(below), int(below.sum()), len(above))
    return Tally(*counts, int((factors > 1).sum()), float(factors.median()))


FIGURE = "transfer"
CAPTION = (
    "Mean score over seeds on the test stream of a gap (column) of networks trained at a gap "
    "(row): white 0, dark 1. Framed: the gap of training; right of it gaps are longer than in "
    "training, left of it shorter. A score below 0 is worse than remembering nothing."
)
SCHEDULES = (
    "Schedules of the training gap, over the tasks, cells and gaps that all of them have; in "
    "brackets the 95 % interval of the share (Wilson):"
)


def transfer_blocks(runs: pd.DataFrame) -> Iterator[Block]:
    """Yield the section on other gaps than that of training; nothing where none was measured.

    Args:
        runs: as `rnnbench.report.sections.transfer.transfer_runs` gives them.
    """
    if runs.empty:
        return
    found = reaches(runs)
    yield Heading("At other gaps than in training")
    yield Picture(FIGURE, CAPTION)
    yield Paragraph(farthest(found))
    yield reach_table(found)
    lines = schedules(found)
    if lines:
        yield Paragraph(SCHEDULES)
        yield Bullets(tuple(lines))


def farthest(found: pd.DataFrame) -> str:
    """Say how many runs hold on beyond their training gap, and which one the farthest."""
    counts = tally(found)
    start = f"{counts.own} of {counts.runs} runs score 0.75 or more at the gap of their training"
    if not counts.above:
        return f"{start}; none of these was measured at a longer one."
    text = (
        f"{start}. Of {counts.above} measured at longer ones, {counts.longer} do so there as well"
    )
    if not counts.longer:
        return f"{text}."
    own = found[found["own"].astype(bool)]
    best = own.iloc[int((own["longest"] / own["gap"]).to_numpy().argmax())]
    edge = ", the longest measured" if best["longest"] == best["measured"] else ""
    return (
        f"{text}, the farthest up to {best['longest'] / best['gap']:.3g} times its gap: "
        f"{best['task']}, {best['label']}, trained at {best['gap']}, up to "
        f"{best['longest']}{edge}."
    )


def reach_table(found: pd.DataFrame) -> Table:
    """Return a row per curve: how many runs hold on at shorter and at longer gaps."""
    rows = []
    for (task, _, _), own in found.groupby(CURVE, observed=True):
        counts = tally(own)
        shares = (
            _of(counts.own, counts.runs),
            _of(counts.shorter, counts.below),
            _of(counts.longer, counts.above),
        )
        factor = f"{counts.factor:.3g}" if counts.above else ""
        rows.append((str(task), str(own["label"].iloc[0]), *shares, factor))
    header = ("task", "cell", "0.75 at the gap of training", "and at all shorter", "at a longer")
    return Table((*header, "longest / own, median"), tuple(rows), names=2)


def schedules(found: pd.DataFrame) -> list[str]:
    """Compare the schedules of the training gap, a line each; none where there is only one."""
    names = sorted(found["gap_schedule"].unique())
    shared = found.groupby(["task", "cell", "gap"])["gap_schedule"].transform("nunique")
    both = found[shared == len(names)]
    lines = []
    for name in names if len(names) > 1 and not both.empty else []:
        counts = tally(both[both["gap_schedule"] == name])
        lines.append(
            f"{name}: {_share(counts.own, counts.runs)} runs score 0.75 or more at the task's gap;"
            f" of these {_share(counts.shorter, counts.below)} at all shorter ones, and"
            f" {_share(counts.longer, counts.above)} at a longer one."
        )
    return lines


def _of(count: int, total: int) -> str:
    return f"{count} of {total}" if total else ""


def _share(count: int, total: int) -> str:
    if not total:
        return "0 of 0"
    _, low, high = wilson_interval(count, total)
    return f"{count} of {total} ({low:.2f}–{high:.2f})"
