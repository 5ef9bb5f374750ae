"""Write docs/leaderboard.md from all published directories: `python docs/leaderboard.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from rnnbench.plot.curves import is_tuned
from rnnbench.plot.summary import scores_by_gap
from rnnbench.report.study import Study, read_study
from rnnbench.statistics import HorizonRange
from rnnbench.store.croissant import CROISSANT

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "leaderboard.md"
RESULTS = DOCS.parent / "results"
INTRODUCTION = """\
# Leaderboard

Every curve over several gaps in the published directories, by `python docs/leaderboard.py`: the
longest horizon of a task first, then the greatest area under its scores. Brackets are 95 %
intervals; where they overlap, the order is not settled. **Rows of different budgets are not
alike**: compare within a directory, or where updates, batch, units and rates agree. Rate: one given
to the curve, or tuned on seeds of its own. Parameters and state are numbers of one network, those
that it trains and those that it carries from step to step.

Yours becomes a row by a pull request with its records and their report, after which
`python docs/leaderboard.py` writes this page anew. Three of its runs again show whether the numbers
are the same to the bit on that kind of machine:

```bash
python -m rnnbench.publish results/gaps results/contributed/gaps
python -m rnnbench.verify results/contributed/gaps --sample 3
```
"""
COLUMNS = "cell,horizon,area,gaps,seeds,rate,units,parameters,state,updates x batch,published in"
HEAD = f"| {' | '.join(COLUMNS.split(','))} |\n|{'---|' * len(COLUMNS.split(','))}\n"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """Return the page as it should be."""
    places = sorted(path.parent for path in RESULTS.rglob(CROISSANT))
    curves = pd.concat([pd.DataFrame(_rows(read_study([place]), place)) for place in places])
    curves = curves.sort_values(["task", "reach", "size"], ascending=[True, False, False])
    parts = [INTRODUCTION]
    for task, own in curves.groupby("task"):
        lines = "\n".join(f"| {' | '.join(row)} |" for row in own["cells"])
        parts.append(f"## {task}\n\n{HEAD}{lines}\n")
    return "\n".join(parts)


def _rows(study: Study, place: Path) -> Iterator[dict[str, object]]:
    """Yield of each curve of a directory what it is sorted by, and its cells of the table."""
    runs_of = dict(iter(study.results.groupby(["task", "label"], observed=True)))
    link = f"[{place.name}](../{place.relative_to(DOCS.parent)})"
    for curve in study.curves.itertuples():
        if curve.area is not None:
            area, budget = curve.area.mean, _budget(runs_of[curve.task, curve.label])
            yield {
                "task": curve.task,
                "reach": _reach(curve.horizon),
                "size": area,
                "cells": [curve.label, str(curve.horizon), f"{area:.2f}", *budget, link],
            }


def _reach(horizon: HorizonRange) -> float:
    """Return a number to sort by: beyond the gaps that were run is farther than any within."""
    beyond = {">": 0.5, "<": -0.5}.get(horizon.horizon.bound, 0.0)
    return horizon.horizon.gap + beyond


def _budget(runs: pd.DataFrame) -> list[str]:
    """Return what a curve was given: gaps, seeds, rate, units, sizes, updates and batch."""
    gaps, scores = sorted(runs["gap"].unique()), scores_by_gap(runs)
    rates = sorted(runs["lr"].unique())
    tuned = is_tuned(str(runs["variant"].iloc[0]))
    batch, steps = runs["batch_size"].max(), runs["trainer.steps"].max()
    return [
        f"{gaps[0]} to {gaps[-1]}",
        str(min(map(len, scores.values()))),
        "tuned" if tuned else ", ".join(f"{rate:g}" for rate in rates),
        *(f"{int(runs[size].max()):,}" for size in ("hidden_size", "num_parameters", "state_size")),
        f"{int(steps):,} x {int(batch)}",
    ]


if __name__ == "__main__":
    main()
