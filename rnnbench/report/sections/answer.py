"""Say in a sentence per task how far back its cells learn: what a report begins with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd

from rnnbench.plot.curves import without_rate
from rnnbench.report.document import Block, Heading, Paragraph, Statements
from rnnbench.report.drawings import HORIZONS
from rnnbench.report.study import Study
from rnnbench.report.tables import range_text
from rnnbench.statistics import MIN_SEEDS, Horizon, HorizonRange

MOST_NAMED = 4  # curves of a sentence; of more, the best ones and the last
# What is said of the first curve of a sentence, and of those after it, by the horizon's bound.
FIRST = {"": "learns up to a gap of", ">": "learns beyond a gap of", "<": "does not learn even"}
NEXT = {"": "up to", ">": "beyond", "<": "not even"}
TUNED = "with tuned rates"
MEANING = (
    "In brackets: 95 % intervals. A gap is told as learned where training on sequences of that gap "
    "succeeded in these steps; how long a trained cell can hold what it has learned is another "
    "question."
)


def answer(study: Study) -> Iterator[Block]:
    """Yield the question, a sentence per task that answers it, and what the numbers mean."""
    yield Heading("How far back does each cell learn?", level=1)
    tasks = study.curves["task"].unique()
    yield Statements(tuple((str(task), task_answer(study, str(task))) for task in tasks))
    yield HORIZONS
    yield Paragraph(MEANING, is_small=True)


def task_answer(study: Study, task: str) -> str:
    """Return the sentence of a task: its curves at given rates, then those at tuned ones."""
    curves = study.curves[study.curves["task"] == task]
    runs = study.results[study.results["task"] == task]
    # Not by their variants: where all rates are tuned, that goes without saying there.
    tuned = curves["label"].isin(runs.loc[runs["lr_choice"] == "tuned", "label"])
    given = runs.loc[runs["lr_choice"] == "given", "lr"].unique()
    parts = []
    for kind, own in ((_given(list(given), sum(~tuned)), curves[~tuned]), (TUNED, curves[tuned])):
        reaches = [Reach.of(row) for row in own.itertuples()]
        parts += [f"{kind}, {said(reaches)}"] if reaches else []
    return f"({_seeds(curves['seeds'])}): {'; '.join(parts)}.{too_few(curves)}"


class Reach(NamedTuple):
    """How far back one curve reaches, and what it is called in a sentence."""

    name: str
    found: HorizonRange

    @classmethod
    def of(cls, row: Any) -> Reach:
        """Take it from a row of `summary.horizons`, named without its rate."""
        return cls(_name(row.cell, without_rate(row.variant)), row.horizon)


def said(reaches: list[Reach]) -> str:
    """Return in words how far curves reach, farthest first; of many, the best and the last."""
    ordered = sorted(reaches, key=lambda reach: -reach.found.horizon.extended)
    texts = [_reach(reach, NEXT) for reach in ordered]
    texts[0] = _reach(ordered[0], FIRST)
    if len(texts) > MOST_NAMED:
        end = f"and, last of {len(texts)}, {texts[-1]} (the table has all)"
        return ", ".join([*texts[: MOST_NAMED - 1], end])
    return ", ".join(texts)


def too_few(curves: pd.DataFrame) -> str:
    """Return sentences on the curves of a task that too few seeds leave without a bound."""
    lines: dict[tuple[int, int], list[str]] = {}
    row: Any
    for row in curves[curves["needed"] > 0].itertuples():
        lines.setdefault((row.seeds, row.needed), []).append(_name(row.cell, row.variant))
    return "".join(
        f" {_count(seeds)} not bound {_listed(names)}; seeds={needed} would, and trains only "
        f"the {needed - seeds} new."
        for (seeds, needed), names in lines.items()
    )


def _given(rates: Sequence[float], curves: int) -> str:
    """Say what given rates so many curves have."""
    if len(rates) != 1:
        return "at the learning rates given"
    one, for_all = ("one", " for all") if curves > 1 else ("a", "")
    return f"at {one} learning rate of {rates[0]:g}{for_all}"


def _reach(reach: Reach, words: dict[str, str]) -> str:
    name, found = reach
    text = f"{name} {words[found.horizon.bound]} {_gap(found.horizon)}"
    is_beyond = bool(found.horizon.bound) and found.low == found.high
    if found.low is None or found.high is None or is_beyond:
        return text
    # A bound stays on the line of its number.
    ends = (f"{end.bound}\xa0{_gap(end)}".strip() for end in (found.low, found.high))
    return f"{text} ({' to '.join(ends)})"


def _gap(found: Horizon) -> str:
    """Return a gap in whole time steps; one below ten as precisely as it is shown elsewhere."""
    return f"{found.gap:.0f}" if found.gap >= 10 else f"{found.gap:.3g}"


def _name(cell: str, variant: str) -> str:
    """Return a curve's name with its variant in brackets: commas part the curves."""
    return f"{cell} ({variant})" if variant else str(cell)


def _seeds(seeds: pd.Series) -> str:
    text = f"{range_text(seeds)} seed{'' if seeds.max() == 1 else 's'}"
    return f"{text}, no interval below {MIN_SEEDS}" if seeds.min() < MIN_SEEDS else text


def _count(seeds: int) -> str:
    return "1 seed does" if seeds == 1 else f"{seeds} seeds do"


def _listed(names: list[str]) -> str:
    """Return names with commas and "and"; of many, how many they are."""
    if len(names) > MOST_NAMED:
        return f"{len(names)} of these"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
