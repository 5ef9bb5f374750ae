"""Draw the report of stored results, and write its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from rnnbench.console import warn
from rnnbench.report.curves import CURVE, curve_numbers, is_tuned
from rnnbench.report.document import Block, Picture
from rnnbench.report.drawn import note_drawn
from rnnbench.report.figures.diagnosis import draw_cue, draw_gradients
from rnnbench.report.figures.frame import at_some_gaps, render
from rnnbench.report.figures.gap import draw_against_gap, draw_transfer
from rnnbench.report.figures.gates import draw_gates
from rnnbench.report.figures.training import draw_learning_curves, draw_solving_curves
from rnnbench.report.page import to_html
from rnnbench.report.sections.keep_bias import draw_keep_bias, keep_bias_horizons
from rnnbench.report.sections.results import compose, title
from rnnbench.report.sections.transfer import transfer_means
from rnnbench.report.study import PANEL, Study, panels_of, read_study
from rnnbench.report.text import horizon_latex, to_markdown
from rnnbench.store.diagnoses import Diagnoses
from rnnbench.store.files import check_inside, write_atomically

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


# Drawn where a section shows the picture of this name.
FIGURES: Mapping[str, Callable[[Study], Figure]] = {
    "accuracy_vs_gap": lambda study: _against_gap(study, "accuracy"),
    "score_vs_gap": lambda study: _against_gap(study, "score"),
    "solving_curves": lambda study: draw_solving_curves(study.results),
    "learning_curves": lambda study: draw_learning_curves(study.results, study.history),
    "horizon_vs_keep_bias": lambda study: draw_keep_bias(keep_bias_horizons(study.results)),
    "gradient_vs_lag": lambda study: draw_gradients(study.diagnoses),
    "cue_vs_time": lambda study: draw_cue(study.diagnoses),
    "gates_vs_time": lambda study: draw_gates(study.diagnoses),
    "transfer": lambda study: draw_transfer(transfer_means(study.transfer)),
}
# Numbers for other programs and for papers.
TABLES: Mapping[str, Callable[[Study], str]] = {
    "summary.csv": lambda study: curve_numbers(study.curves).to_csv(index=False),
    "horizons.tex": horizon_latex,
    "by_gap.csv": lambda study: study.by_gap.drop(columns="label").to_csv(index=False),
}


def _against_gap(study: Study, measure: str) -> Figure:
    return draw_against_gap(study.results, study.by_gap, measure, study.guesses)


def draw_report(paths: Sequence[Path]) -> dict[str, bytes]:
    """Return what the files of the report on several results directories hold, by their names.

    Args:
        paths: results directories or consolidated files; a sweep may be unfinished.

    Raises:
        FileNotFoundError: there is nothing at a path, or not one run in all of them.
    """
    study = read_study([Path(path) for path in paths])
    blocks = compose(study)
    shown = [block.name for block in blocks if isinstance(block, Picture)]
    parts = {name: ROOM[name](study) for name in shown}
    left_out = {name: left for name, (_, left) in parts.items() if left}
    blocks = [_with_note(block, left_out) for block in blocks]
    pictures = {name: render(FIGURES[name](part)) for name, (part, _) in parts.items()}
    _warn(left_out)
    vectors = {name: files["svg"] for name, files in pictures.items()}
    texts = {name: write(study) for name, write in TABLES.items()} | {
        "report.md": to_markdown(blocks),
        "index.html": to_html(title(study.results), blocks, vectors),
    }
    figures = {
        f"{name}.{kind}": content
        for name, formats in pictures.items()
        for kind, content in formats.items()
    }
    return figures | {name: text.encode() for name, text in texts.items()}


def write_report(paths: Sequence[Path]) -> Path:
    """Write the report on several results directories into `report/` of the first one.

    Returns:
        The directory of the report.

    Raises:
        FileNotFoundError: as `draw_report` does.
        LeadsOut: `report/` is a link to a place elsewhere.
    """
    first = Path(paths[0])
    place = first if first.is_dir() else first.parent
    directory = place / "report"
    check_inside(directory, place)
    files = draw_report(paths)
    for name, content in files.items():  # the page last: its being there tells that all is
        write_atomically(directory / name, content)
    note_drawn(place)
    return directory


def _with_note(block: Block, left_out: Mapping[str, str]) -> Block:
    """Return a picture with what it leaves out in its caption, and any other block as it is."""
    if isinstance(block, Picture) and block.name in left_out:
        note = f"Left out, as a figure has at most {MOST_PANELS} panels: {left_out[block.name]}."
        return replace(block, caption=f"{block.caption} {note}")
    return block


def _warn(left_out: Mapping[str, str]) -> None:
    if left_out:
        parts = ", ".join(f"{left} in {name}" for name, left in left_out.items())
        warn(f"figures have at most {MOST_PANELS} panels; left out: {parts}")
