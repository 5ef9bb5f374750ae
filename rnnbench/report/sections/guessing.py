"""Random guessing as a baseline: its level in the figures, its table, and what it solves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd
from matplotlib.axes import Axes

from rnnbench.report.document import Block, Heading, Paragraph, Table
from rnnbench.report.figures.style import REFERENCE_COLOUR

HOW = (
    "Random networks: all weights and biases uniform in [-s, s], s log-uniform from 0.1 to 100, "
    "in turn with {sizes} hidden units. The best on the evaluation stream is measured once on the "
    "test stream, and that is what stands here; in brackets, where any do, how many of the "
    "{guesses} guesses of each cell at each gap solve the task (accuracy of 0.99 on the evaluation "
    "stream), and which was the first. A task that guessing solves asks for no learning."
)


def latest(guesses: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Return the searches for what the results hold; of one point's, the one with most guesses."""
    point = ["task", "cell", "gap"]
    ordered = guesses.sort_values("guesses", kind="stable")
    known = ordered.merge(results[point].drop_duplicates(), on=point)
    return known.drop_duplicates(point, keep="last").sort_values(point, ignore_index=True)


def best_of_cells(guesses: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task and gap: the best network of all cells, and how many were guessed.

    It is the best on the evaluation stream; its numbers are those of the test stream.
    """
    points = ["task", "gap"]
    ordered = guesses.sort_values("evaluation_score", ascending=False, kind="stable")
    best = ordered.drop_duplicates(points).set_index(points)
    totals = guesses.groupby(points)["guesses"].sum()
    return best.assign(guesses=totals).reset_index().sort_values(points, ignore_index=True)


def draw_guesses(panels: Iterable[tuple[str, Axes]], guesses: pd.DataFrame, measure: str) -> str:
    """Draw the best random network of each gap in the panels of tasks; return the legend's note.

    Args:
        panels: each with its task.
        guesses: as `latest` gives them.
        measure: "accuracy" or "score", drawn within [0, 1].
    """
    best = best_of_cells(guesses)
    for task, panel in panels:
        points = best[best["task"] == task]
        panel.plot(
            points["gap"],
            points[measure].clip(0, 1),
            color=REFERENCE_COLOUR,
            linestyle=":",
            lw=1.0,
            marker="x",
            markersize=5,
            markeredgewidth=1.3,
            label="_random networks",
            zorder=3,
        )
    return f"crosses: best of {_range(best['guesses'])} random networks"


def guessing_blocks(guesses: pd.DataFrame) -> Iterator[Block]:
    """Yield the section on random guessing; nothing where there was none."""
    if guesses.empty:
        return
    sizes = sorted({int(size) for text in guesses["hidden_sizes"] for size in text.split()})
    listed = f"{', '.join(map(str, sizes[:-1]))} or {sizes[-1]}" if sizes[1:] else f"{sizes[0]}"
    yield Heading("Random guessing")
    yield Paragraph(solved_by_guessing(guesses))
    yield guessing_table(guesses)
    yield Paragraph(HOW.format(sizes=listed, guesses=_range(guesses["guesses"])))


def solved_by_guessing(guesses: pd.DataFrame) -> str:
    """Say which tasks are solved by guessing, and how near it comes to the others."""
    solved = guesses[guesses["solved"] > 0]
    names = [
        f"{task} at gap {', '.join(map(str, sorted(own['gap'].unique())))}"
        for task, own in solved.groupby("task")
    ]
    best = best_of_cells(guesses)
    others = best.merge(solved[["task", "gap"]].drop_duplicates(), how="left", indicator=True)
    unsolved = others[others["_merge"] == "left_only"]
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
    gaps = sorted(guesses["gap"].unique())
    rows = []
    for (task, cell), own in guesses.groupby(["task", "cell"]):
        texts = {
            gap: f"{accuracy:.2f}{_solving(solved, first)}"
            for gap, accuracy, solved, first in own[
                ["gap", "accuracy", "solved", "first_solved"]
            ].itertuples(index=False)
        }
        chances = sorted({f"{chance:.3g}" for chance in own["chance_accuracy"]})
        chance = " to ".join([chances[0], *chances[1:][-1:]])
        rows.append((str(task), str(cell), chance, *(texts.get(gap, "") for gap in gaps)))
    header = ("task", "cell", "chance", *(f"gap {gap}" for gap in gaps))
    return Table(header, tuple(rows), names=2)


def _solving(solved: float, first: float) -> str:
    return f" ({int(solved):,}, first {int(first):,})" if solved else ""


def _range(counts: pd.Series) -> str:
    low, high = int(counts.min()), int(counts.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
