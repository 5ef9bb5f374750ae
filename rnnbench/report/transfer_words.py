"""What a report says of trained networks at other gaps."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from rnnbench.report.document import Block, Bullets, Heading, Paragraph, Picture, Table
from rnnbench.report.transfer import reaches, tally
from rnnbench.report.variants import CURVE
from rnnbench.statistics import wilson_interval

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
        runs: as `rnnbench.report.transfer.transfer_runs` gives them.
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
