"""Whatever is in a frame, there is a figure or one clear error, and no warning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations, pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import rnnbench
from rnnbench import plot
from rnnbench.store.frames import load_history, load_results

Fabricate = Callable[..., Any]
GAPS = (11, 20, 40)


def many_cells(fabricate: Fabricate) -> list[Any]:
    return [fabricate(cell=f"c{n}", gap=gap) for n in range(30) for gap in GAPS]


def many_tasks(fabricate: Fabricate) -> list[Any]:
    names = {"task": "t{:02d}", "run_id": "r{:02d}{}", "condition_id": "c{:02d}{}"}
    return [
        fabricate(gap=gap) | {key: name.format(task, gap) for key, name in names.items()}
        for task in range(32)
        for gap in GAPS[:1]
    ]


def missing_gaps(fabricate: Fabricate) -> list[Any]:
    return [fabricate(cell="gru", gap=gap) for gap in GAPS] + [fabricate(cell="rnn", gap=20)]


def odd_names(fabricate: Fabricate) -> list[Any]:
    cells = ("a_cell_whose_author_gave_it_a_name_longer_than_any_line" * 2, r"$\a$ & <b>")
    names = {"task": r"$\b$ of many letters", "run_id": "{}{}", "condition_id": "c{}{}"}
    return [
        fabricate(cell=cell, gap=gap)
        | {key: name.format(place, gap) for key, name in names.items()}
        for place, cell in enumerate(cells)
        for gap in GAPS
    ]


def broken(fabricate: Fabricate) -> list[Any]:
    ended = {"loss": None, "score": 0.0, "status": "failed", "steps_to_solve": None, "steps": 0}
    return [fabricate(gap=gap, seed=s, history=[], **ended) for gap in GAPS for s in range(3)]


def neighbours(fabricate: Fabricate) -> list[Any]:
    return [fabricate(gap=gap, seed=seed) for gap in range(100, 140) for seed in range(2)]


FRAMES: dict[str, Callable[[Fabricate], list[Any]]] = {
    "one run": lambda fabricate: [fabricate()],
    "one gap": lambda fabricate: [fabricate(seed=seed) for seed in range(5)],
    "one seed": lambda fabricate: [
        fabricate(gap=gap, cell=c) for gap in GAPS for c in ("rnn", "gru")
    ],
    "30 cells": many_cells,
    "32 tasks": many_tasks,
    "missing gaps": missing_gaps,
    "failed runs only": broken,
    "odd names": odd_names,
    "gaps side by side": neighbours,
}

LARGE = pytest.mark.long


def calls(runs: pd.DataFrame, history: pd.DataFrame) -> Iterator[Callable[..., Any]]:
    yield lambda **options: plot.horizons(runs, **options)
    yield lambda **options: plot.curve(runs, **options)
    yield lambda **options: plot.learning(runs, history, **options)
    yield lambda **options: plot.solving(runs, **options)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *(pytest.param(n, "column", marks=LARGE if n == "32 tasks" else []) for n in FRAMES),
        *(pytest.param(name, "text", marks=LARGE) for name in ("30 cells", "32 tasks")),
    ],
)
def test_a_frame_gives_figures_no_taller_than_a_page_or_one_error(
    fabricate: Fabricate, stored: Callable[..., Path], name: str, size: str
) -> None:
    place = stored(FRAMES[name](fabricate))
    for draw in calls(load_results(place), load_history(place)):
        figure = Figure()
        try:
            draw(size=size, figure=figure)
        except ValueError as error:
            assert str(error).startswith("runs must have one that solves its task")
            continue
        figure.draw_without_rendering()
        assert figure.get_figheight() <= 9
        for text in texts(figure):
            box = text.get_window_extent()
            assert box.x0 > -2 and box.x1 < figure.bbox.width + 2, text
            assert box.y0 > -2 and box.y1 < figure.bbox.height + 2, text


def texts(figure: Figure) -> list[Any]:
    """Return what is written, but for the numbers at ticks, some of which lie outside."""
    found = [*figure.texts, *(text for own in figure.legends for text in own.get_texts())]
    for panel in figure.axes:
        found += [*panel.texts, panel.title, panel.xaxis.label, panel.yaxis.label]
    return [text for text in found if text.get_text()]


def whole_sweep(fabricate: Fabricate) -> list[Any]:
    """Three tasks, cells and kinds of rates, as in a sweep that tunes."""
    tuned = {"lr": 0.01, "config": {"tuned": True}, "sweep": "tuned"}
    parts = ("copy", "adding", "recall"), ("rnn", "lstm", "gru"), (11, 20, 40, 80, 160), range(3)
    shared, own = ([fabricate(*p, **kind) for p in product(*parts)] for kind in ({}, tuned))
    return [*shared, *(run | {"run_id": f"{n:016x}"} for n, run in enumerate(own))]


@pytest.mark.long
@pytest.mark.parametrize(
    "size",
    ["column", "text", "phone", "slides"],
)
def test_no_words_lie_on_others(
    fabricate: Fabricate, stored: Callable[..., Path], size: str
) -> None:
    place = stored(whole_sweep(fabricate))
    for draw in calls(load_results(place), load_history(place)):
        figure = Figure()
        draw(size=size, figure=figure)
        figure.draw_without_rendering()
        boxes = [(text, text.get_window_extent()) for text in texts(figure)]
        for (one, box), (other, its) in combinations(boxes, 2):
            across = min(box.x1, its.x1) - max(box.x0, its.x0)
            down = min(box.y1, its.y1) - max(box.y0, its.y0)
            # The box of a line is higher than its letters.
            assert across <= 0 or down <= 0.25 * box.height, f"{size}: {one} on {other}"


def test_on_a_phone_each_panel_has_a_row_its_axis_and_the_legend_above(
    fabricate: Fabricate, stored: Callable[..., Path]
) -> None:
    place = stored(whole_sweep(fabricate))
    for draw in calls(load_results(place), load_history(place)):
        figure = Figure()
        panels = list(np.ravel(draw(size="phone", figure=figure)))
        figure.draw_without_rendering()
        ends = [(panel.get_position().y0, panel.get_position().y1) for panel in panels]
        assert all(one[0] > other[1] for one, other in pairwise(ends))
        assert all(panel.xaxis.label.get_text() for panel in panels) or figure.get_supxlabel()
        (legend,) = figure.legends
        assert legend.get_window_extent().y0 > panels[0].get_window_extent().y1


def test_diagnoses_and_transfer_that_are_empty_are_one_error(
    fabricate: Fabricate, stored: Callable[..., Path]
) -> None:
    place = stored([fabricate()])
    runs = load_results(place)
    for draw in (plot.gradient, plot.cue, plot.gates):
        with pytest.raises(ValueError, match="diagnosis must be of the runs, got none of these"):
            draw(runs, rnnbench.load_diagnosis(place))
    with pytest.raises(ValueError, match="measured must be of the runs, got none of these"):
        plot.transfer(runs, rnnbench.load_transfer(place))
    with pytest.raises(ValueError, match="a cell with more than two keep biases, got none"):
        plot.keep_bias(runs)


def test_saved_files_are_the_same_whatever_is_in_force(
    fabricate: Fabricate, stored: Callable[..., Path], tmp_path: Path
) -> None:
    import matplotlib as mpl
    from matplotlib import pyplot

    runs = load_results(stored(FRAMES["one seed"](fabricate)))
    hostile = {"font.size": 30, "axes.facecolor": "red", "lines.linewidth": 9, "figure.dpi": 31}
    found = []
    for number, rules in enumerate(({}, hostile)):
        with mpl.rc_context(rules):
            drawn = plot.curve(runs)
            paths = plot.save(drawn, tmp_path / f"{number}", ["png", "svg", "pdf"])
        pyplot.close("all")
        found.append([path.read_bytes() for path in paths])
    assert found[0] == found[1]
    assert [path.name for path in paths] == ["1.png", "1.svg", "1.pdf"]
    with pytest.raises(ValueError, match="formats must be one of svg, pdf, png, got 'gif'"):
        plot.save(drawn, tmp_path / "x", ["gif"])
    with pytest.raises(ValueError, match="drawn must be Axes or a Figure, got list"):
        plot.save([], tmp_path / "x")
    assert isinstance(np.ravel(drawn)[0].get_figure(), Figure)
