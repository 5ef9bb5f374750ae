"""Declare the figures of a report: their names, captions, and what of a study they draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure as Drawing

from rnnbench.plot.curves import is_tuned
from rnnbench.plot.gap import curve
from rnnbench.plot.looks import THEME
from rnnbench.plot.reach import horizons
from rnnbench.report.document import Figure
from rnnbench.report.study import Study


def into_a_figure(draw: Callable[[Study], dict[str, Any]], function: Any) -> Callable[..., Drawing]:
    """Return a function from a study, a size and the looks of cells to a figure of its own.

    Args:
        draw: returns what `function` is called with.
        function: of `rnnbench.plot`.
    """

    def drawn(study: Study, size: str = "text", **looks: Any) -> Drawing:
        with mpl.rc_context(THEME):
            figure = Drawing()
        function(**draw(study), size=size, figure=figure, **looks)
        return figure

    return drawn


def _one_of_each_task(study: Study) -> pd.Series[int]:
    """Return how many panels each task has: one."""
    return pd.Series(1, index=pd.Index(study.results["task"].unique()))


def _one_of_each_kind(study: Study) -> pd.Series[int]:
    """Return how many panels each task has: one, and one more where rates were tuned."""
    tuned = study.results["variant"].astype(str).map(is_tuned)
    return tuned.groupby(study.results["task"]).nunique()


def _against_gap(measure: str) -> Callable[[Study], dict[str, Any]]:
    return lambda study: {"runs": study.results, "y": measure, "guesses": study.guesses}


HORIZONS = Figure(
    "horizons",
    "Horizon: the gap at which the mean score over seeds falls below 0.75. Hollow: one learning "
    "rate for all cells; filled: a rate tuned for each at every gap. Bar: 95 % interval (Bayesian "
    "bootstrap over the seeds of every gap), from five seeds on. Arrow, in the grey zone: beyond "
    "the gaps that were run.",
    draw=into_a_figure(lambda study: {"runs": study.results}, horizons),
    rows=_one_of_each_task,
)
ACCURACY = Figure(
    "accuracy_vs_gap",
    "Accuracy on the test stream against the gap. Line: mean over seeds. Whiskers: 95 % interval "
    "of that mean over seeds (Gaffke). Open marks: single seeds; curves are moved aside by up to "
    "4 % of a gap, with their seeds. 10/10: all seeds there agree. Where learning rates were "
    "tuned, those curves have panels of their own. Dotted: what a predictor that remembers nothing "
    "gets.",
    draw=into_a_figure(_against_gap("accuracy"), curve),
    rows=_one_of_each_kind,
)
SCORE = Figure(
    "score_vs_gap",
    "Score against the gap: 0 remembers nothing, 1 is perfect. Drawn as above. Dashed: 0.75, where "
    "the horizon is read.",
    draw=into_a_figure(_against_gap("score"), curve),
    rows=_one_of_each_kind,
)
