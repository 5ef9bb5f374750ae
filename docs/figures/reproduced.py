"""Draw what came of known results that were run again, as a report of their records does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from rnnbench import load_history, load_results, plot

RESULTS = Path(__file__).resolve().parent.parent.parent / "results"
STORED = RESULTS / "reproductions"


def draw_keep_bias() -> Figure:
    """Draw the horizon of LSTM and GRU against the start of their keep gates."""
    return _drawn(plot.keep_bias, load_results(STORED / "keep_bias"))


def draw_urnn_adding() -> Figure:
    """Draw the losses of RNN and LSTM on adding at T = 100."""
    return _learning("urnn_adding")


def draw_staged_learning() -> Figure:
    """Draw the losses of ten plain RNNs on adding at gap 20."""
    return _learning("staged_learning")


def draw_curriculum() -> Figure:
    """Draw the accuracy on recall by the schedule of the gaps in training."""
    return _drawn(plot.curve, load_results(STORED / "curriculum"), y="accuracy")


def draw_tree() -> Figure:
    """Draw the scores of cells over time and over a tree, against gap and path."""
    named = {f"{cell}, balanced tree": f"{cell} tree" for cell in ("rnn", "lstm", "gru")}
    return _drawn(plot.curve, load_results(STORED / "tree"), x="both", labels=named)


def draw_atlas() -> Figure:
    """Draw how far every cell of the suite remembers."""
    return _drawn(plot.horizons, load_results(RESULTS / "atlas"))


def draw_hs97_adding() -> Figure:
    """Draw the share of LSTMs that have solved adding over 100 time steps."""
    starts = {"chrono": "chrono init, no keep bias", "torch": "torch init, keep bias 1"}
    named = {
        f"lstm, {settings}, lr {lr}": f"{start}, rate {lr}"
        for start, settings in starts.items()
        for lr in (0.1, 0.5)
    }
    return _drawn(plot.solving, load_results(STORED / "hs97_adding"), labels=named)


def _learning(name: str) -> Figure:
    place = STORED / name
    return _drawn(plot.learning, load_results(place), load_history(place))


def _drawn(draw: Callable[..., Any], *frames: Any, **options: Any) -> Figure:
    """Return the figure that a function of `rnnbench.plot` draws."""
    figure = Figure(layout="constrained", facecolor="white")
    draw(*frames, figure=figure, **options)
    return figure
