"""The sentences with which a report begins: true, and readable with one cell and with twenty."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from rnnbench.report.sections.answer import task_answer
from rnnbench.report.study import read_study

Fabricate = Callable[..., Any]
GAPS = (10, 20, 40, 80)


@pytest.fixture
def answer(stored: Callable[..., Path]) -> Callable[[Iterable[Any]], str]:
    """Return a function from records of copy to the sentence on them."""
    return lambda records: task_answer(read_study([stored(records)]), "copy").replace("\xa0", " ")


def curve(
    fabricate: Fabricate, cell: str, reach: int, seeds: int = 10, **changes: Any
) -> list[Any]:
    """Return runs that remember all gaps up to one."""
    return [
        fabricate("copy", cell, gap, seed, score=float(gap <= reach), lr=0.001, **changes)
        for gap in GAPS
        for seed in range(seeds)
    ]


def tuned(records: Iterable[Any]) -> list[Any]:
    changes = {"config": {"tuned": True}, "lr": 0.01}
    ids = ("run_id", "condition_id")
    return [r | changes | {name: f"f{r[name][1:]}" for name in ids} for r in records]


def test_it_tells_the_horizon_its_interval_the_seeds_and_the_rate(
    fabricate: Fabricate, answer: Callable[..., str]
) -> None:
    text = answer(curve(fabricate, "gru", 20))
    pattern = r"\(10 seeds\): at a learning rate of 0\.001, gru learns up to a gap of 24 "
    assert re.fullmatch(pattern + r"\(\d+ to \d+\)\.", text)


def test_cells_come_farthest_first_and_beyond_and_below_are_said(
    fabricate: Fabricate, answer: Callable[..., str]
) -> None:
    reach = {"rnn": 5, "lstm": 20, "gru": 80}
    text = answer([run for cell, far in reach.items() for run in curve(fabricate, cell, far)])
    pattern = (
        r"at one learning rate of 0\.001 for all, gru learns beyond a gap of 80 \(\d+ to > 80\), "
        r"lstm up to 24 \(.*?\), rnn not even 10\."
    )
    assert re.search(pattern, text)


def test_tuned_rates_are_a_part_of_their_own(
    fabricate: Fabricate, answer: Callable[..., str]
) -> None:
    shared = curve(fabricate, "gru", 20)
    text = answer([*shared, *tuned(curve(fabricate, "gru", 80))])
    given, found = text.split("; ")
    assert "at a learning rate of 0.001, gru learns up to a gap of 24" in given
    assert found.startswith("with tuned rates, gru learns beyond a gap of 80")


def test_tuned_rates_alone_are_said_alone(fabricate: Fabricate, answer: Callable[..., str]) -> None:
    text = answer(tuned(curve(fabricate, "lstm", 40)))
    assert text.startswith("(10 seeds): with tuned rates, lstm learns up to a gap of 48 (")


def test_of_many_cells_the_best_three_and_the_last_are_named(
    fabricate: Fabricate, answer: Callable[..., str]
) -> None:
    reach = {f"c{place:02d}": 10 for place in range(18)} | {"best": 40, "worst": 5}
    text = answer([run for cell, far in reach.items() for run in curve(fabricate, cell, far, 2)])
    assert re.search(
        r"best learns up to a gap of 48, c00 up to 12, c01 up to 12, and, last of 20, "
        r"worst not even 10 \(the table has all\)\.",
        text,
    )
    assert len(text) < 400


def test_too_few_seeds_are_said_with_how_many_would_do(
    fabricate: Fabricate, answer: Callable[..., str]
) -> None:
    scores = {10: [1.0] * 5, 40: [1.0, 1.0, 1.0, 0.0, 0.0]}
    text = answer(
        [
            fabricate(gap=gap, seed=seed, score=score)
            for gap, found in scores.items()
            for seed, score in enumerate(found)
        ]
    )
    end = " 5 seeds do not bound gru; seeds=40 would, and trains only the 35 new."
    assert text.endswith(end)


def test_one_seed_has_no_interval_and_the_sentence_says_so(
    fabricate: Fabricate, answer: Callable[..., str]
) -> None:
    text = answer(curve(fabricate, "gru", 20, seeds=1))
    assert text.startswith("(1 seed, no interval below 5): at a learning rate of 0.001, gru ")
    assert "learns up to a gap of 24." in text


def test_commas_part_cells_and_not_their_settings(
    fabricate: Fabricate, answer: Callable[..., str]
) -> None:
    runs = [run for bias in (0.0, 3.0) for run in curve(fabricate, "gru", 20, keep_bias=bias)]
    text = answer([run | {"run_id": f"{place:016x}"} for place, run in enumerate(runs)])
    assert "gru (keep bias 0) learns up to a gap of 24 (" in text
    assert ", gru (keep bias 3) up to 24 (" in text
