"""What a report says and in which order: answers first, then figures, details and gaps in them."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from rnnbench.report import tables
from rnnbench.report.comparison import comparisons
from rnnbench.report.document import Block, Bullets, Heading, Paragraph, Picture
from rnnbench.report.keep_bias import keep_bias_horizons, rankings
from rnnbench.report.summary import STATUSES, horizons, missing_seeds
from rnnbench.report.variants import mixed_conditions

CAPTIONS = {
    "accuracy_vs_gap": "Accuracy on the test stream against the gap. Line: mean over seeds. Band: "
    "95 % interval of that mean over seeds (Student t), cut to the range 0 to 1. Open marks: "
    "single seeds, moved aside a little. Dotted: what a predictor that remembers nothing gets.",
    "score_vs_gap": "Score against the gap: 0 remembers nothing, 1 is perfect. Drawn as above; "
    "scores outside 0 to 1 are drawn at its ends and kept as they are in summary.csv.",
    "horizon_vs_keep_bias": "Horizon against the bias that the gate which keeps the old state "
    "starts with; bars: 95 % interval, arrows: beyond the measured gaps. Dotted: after how many "
    "time steps a gate at that bias alone has kept half, ln 2 / -ln sigmoid(b). Chrono draws the "
    "bias of every unit between log 1 and log(gap - 1).",
    "solving_curves": "Share of runs that have solved their task after so many steps: accuracy of "
    "0.99 at three evaluations in a row, of which the first counts. Kaplan-Meier estimate; runs "
    "that are never solved, diverged and failed ones included, are counted to the end.",
    "learning_curves": "Loss of the evaluations during training. Thick: mean over seeds, where a "
    "run that ended early counts on at its last loss and a diverged one at chance. Thin: single "
    "seeds. Dotted: chance and known half-way solutions.",
}
HOW_TO_READ = (
    "Gap: time steps from the oldest input that an answer needs to the step where it is read.",
    "Score: chance-corrected result, 0 for remembering nothing, 1 for perfect.",
    "Horizon: the gap at which the mean score over seeds first falls below 0.75, linear in log "
    "gap between the measured gaps; D90: the same at 0.9. '> 160': not lost up to the largest "
    "gap. '< 11': not even reached at the smallest. Area: the mean score over log gap.",
    "Intervals: 95 %. Of means: Student t over seeds. Of success rates: Wilson. Of horizons, areas "
    "and probabilities: bootstrap over the seeds of every gap, from five seeds on.",
    "How often they hold the truth, in simulated sweeps (docs/coverage.csv): all of them in at "
    "least 94 % of cases where outcomes are normal. Where a seed solves a task or stays at chance, "
    "seeds that happen to agree leave no width: intervals of means then hold it in 55, 71 and 85 % "
    "at 5, 10 and 20 seeds, of D90 in 53, 79 and 95 %; of horizons, areas, probabilities and "
    "success rates still in at least 92 %. Look at the single seeds and at the rates.",
    "Probability on a seed: how often the first cell has the higher score on the same seed, hence "
    "the same data, at the same gap; a tie counts half. Without width: every pair said the same.",
    "Diverged and failed runs count everywhere as failures: chance accuracy, score 0, unsolved. "
    "Their loss is not a number, so the mean loss of their condition is left empty.",
    "Median steps to solve is over all seeds, an unsolved one counting as longer than any other; "
    "it is left out where half of the seeds or more are unsolved.",
    "All results are of the last evaluation on a test stream; nothing is selected on it. Every "
    "learning rate that was run is a curve of its own.",
    "Differences between cells hold for the settings above, keep bias and learning rate included.",
)


def compose(results: pd.DataFrame, summary: pd.DataFrame) -> list[Block]:
    """Return the report's blocks from labelled results and their summary."""
    return [
        Heading(title(results), level=1),
        Paragraph(_overview(results)),
        Heading("How far back"),
        tables.horizon_table(horizons(results)),
        Picture("accuracy_vs_gap", CAPTIONS["accuracy_vs_gap"]),
        Picture("score_vs_gap", CAPTIONS["score_vs_gap"]),
        *_keep_bias(results),
        *_comparisons(results),
        *_per_task(summary),
        Heading("Steps to solve"),
        Picture("solving_curves", CAPTIONS["solving_curves"]),
        Heading("Learning curves"),
        Picture("learning_curves", CAPTIONS["learning_curves"]),
        *_broken(results),
        *_missing(results, summary),
        Heading("Settings"),
        tables.settings_table(results),
        Heading("How to read this"),
        Bullets(HOW_TO_READ),
    ]


def title(results: pd.DataFrame) -> str:
    """Return the title of the report: its sweeps' names."""
    return f"rnnbench: {', '.join(sorted(results['sweep'].dropna().unique()))}"


def _overview(results: pd.DataFrame) -> str:
    counts = results["status"].value_counts()
    parts = ", ".join(f"{counts.get(status, 0)} {status}" for status in STATUSES)
    version = ", ".join(sorted(results["version"].dropna().astype(str).unique()))
    return f"{len(results)} runs: {parts}. rnnbench {version}."


def _keep_bias(results: pd.DataFrame) -> Iterator[Block]:
    starts = keep_bias_horizons(results)
    if not starts.empty:
        yield Heading("Horizon against keep bias")
        yield Picture("horizon_vs_keep_bias", CAPTIONS["horizon_vs_keep_bias"])
        yield Bullets(tuple(rankings(starts)))


def _comparisons(results: pd.DataFrame) -> Iterator[Block]:
    table = tables.comparison_table(comparisons(results))
    if table:
        yield Heading("Which does better")
        yield table


def _per_task(summary: pd.DataFrame) -> Iterator[Block]:
    yield Heading("Mean accuracy")
    for task, points in summary.groupby("task"):
        chance = sorted({f"{value:.3g}" for value in points["chance_accuracy"]})
        yield Heading(f"{task} (chance {' to '.join([chance[0], *chance[1:][-1:]])})", level=3)
        yield tables.accuracy_table(points)
    yield Heading("Solved runs, and median steps to solve")
    for task, points in summary.groupby("task"):
        yield Heading(str(task), level=3)
        yield tables.solved_table(points)


def _broken(results: pd.DataFrame) -> Iterator[Block]:
    yield Heading("Diverged and failed runs")
    table = tables.broken_table(results)
    yield table if table else Paragraph("None.")


def _missing(results: pd.DataFrame, summary: pd.DataFrame) -> Iterator[Block]:
    yield Heading("What is missing")
    table = tables.missing_table(missing_seeds(summary))
    if table:
        yield Paragraph("These have fewer seeds than others of their task; numbers may change.")
        yield table
    else:
        yield Paragraph("Nothing: every curve has as many seeds at every gap of its task.")
    mixed = mixed_conditions(results)
    if mixed:
        yield Paragraph("These average conditions that differ in a setting not shown here:")
        yield Bullets(tuple(mixed))
