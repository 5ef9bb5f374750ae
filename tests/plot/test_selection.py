"""Which runs are drawn, in which order, by which names, in whose panels."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import rnnbench
from rnnbench.plot.curves import label_variants, labelled
from rnnbench.plot.looks import LETTERS, TALLEST, WIDTHS
from rnnbench.plot.selection import select
from rnnbench.store.frames import load_all
from rnnbench.store.manifest import add_to_manifest

Fabricate = Callable[..., Any]
Stored = Callable[..., Path]
CELLS = ("rnn", "lstm", "gru")


@pytest.fixture
def place(fabricate: Fabricate, stored: Stored) -> Path:
    return stored(
        [
            fabricate(task=task, cell=cell, gap=gap, seed=seed)
            for task in ("copy", "recall")
            for cell in CELLS
            for gap in (11, 20)
            for seed in range(3)
        ]
    )


@pytest.fixture
def runs(place: Path) -> pd.DataFrame:
    return rnnbench.load_results(place)


def cells_of(runs: pd.DataFrame, **options: Any) -> list[str]:
    return [cell for cell, _ in select(runs, **options).curves]


def test_tasks_cells_and_their_order(runs: pd.DataFrame) -> None:
    assert cells_of(runs) == list(CELLS)
    assert cells_of(runs, order=["gru"]) == ["gru", "rnn", "lstm"]
    assert cells_of(runs, cells=["gru", "rnn"]) == ["gru", "rnn"]
    assert cells_of(runs, cells=["gru", "rnn"], order=["rnn"]) == ["rnn", "gru"]
    assert select(runs).tasks == ["copy", "recall"]
    assert select(runs, tasks=["recall", "copy"]).tasks == ["recall", "copy"]
    assert set(select(runs, tasks="copy").runs["task"]) == {"copy"}


def test_the_order_is_that_of_the_sweep(place: Path) -> None:
    entries = {
        f"{number:016x}": {"task": "copy", "cell": cell, "gap": 11, "replicas": []}
        for number, cell in enumerate(("gru", "rnn"))
    }
    add_to_manifest(place, "mine", entries)
    assert cells_of(rnnbench.load_results(place)) == ["gru", "rnn", "lstm"]


def test_without_a_sweeps_word_it_is_that_of_the_rows(runs: pd.DataFrame) -> None:
    assert cells_of(runs.iloc[::-1]) == ["gru", "lstm", "rnn"]


def test_looks_and_names_can_be_given(runs: pd.DataFrame) -> None:
    chosen = select(runs, palette={"gru": "red"}, labels={"rnn": "Elman"})
    assert chosen.styles["gru", ""].colour == to_rgb("red")
    assert chosen.styles["rnn", ""] == select(runs).styles["rnn", ""]
    assert chosen.name(("rnn", "")) == "Elman"
    listed = select(runs, palette=["red", "green", "blue"])
    assert [style.colour for style in listed.styles.values()] == list(
        map(to_rgb, ["red", "green", "blue"])
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": "sort"}, "tasks must be of copy, recall, got 'sort'"),
        ({"cells": ["gru", "elman"]}, "cells must be of gru, lstm, rnn, got 'elman'"),
        ({"rates": "best"}, "rates must be one of both, shared, tuned, got 'best'"),
        ({"rates": "tuned"}, "rates must be of the runs, got 'tuned' where there are none"),
        ({"palette": ["red"]}, "palette must have a colour for each of 3 cells, got 1"),
        ({"size": "poster"}, "size must be one of column, text, slides, phone, got 'poster'"),
        ({"interval": "t"}, "interval must be one of gaffke, None, got 't'"),
    ],
)
def test_what_is_not_there_is_one_clear_error(
    runs: pd.DataFrame, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError) as error:
        rnnbench.plot.curve(runs, figure=Figure(), **options)
    assert str(error.value) == message


def test_frames_that_are_none_are_refused(runs: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="runs must have at least one row, got none"):
        rnnbench.plot.horizons(runs.iloc[:0])
    with pytest.raises(ValueError, match="a frame of rnnbench.load_results, got one without score"):
        rnnbench.plot.horizons(runs.drop(columns="score"))


@pytest.mark.parametrize("draw", [rnnbench.plot.curve, rnnbench.plot.horizons])
def test_axes_of_ones_own_are_used_for_one_task_alone(runs: pd.DataFrame, draw: Any) -> None:
    panel = Figure().add_subplot()
    assert draw(runs, tasks="copy", ax=panel) is panel
    assert panel.get_lines()
    assert not panel.get_figure().legends
    with pytest.raises(ValueError, match="ax must be left out for several panels, here 2"):
        draw(runs, ax=panel)


@pytest.mark.parametrize("draw", [rnnbench.plot.curve, rnnbench.plot.horizons])
@pytest.mark.parametrize("size", WIDTHS)
def test_every_size_is_drawn_anew(runs: pd.DataFrame, draw: Any, size: str) -> None:
    drawn = draw(runs, size=size, figure=Figure())
    assert isinstance(drawn, np.ndarray) and drawn.shape == (2,)
    figure = drawn[0].get_figure()
    assert figure.get_figwidth() == WIDTHS[size]
    assert figure.get_figheight() <= TALLEST[size]
    letters = {text.get_fontsize() for text in figure.findobj(lambda a: hasattr(a, "get_fontsize"))}
    assert max(letters) == LETTERS[size] and min(letters) >= 7
    assert isinstance(draw(runs, tasks="copy", size=size, figure=Figure()), Axes)


def test_labels_of_a_plain_frame_are_those_of_the_report(
    fabricate: Fabricate, stored: Stored
) -> None:
    settings = ({}, {"keep_bias": 3.0}, {"hidden_size": 32}, {"init": "chrono", "keep_bias": None})
    tasks = {"salt": "a"}, {"salt": None}, {}
    records = [fabricate(gap=gap, **own) for gap in (11, 20) for own in settings]
    records += [fabricate("recall", config={"task": own}) for own in tasks]
    records += [fabricate("adding", lr=lr) for lr in (0.1, 0.2)]
    records += [fabricate(cell="rnn", config={"tuned": True}, sweep="tuned")]
    place = stored(records)
    meant = label_variants(load_all(place))
    found = labelled(rnnbench.load_results(place))
    columns = ["run_id", "label", "variant", "cell", "score"]
    pd.testing.assert_frame_equal(found[columns], meant[columns])
    assert found["label"].nunique() == 6


def test_the_users_own_figures_can_have_the_looks() -> None:
    assert rnnbench.plot.style("slides")["font.size"] > rnnbench.plot.style()["font.size"]
    assert "backend" not in rnnbench.plot.style()
    with pytest.raises(ValueError, match="name must be one of paper, slides, got 'poster'"):
        rnnbench.plot.style("poster")


def test_nothing_is_imported_before_it_is_used() -> None:
    code = (
        "import rnnbench, sys; assert 'matplotlib' not in sys.modules\n"
        "rnnbench.plot; assert 'matplotlib' in sys.modules and 'seaborn' not in sys.modules\n"
        "rnnbench.plot.curve; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
