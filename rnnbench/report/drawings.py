"""Declare the figures of a report: their names, captions, and what of a study they draw."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure as Drawing

from rnnbench.plot.curves import CURVE, have_tuned
from rnnbench.plot.diagnosis import cue, gradient
from rnnbench.plot.gap import curve
from rnnbench.plot.gating import gates
from rnnbench.plot.loads import by_load, load
from rnnbench.plot.looks import THEME
from rnnbench.plot.matrix import transfer
from rnnbench.plot.reach import horizons
from rnnbench.plot.selection import select
from rnnbench.plot.solved import solving
from rnnbench.plot.starts import drawn_tasks, keep_bias, keep_bias_horizons
from rnnbench.plot.steps import panel_rows
from rnnbench.plot.training import learning
from rnnbench.report.document import Figure, one_panel_each
from rnnbench.report.study import Study
from rnnbench.statistics import HORIZON


def into_a_figure(function: Any, **frames: str) -> Callable[..., Drawing]:
    """Return a function from a study, a size and the looks of cells to a figure of its own.

    Args:
        function: of `rnnbench.plot`.
        frames: what it takes beside the runs, by the attributes of a study.
    """

    def drawn(study: Study, size: str = "text", **looks: Any) -> Drawing:
        given = {name: getattr(study, attribute) for name, attribute in frames.items()}
        with mpl.rc_context(THEME):
            figure = Drawing()
        function(study.results, **given, size=size, figure=figure, **looks)
        return figure

    return drawn


def _one_of_each_task(study: Study) -> pd.Series[int]:
    """Return how many panels each task has: one."""
    return pd.Series(1, index=pd.Index(study.results["task"].unique()))


def _one_of_each_kind(study: Study) -> pd.Series[int]:
    """Return how many panels each task has: one, and one more where rates were tuned."""
    tuned = have_tuned(study.results)
    return tuned.groupby(study.results["task"]).nunique()


def _by_task(runs: pd.DataFrame) -> pd.Series[int]:
    """Return how many panels each task has: one for each of its curves."""
    return runs.drop_duplicates(CURVE).groupby("task", sort=False).size()


def _panels_of_gaps(solved_alone: bool) -> Callable[[Study], pd.Series[int]]:
    """Return a function from a study to how many panels each task has: one for each gap drawn."""

    def rows(study: Study) -> pd.Series[int]:
        panels = panel_rows(select(study.results), "text", solved_alone=solved_alone)
        tasks = pd.Series([task for row in panels for task, _, _ in row], dtype=object)
        return tasks.groupby(tasks).size()

    return rows


def _panels_of_curves(measure: str) -> Callable[[Study], pd.Series[int]]:
    """Return a function from a study to its curves that a measure of the diagnosis is known of."""

    def rows(study: Study) -> pd.Series[int]:
        curves = study.diagnoses.curves
        measured = set(curves.loc[curves["measure"] == measure, "run_id"])
        return _curves(study.results[study.results["run_id"].isin(measured)])

    return rows


def _curves(runs: pd.DataFrame) -> pd.Series[int]:
    """Return one panel for each (task, label) of labelled runs, in their order."""
    pairs = runs[[*CURVE, "label"]].drop_duplicates().sort_values(CURVE)
    return one_panel_each(zip(pairs["task"], pairs["label"], strict=True))


def _against_gap(measure: str, caption: str) -> Figure:
    """Return the figure of a measure against the gap."""
    draw = into_a_figure(partial(curve, y=measure), guesses="guesses")
    return Figure(f"{measure}_vs_gap", caption, draw, _one_of_each_kind)


def _why(name: str, measure: str, function: Any, caption: str) -> Figure:
    """Return the figure of a measure of the diagnosis."""
    draw = into_a_figure(function, diagnosis="diagnoses")
    return Figure(name, caption, draw, _panels_of_curves(measure))


HORIZONS = Figure(
    "horizons",
    "Horizon: the gap at which the mean score over seeds falls below 0.75. Hollow: one learning "
    "rate for all cells; filled: a rate tuned for each at every gap. Bar: 95 % interval (Bayesian "
    "bootstrap over the seeds of every gap), from five seeds on. Arrow, in the grey zone: beyond "
    "the gaps that were run.",
    draw=into_a_figure(horizons),
    rows=_one_of_each_task,
)
SCORE = _against_gap(
    "score",
    "Score against the gap: 0 remembers nothing, 1 is perfect. Line: mean over seeds. Whiskers: 95 "
    "% interval of that mean over seeds (Gaffke). Open marks: single seeds; curves are moved aside "
    "by up to 4 % of a gap, with their seeds. 10/10: all seeds there agree. Where learning rates "
    "were tuned, those curves have panels of their own. Dashed: 0.75, where the horizon is read.",
)
PATH = Figure(
    "score_vs_path",
    "Score against the gap, left, and against the path, right: the steps of the cell from the "
    "oldest input to the answer, over time as many as the gap, over a balanced tree its levels. "
    "Drawn as above. Where the path alone decides, the curves of a cell lie on one line at the "
    "right.",
    draw=into_a_figure(partial(curve, x="both")),
    rows=lambda study: 2 * _one_of_each_kind(study),
)
LOAD = Figure(
    "load_map",
    "Mean score over seeds by gap and load, the bits that an answer needs over the gap: both "
    "logarithmic, a field for each that was run, darker is better. Line: the horizon at each load, "
    "the gap at which the mean score falls below 0.75; bars: its 95 % interval. Arrows in the "
    "grey: beyond the gaps that were run.",
    draw=into_a_figure(load),
    rows=lambda study: _by_task(by_load(study.results)),
)
ACCURACY = _against_gap(
    "accuracy",
    "Accuracy on the test stream against the gap, drawn as the score is. Dotted: what a predictor "
    "that remembers nothing gets.",
)
SOLVING = Figure(
    "solving_curves",
    "Share of runs that have solved their task after so many steps: accuracy of 0.99 at three "
    "evaluations in a row, of which the first counts. Band: 95 % interval of the share "
    "(Wilson). Runs that are never solved, diverged and failed ones included, are counted to the "
    "end. Lines lie apart by up to 1 %, that all be seen; where no run solves the task there is "
    "no panel.",
    draw=into_a_figure(solving),
    rows=_panels_of_gaps(solved_alone=True),
)
LEARNING = Figure(
    "learning_curves",
    "Loss of the evaluations during training, logarithmic. Thick: median over seeds, where a run "
    "that ended early counts on at its last loss and a diverged one at chance. Thin: single seeds. "
    "Dotted: chance and known half-way solutions.",
    draw=into_a_figure(learning, history="history"),
    rows=_panels_of_gaps(solved_alone=False),
)
GRADIENT = _why(
    "gradient_vs_lag",
    "gradient",
    gradient,
    "Norm of the gradient of one answer's loss with respect to all states, against the lag: time "
    "steps before the read-out. As a multiple of that at lag 0; each line ends at its gap, where "
    "the cue is, with the gap written there; marks at the lower edge lie below it. Thick: medians "
    "over seeds, dashed before training. Grey level: as large is the noise of a mean over all "
    "sequences of a training, so that what is less is lost among the rest.",
)
CUE = _why(
    "cue_vs_time",
    "cue",
    cue,
    "What a linear read-out recovers of the cue from all states, on sequences held out, against "
    "the time since the cue was shown: 0 is chance, 1 all of it. Classes: accuracy corrected for "
    "chance; values: R squared. A network that keeps only a sum or a function of the cue needs "
    "less than 1; and what no linear read-out tells half-way may come back, for it is there in "
    "another form.",
)
GATES = _why(
    "gates_vs_time",
    "gate",
    gates,
    "Activation of the gates over the gap (0 shut, 1 open), mean over units and sequences, median "
    "over seeds, at the greatest gap of the task at which a cell with gates still has a mean score "
    f"of {HORIZON:g}. Above, logarithmic: half-lives, time steps after which the keep gate alone "
    "leaves half of a unit's old state, of the median unit and of the one that keeps longest; a "
    "circle for each seed, hollow before training and filled after; dotted: the gap. Where no unit "
    "comes near the gap and the score is high all the same, the past goes round through the "
    "recurrent weights.",
)
TRANSFER = Figure(
    "transfer",
    "Mean score over seeds on the test stream of a gap (column) of networks trained at a gap "
    "(row). Framed: the gap of training; right of it gaps are longer than in training, left of it "
    "shorter.",
    draw=into_a_figure(transfer, measured="transfer"),
    rows=lambda study: _curves(study.transfer),
)
KEEP_BIAS = Figure(
    "horizon_vs_keep_bias",
    "Horizon against the bias that the gate which keeps the old state starts with; bars: 95 % "
    "interval; arrows in the grey: beyond the measured gaps. Dotted: after how many time steps a "
    "gate at that bias alone has kept half, ln 2 / -ln sigmoid(b). Chrono draws the bias of every "
    "unit between log 1 and log(gap - 1).",
    draw=into_a_figure(keep_bias),
    rows=lambda study: one_panel_each(drawn_tasks(keep_bias_horizons(study.results))[0]),
)
