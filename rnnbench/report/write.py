"""From stored results to the files of a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from matplotlib.figure import Figure

from rnnbench.errors import warn
from rnnbench.records import write_atomically
from rnnbench.report.content import compose, title
from rnnbench.report.curve_numbers import curve_numbers
from rnnbench.report.document import Block, Picture
from rnnbench.report.drawn import note_drawn
from rnnbench.report.figure import render
from rnnbench.report.gap_figure import draw_against_gap
from rnnbench.report.gates_figure import draw_gates
from rnnbench.report.keep_bias import draw_keep_bias, keep_bias_horizons
from rnnbench.report.lag_figure import draw_cue, draw_gradients
from rnnbench.report.latex import horizon_latex
from rnnbench.report.learning_figure import draw_learning_curves
from rnnbench.report.markdown import to_markdown
from rnnbench.report.page import to_html
from rnnbench.report.solving_figure import draw_solving_curves
from rnnbench.report.some_panels import MOST_PANELS, ROOM
from rnnbench.report.study import Study, read_study
from rnnbench.report.transfer import transfer_means
from rnnbench.report.transfer_figure import draw_transfer
from rnnbench.within import check_inside

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
