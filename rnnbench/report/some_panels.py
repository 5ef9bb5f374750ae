"""What a figure shows where there is more than it has room for, and how it says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from rnnbench.diagnose import Diagnoses
from rnnbench.report.diagnosis_data import PANEL, panels_of
from rnnbench.report.keep_bias import keep_bias_horizons
from rnnbench.report.some_gaps import at_some_gaps
from rnnbench.report.study import Study
from rnnbench.report.variants import CURVE, is_tuned

MOST_PANELS = 32  # three tasks with ten gaps each; hundreds would take minutes, and be read by none
Part = tuple[Study, str]  # what is drawn, and what is left out ("3 of 9 tasks"), or nothing


def _task_each(study: Study) -> Part:
    """Keep as many tasks as have panels: one each, and one more where rates were tuned."""
    tuned = study.results["variant"].map(is_tuned).groupby(study.results["task"]).nunique()
    return _tasks(study, {str(task): int(number) for task, number in tuned.items()})


def _with_keep_bias(study: Study) -> Part:
    if study.results["task"].nunique() <= MOST_PANELS:
        return study, ""
    return _tasks(study, dict.fromkeys(_names(keep_bias_horizons(study.results)), 1))


def _gap_each(study: Study) -> Part:
    """Keep as many tasks as have panels, one for each gap."""
    gaps = at_some_gaps(study.results).groupby("task")["gap"].nunique()
    return _tasks(study, {str(task): int(number) for task, number in gaps.items()})


def _tasks(study: Study, widths: Mapping[str, int]) -> Part:
    """Keep the first tasks whose rows of panels have room."""
    kept = _fitting(list(widths.values()))
    shown = set(list(widths)[:kept])
    results, by_gap = (f[f["task"].isin(shown)] for f in (study.results, study.by_gap))
    drawn = replace(study, results=results, by_gap=by_gap)
    return (study, "") if kept == len(widths) else (drawn, _left_out(kept, len(widths), "tasks"))


def _fitting(widths: Sequence[int]) -> int:
    """Return how many of the rows, at least one, have room; a figure is as wide as its widest."""
    rows = (n for n in range(len(widths), 0, -1) if n * max(widths[:n]) <= MOST_PANELS)
    return next(rows, 1)


def _curve_each(measure: str) -> Callable[[Study], Part]:
    """Return what keeps as many diagnosed curves as have panels, one each."""

    def keep(study: Study) -> Part:
        runs, curves = study.diagnoses
        pairs = panels_of(curves[curves["measure"] == measure])
        if len(pairs) <= MOST_PANELS:
            return study, ""
        shown = pd.MultiIndex.from_frame(curves[PANEL]).isin(pairs[:MOST_PANELS])
        drawn = replace(study, diagnoses=Diagnoses(runs, curves[shown]))
        return drawn, _left_out(MOST_PANELS, len(pairs), "curves")

    return keep


def _transfer(study: Study) -> Part:
    """Keep as many curves as have panels, and then as many tasks, for all have the same curves."""
    runs = study.transfer
    curves = runs[CURVE[1:]].drop_duplicates().sort_values(CURVE[1:])
    shown = runs.merge(curves.head(MOST_PANELS), on=CURVE[1:])
    tasks = _names(runs)
    kept = min(len(tasks), max(1, MOST_PANELS // max(1, min(len(curves), MOST_PANELS))))
    shown = shown[shown["task"].isin(tasks[:kept])]
    total = len(runs[CURVE].drop_duplicates())
    left = _left_out(len(shown[CURVE].drop_duplicates()), total, "curves")
    return (study, "") if len(shown) == len(runs) else (replace(study, transfer=shown), left)


def _names(rows: pd.DataFrame) -> list[str]:
    return sorted(str(task) for task in rows["task"].unique())


def _left_out(kept: int, total: int, what: str) -> str:
    return f"{total - kept} of {total} {what}"


ROOM: Mapping[str, Callable[[Study], Part]] = {
    "accuracy_vs_gap": _task_each,
    "score_vs_gap": _task_each,
    "solving_curves": _gap_each,
    "learning_curves": _gap_each,
    "horizon_vs_keep_bias": _with_keep_bias,
    "gradient_vs_lag": _curve_each("gradient"),
    "cue_vs_time": _curve_each("cue"),
    "gates_vs_time": _curve_each("gate"),
    "transfer": _transfer,
}
