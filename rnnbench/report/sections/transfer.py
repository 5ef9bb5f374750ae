"""Tell how trained networks do at other gaps than that of their training, shorter and longer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from typing import Any, NamedTuple

import pandas as pd

from rnnbench.plot.curves import CURVE
from rnnbench.plot.measured import OF_A_RUN
from rnnbench.report.document import Block, Bullets, Heading, Paragraph, Table
from rnnbench.report.drawings import TRANSFER
from rnnbench.report.study import Study
from rnnbench.statistics import HORIZON, wilson_interval

SCHEDULES = (
    "Schedules of the training gap, over the tasks, cells and gaps that all of them have; in "
    "brackets the 95 % interval of the share (Wilson):"
)


def transfer_section(study: Study) -> Iterator[Block]:
    """Yield the scores at other gaps than that of training; nothing where none was measured."""
    if study.transfer.empty:
        return
    found = reaches(study.transfer)
    yield Heading("At other gaps than in training")
    yield TRANSFER
    yield Paragraph(farthest(found))
    yield reach_table(found)
    lines = schedules(found)
    if lines:
        yield Paragraph(SCHEDULES)
        yield Bullets(tuple(lines))


def reaches(runs: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run: where it scores 0.75 or more.

    Columns beside those of the run: own (at its training gap), shorter (at every shorter test gap
    as well; None where none was measured), longest (the last test gap, from its own on, up to
    which it does at every one), measured (the longest test gap).
    """
    remembered: dict[tuple[Any, ...], dict[int, bool]] = {}
    ordered = runs[[*OF_A_RUN, "test_gap", "score"]].sort_values([*OF_A_RUN, "test_gap"])
    for *run, test_gap, score in ordered.itertuples(index=False):
        remembered.setdefault(tuple(run), {})[test_gap] = score >= HORIZON
    rows = [[*run, *_reach(run[OF_A_RUN.index("gap")], of)] for run, of in remembered.items()]
    return pd.DataFrame(rows, columns=[*OF_A_RUN, "own", "shorter", "longest", "measured"])


def _reach(gap: int, remembered: dict[int, bool]) -> tuple[bool, bool | None, int, int]:
    """Return own, shorter, longest and measured of a run, from what it does at rising test gaps."""
    own = remembered.get(gap, False)
    shorter = [good for test_gap, good in remembered.items() if test_gap < gap]
    above = takewhile(remembered.get, (test_gap for test_gap in remembered if test_gap >= gap))
    longest = max(above) if own else gap
    return own, all(shorter) if shorter else None, longest, max(remembered)


class Tally(NamedTuple):
    """Counts of runs that remember at shorter and at longer gaps than that of their training."""

    runs: int  # in all
    own: int  # that score 0.75 or more at the gap of their training
    below: int  # of `own`, those that were measured at shorter gaps
    shorter: int  # of `below`, those that do so at all of them
    above: int  # of `own`, those that were measured at longer gaps
    longer: int  # of `above`, those that do so at the next longer gap
    factor: float  # median over `above` of the longest such gap over that of training


def tally(found: pd.DataFrame) -> Tally:
    """Count the runs of `reaches`."""
    own = found[found["own"].astype(bool)]
    below = own["shorter"].dropna()
    above = own[own["measured"] > own["gap"]]
    factors = above["longest"] / above["gap"]
    counts = (len(found), len(own), len(below), int(below.sum()), len(above))
    return Tally(*counts, int((factors > 1).sum()), float(factors.median()))


def farthest(found: pd.DataFrame) -> str:
    """Say how many runs remember beyond their training gap, and which one the farthest."""
    counts = tally(found)
    start = f"{counts.own} of {counts.runs} runs score 0.75 or more at the gap of their training"
    if not counts.above:
        return f"{start}; none of these was measured at a longer one."
    text = (
        f"{start}. Of {counts.above} measured at longer ones, {counts.longer} do so at the next one"
    )
    if not counts.longer:
        return f"{text}."
    own = found[found["own"].astype(bool)]
    best = own.iloc[int((own["longest"] / own["gap"]).to_numpy().argmax())]
    edge = ", the longest measured" if best["longest"] == best["measured"] else ""
    return (
        f"{text}, the farthest up to {best['longest'] / best['gap']:.3g} times its gap: "
        f"{best['task']}, {best['label']}, trained at {best['gap']}, up to {best['longest']}{edge}."
    )


def reach_table(found: pd.DataFrame) -> Table:
    """Return a row per curve: how many runs remember at shorter and at longer gaps."""
    rows = []
    for (task, _, _), own in found.groupby(CURVE, observed=True):
        counts = tally(own)
        own_gap = _of(counts.own, counts.runs)
        shorter, longer = _of(counts.shorter, counts.below), _of(counts.longer, counts.above)
        factor = f"{counts.factor:.3g}" if counts.above else ""
        rows.append((str(task), str(own["label"].iloc[0]), own_gap, shorter, longer, factor))
    header = ("task", "cell", "0.75 at the gap of training", "and at all shorter", "at a longer")
    return Table((*header, "longest / own, median"), tuple(rows), names=2)


def schedules(found: pd.DataFrame) -> list[str]:
    """Compare the schedules of the training gap, a line each; none where there is only one."""
    names = sorted(found["gap_schedule"].unique())
    shared = found.groupby(["task", "cell", "gap"], observed=True)["gap_schedule"].transform(
        "nunique"
    )
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
