"""What a report says and in which order: answers first, then figures, details and gaps in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pandas as pd

from rnnbench.report import tables
from rnnbench.report.curves import mixed_conditions, mixed_versions
from rnnbench.report.document import (
    CAPTIONS,
    HOW_TO_READ,
    Block,
    Bullets,
    Heading,
    Paragraph,
    Picture,
)
from rnnbench.report.sections.comparison import comparisons
from rnnbench.report.sections.diagnosis import diagnosis_section
from rnnbench.report.sections.guessing import guessing_blocks
from rnnbench.report.sections.keep_bias import keep_bias_horizons, rankings
from rnnbench.report.sections.provenance import provenance_section
from rnnbench.report.sections.transfer import transfer_blocks
from rnnbench.report.sections.tuning import tuning_section
from rnnbench.report.study import Study
from rnnbench.report.summary import STATUSES, missing_seeds


def title(results: pd.DataFrame) -> str:
    """Return the title of the report: its sweeps' names."""
    return f"rnnbench: {', '.join(sorted(results['sweep'].dropna().unique()))}"


def _overview(study: Study) -> Iterator[Block]:
    results = study.results
    yield Heading(title(results), level=1)
    counts = results["status"].value_counts()
    parts = ", ".join(f"{counts.get(status, 0)} {status}" for status in STATUSES)
    version = ", ".join(sorted(results["version"].dropna().astype(str).unique()))
    yield Paragraph(f"{len(results)} runs: {parts}. rnnbench {version}.")
    versions = mixed_versions(results)
    if versions:
        yield Paragraph(
            "These were trained by several versions, between which numbers changed. They are "
            "separate curves, and are not compared with each other:"
        )
        yield Bullets(tuple(versions))


def _how_far(study: Study) -> Iterator[Block]:
    yield Heading("How far back")
    yield tables.horizon_table(study.curves)
    yield Picture("accuracy_vs_gap", CAPTIONS["accuracy_vs_gap"])
    yield Picture("score_vs_gap", CAPTIONS["score_vs_gap"])


def _keep_bias(study: Study) -> Iterator[Block]:
    starts = keep_bias_horizons(study.results)
    if not starts.empty:
        yield Heading("Horizon against keep bias")
        yield Picture("horizon_vs_keep_bias", CAPTIONS["horizon_vs_keep_bias"])
        yield Bullets(tuple(rankings(starts)))


def _comparisons(study: Study) -> Iterator[Block]:
    table = tables.comparison_table(comparisons(study.results))
    if table:
        yield Heading("Which does better")
        yield table


def _over_all_gaps(study: Study) -> Iterator[Block]:
    yield Heading("Over all gaps")
    yield tables.curve_table(study.curves)


def _at_each_gap(study: Study) -> Iterator[Block]:
    yield Heading("Mean accuracy")
    for task, points in study.by_gap.groupby("task"):
        chance = sorted({f"{value:.3g}" for value in points["chance_accuracy"]})
        yield Heading(f"{task} (chance {' to '.join([chance[0], *chance[1:][-1:]])})", level=3)
        yield tables.accuracy_table(points)
    yield Heading("Interquartile mean of the score")
    for task, points in study.by_gap.groupby("task"):
        yield Heading(str(task), level=3)
        yield tables.interquartile_table(points)
    yield Heading("Solved runs and median steps")
    for task, points in study.by_gap.groupby("task"):
        yield Heading(str(task), level=3)
        yield tables.solved_table(points)


def _steps(study: Study) -> Iterator[Block]:
    yield Heading("Steps to solve")
    yield Picture("solving_curves", CAPTIONS["solving_curves"])
    yield Heading("Learning curves")
    yield Picture("learning_curves", CAPTIONS["learning_curves"])


def _broken(study: Study) -> Iterator[Block]:
    yield Heading("Diverged and failed runs")
    table = tables.broken_table(study.results)
    yield table if table else Paragraph("None.")


def _missing(study: Study) -> Iterator[Block]:
    yield Heading("What is missing")
    table = tables.missing_table(missing_seeds(study.by_gap))
    if table:
        yield Paragraph("These have fewer seeds than others of their task; numbers may change.")
        yield table
    else:
        yield Paragraph("Nothing: every curve has as many seeds at every gap of its task.")
    mixed = mixed_conditions(study.results)
    if mixed:
        yield Paragraph("These average conditions that differ in a setting not shown here:")
        yield Bullets(tuple(mixed))


def _settings(study: Study) -> Iterator[Block]:
    yield Heading("Settings")
    yield tables.settings_table(study.results)


def _how_to_read(study: Study) -> Iterator[Block]:
    yield Heading("How to read this")
    yield Bullets(HOW_TO_READ)


def _elsewhere(study: Study) -> Iterator[Block]:
    yield from transfer_blocks(study.transfer)
    yield from guessing_blocks(study.guesses)


Section = Callable[[Study], Iterable[Block]]
SECTIONS: tuple[Section, ...] = (
    _overview,
    _how_far,
    _keep_bias,
    _comparisons,
    tuning_section,
    _over_all_gaps,
    _at_each_gap,
    _steps,
    diagnosis_section,
    _elsewhere,
    _broken,
    _missing,
    _settings,
    provenance_section,
    _how_to_read,
)


def compose(study: Study) -> list[Block]:
    """Return the report's blocks; a section that has nothing to say yields none."""
    return [block for section in SECTIONS for block in section(study)]
