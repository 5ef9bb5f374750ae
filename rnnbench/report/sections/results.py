"""Write the sections on what was run and how it ended: answers, numbers, what is missing."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from rnnbench.console import count
from rnnbench.plot.curves import mixed_versions
from rnnbench.plot.loads import by_load
from rnnbench.plot.summary import STATUSES, missing_seeds
from rnnbench.report import tables
from rnnbench.report.document import Block, Bullets, Heading, Paragraph
from rnnbench.report.drawings import ACCURACY, LEARNING, LOAD, PATH, SCORE, SOLVING
from rnnbench.report.sections.provenance import mixed_codes
from rnnbench.report.study import Study

HOW_TO_READ = (
    "Gap: time steps from the oldest input that an answer needs to the step where it is read.",
    "Score: chance-corrected result, 0 for remembering nothing, 1 for perfect, cut to these. Of "
    "copy and recall it is made of the accuracy, of adding of the loss: 1 - loss / chance loss. "
    "0.75 of adding is not 0.75 of recall: one of the two numbers known gives 0.5.",
    "Horizon: the gap at which the mean score over seeds first falls below 0.75, linear in log "
    "gap between the measured gaps; D90: the same at 0.9. '> 160': not lost up to the largest "
    "gap. '< 11': not even reached at the smallest. Area: the mean score over log gap.",
    "Intervals: 95 %. Of means and areas: Gaffke's bound over seeds, to which half a seed is "
    "added, a 0 for the low end and a 1 for the high one. Of rates at a gap: Wilson. Of horizons, "
    "from five seeds on: Bayesian bootstrap over the seeds of every gap with a quarter of a seed "
    "at 0 and at 1, from the first loss of the level to the last; of D90 from 36 seeds on, since "
    "fewer cannot show it. Of interquartile means: bootstrap.",
    "Interquartile mean: without a quarter of the seeds, rounded down, at each end (of ten seeds "
    "six are left), so that a few good or bad ones cannot move it. Where seeds solve a task or "
    "stay at chance it tells which of the two most do.",
    "Solved: three evaluations in a row at the accuracy from which the task counts as solved, "
    "0.99 of what is asked. '3/5 (0.23–0.88), 800': three of five seeds did, by a median of 800 "
    "steps; in brackets the interval of that share.",
    "Seconds a run: of the training steps alone, on average. Sequences / s: all that a curve's "
    "runs were trained on, over all their seconds.",
    "How often they hold the truth was simulated over many truths, half of them not used in "
    "choosing the intervals: docs/coverage.csv.",
    "Diverged and failed runs count everywhere as failures: chance accuracy, score 0, unsolved. "
    "Their loss is not a number, so the mean loss of their condition is left empty.",
    "Median steps to solve is over all seeds, an unsolved one counting as longer than any other; "
    "it is left out where half of the seeds or more are unsolved.",
    "All results are of the last evaluation on a test stream; nothing is selected on it. Every "
    "learning rate that was run is a curve of its own.",
    "Differences between cells hold for the settings above, keep bias and learning rate included.",
)

MEASURES = (
    "Horizons are read off the mean score. A run may score far above 0.75 and never be solved, "
    "which takes nearly every answer right in three evaluations in a row: a cell can have a long "
    "horizon and no solved run."
)


def title(results: pd.DataFrame) -> str:
    """Return the title of the report's page, which names its sweeps."""
    return f"rnnbench: {', '.join(_sweeps(results))}"


def overview(study: Study) -> Iterator[Block]:
    """Yield how many runs there are, how they ended, and of which versions and codes they are."""
    results = study.results
    version = ", ".join(sorted(results["version"].dropna().astype(str).unique()))
    sweeps = _sweeps(results)
    named = f"Sweep{'s' if len(sweeps) > 1 else ''} {', '.join(sweeps)}"
    yield Paragraph(f"{named}: {run_counts(results)} rnnbench {version}.", is_small=True)
    versions = mixed_versions(results)
    if versions:
        yield Paragraph(
            "These were trained by several versions, between which numbers changed. They are "
            "separate curves, and are not compared with each other:"
        )
        yield Bullets(tuple(versions))
    codes = mixed_codes(results)
    if codes:
        yield Paragraph(
            "These were edited between their runs, and their version was not raised. Their curves "
            "average runs that are not of one cell and task:"
        )
        yield Bullets(tuple(codes))


def run_counts(results: pd.DataFrame) -> str:
    """Say how many trainings there are and how they ended, each counted once."""
    once = results[results["same_as"].isna()]
    counts = once["status"].value_counts()
    parts = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts.get(status))
    more = len(results) - len(once)
    twins = f" {more} more are the same as one of these: tuning chose the shared rate."
    return f"{count(len(once), 'run')}, {parts}.{twins if more else ''}"


def _sweeps(results: pd.DataFrame) -> list[str]:
    return sorted(results["sweep"].dropna().unique())


def how_far(study: Study) -> Iterator[Block]:
    """Yield the headline's numbers: how far back each curve remembers, and at what cost."""
    yield Heading("Horizons and costs")
    yield tables.horizon_table(study.curves)


def against_gap(study: Study) -> Iterator[Block]:
    """Yield how score and accuracy fall with the gap."""
    yield Heading("Score and accuracy against the gap")
    yield SCORE
    if wirings(study.results) > 1:
        yield PATH
    if len(by_load(study.results)):
        yield LOAD
    yield ACCURACY


def wirings(results: pd.DataFrame) -> int:
    """Return how many wirings of the cell there are among labelled results."""
    return int(results["model.wiring"].nunique(dropna=False)) if "model.wiring" in results else 1


def in_numbers(study: Study) -> Iterator[Block]:
    """Yield the numbers of each curve at each gap."""
    yield Heading("Numbers at each gap")
    yield Paragraph(MEASURES)
    for task, points in study.by_gap.groupby("task"):
        runs = study.results[study.results["task"] == task]
        chance = tables.range_text(points["chance_accuracy"], "{:.3g}")
        for name, table in (
            ("mean score", tables.score_table(points)),
            ("seeds with a score of 0.75 or more", tables.reached_table(runs)),
            (f"mean accuracy (chance {chance})", tables.accuracy_table(points)),
            ("interquartile mean of the score", tables.interquartile_table(points)),
            ("solved runs, and median steps to it", tables.solved_table(points)),
        ):
            yield Heading(f"{task}: {name}", level=3)
            yield table


def by_step(study: Study) -> Iterator[Block]:
    """Yield how long the runs were trained until they solved their task."""
    yield Heading("Steps to solve")
    is_solved = bool((study.results["status"] == "solved").any())
    yield SOLVING if is_solved else Paragraph("No run solves its task.")
    yield Heading("Learning curves")
    yield LEARNING


def broken(study: Study) -> Iterator[Block]:
    """Yield the runs that diverged or failed."""
    yield Heading("Diverged and failed runs")
    table = tables.broken_table(study.results)
    yield table if table else Paragraph("None.")


def missing(study: Study) -> Iterator[Block]:
    """Yield which seeds are missing."""
    yield Heading("What is missing")
    table = tables.missing_table(missing_seeds(study.by_gap))
    if table:
        yield Paragraph("These have fewer seeds than others of their task; numbers may change.")
        yield table
    else:
        yield Paragraph("Nothing: every curve has as many seeds at every gap of its task.")


def how_to_read(study: Study) -> Iterator[Block]:
    """Yield what the words and numbers of a report mean."""
    yield Heading("How to read this")
    yield Bullets(HOW_TO_READ)
