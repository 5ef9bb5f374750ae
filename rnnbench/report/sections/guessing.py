"""Tell how far random guessing comes, which is a baseline of all that is learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from rnnbench.plot.gap import best_of_cells
from rnnbench.report.document import Block, Heading, Paragraph, Table
from rnnbench.report.study import Study
from rnnbench.report.tables import gap_table, range_text

HOW = (
    "Random networks: all weights and biases uniform in [-s, s], s log-uniform from 0.1 to 100, "
    "in turn with {sizes} hidden units. The best on the evaluation stream is measured once on the "
    "test stream, and that is what stands here; in brackets, where any do, how many of the "
    "{guesses} guesses of each cell at each gap solve the task (accuracy of 0.99 on the evaluation "
    "stream), and which was the first. A task that guessing solves asks for no learning."
)


def guessing_section(study: Study) -> Iterator[Block]:
    """Yield how far random guessing comes; nothing where it was not tried."""
    guesses = study.guesses
    if guesses.empty:
        return
    sizes = sorted({int(size) for text in guesses["hidden_sizes"] for size in text.split()})
    listed = f"{', '.join(map(str, sizes[:-1]))} or {sizes[-1]}" if sizes[1:] else f"{sizes[0]}"
    yield Heading("Random guessing")
    yield Paragraph(solved_by_guessing(guesses))
    yield guessing_table(guesses)
    yield Paragraph(HOW.format(sizes=listed, guesses=range_text(guesses["guesses"], "{:,}")))


def solved_by_guessing(guesses: pd.DataFrame) -> str:
    """Say which tasks are solved by guessing, and how near it comes to the others."""
    solved = guesses[guesses["solved"] > 0]
    gaps = solved.groupby("task")["gap"].unique().map(sorted)
    names = [f"{task} at gap {', '.join(map(str, own))}" for task, own in gaps.items()]
    best = best_of_cells(guesses)
    points = best.set_index(["task", "gap"]).index
    unsolved = best[~points.isin(solved.set_index(["task", "gap"]).index)]
    found = f"Guessing solves {'; '.join(names)}." if names else "Guessing solves no task here."
    if unsolved.empty:
        return found
    top = unsolved.iloc[int(unsolved["score"].to_numpy().argmax())]
    rest = "Elsewhere the" if names else "The"
    return (
        f"{found} {rest} highest score of a best random network is {top['score']:.2f} "
        f"({top['task']} at gap {top['gap']}); 0 is remembering nothing."
    )


def guessing_table(guesses: pd.DataFrame) -> Table:
    """Return the test accuracy of the best random network: a row per task and cell."""
    keys = ["task", "cell"]
    chances = guesses.groupby(keys, observed=True)["chance_accuracy"].agg(range_text, "{:.3g}")
    frame = guesses.join(chances.rename("chance"), on=keys).sort_values(keys, kind="stable")
    table = gap_table(frame, {name: name for name in (*keys, "chance")}, _solving)
    return replace(table, names=2)


def _solving(guesses: Sequence[Any]) -> str:
    (row,) = guesses
    solved = f" ({int(row.solved):,}, first {int(row.first_solved):,})" if row.solved else ""
    return f"{row.accuracy:.2f}{solved}"
