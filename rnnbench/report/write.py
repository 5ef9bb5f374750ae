"""From stored results to the files of a report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rnnbench.records import write_atomically
from rnnbench.report.content import compose, title
from rnnbench.report.figure import render
from rnnbench.report.gap_figure import draw_against_gap
from rnnbench.report.keep_bias import draw_keep_bias, keep_bias_horizons
from rnnbench.report.learning_figure import draw_learning_curves
from rnnbench.report.markdown import to_markdown
from rnnbench.report.page import to_html
from rnnbench.report.solving_figure import draw_solving_curves
from rnnbench.report.summary import summarise
from rnnbench.report.variants import label_variants
from rnnbench.results import load_history, load_results


def write_report(paths: Sequence[Path]) -> Path:
    """Write the report on several results directories into `report/` of the first one.

    Args:
        paths: results directories or consolidated files; a sweep may be unfinished.

    Returns:
        The directory of the report.

    Raises:
        FileNotFoundError: there is nothing at a path, or not one run in all of them.
    """
    places = [Path(path) for path in paths]
    results = load_results(places)
    if results.empty:
        raise FileNotFoundError(f"no runs at {', '.join(map(str, places))}")
    results = label_variants(results)
    summary = summarise(results)
    figures = {
        "accuracy_vs_gap": draw_against_gap(results, summary, "accuracy"),
        "score_vs_gap": draw_against_gap(results, summary, "score"),
        "solving_curves": draw_solving_curves(results),
        "learning_curves": draw_learning_curves(results, load_history(places)),
    }
    starts = keep_bias_horizons(results)
    if not starts.empty:
        figures["horizon_vs_keep_bias"] = draw_keep_bias(starts)
    pictures = {name: render(figure) for name, figure in figures.items()}
    blocks = compose(results, summary)
    vectors = {name: files["svg"] for name, files in pictures.items()}
    files = {
        "summary.csv": summary.drop(columns="label").to_csv(index=False),
        "report.md": to_markdown(blocks),
        "index.html": to_html(title(results), blocks, vectors),
    }
    first = places[0] if places[0].is_dir() else places[0].parent
    directory = first / "report"
    for name, formats in pictures.items():
        for kind, content in formats.items():
            write_atomically(directory / f"{name}.{kind}", content)
    for name, text in files.items():  # the page last: its being there tells that all is
        write_atomically(directory / name, text.encode())
    return directory
