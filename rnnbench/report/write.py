"""Draw the report of stored results, and write its files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rnnbench.console import warn
from rnnbench.plot.curves import curve_numbers
from rnnbench.plot.files import render
from rnnbench.report import document
from rnnbench.report.document import Block, Figure
from rnnbench.report.drawn import note_drawn
from rnnbench.report.page import to_html
from rnnbench.report.sections import results
from rnnbench.report.sections.comparison import comparison_section
from rnnbench.report.sections.diagnosis import diagnosis_section
from rnnbench.report.sections.guessing import guessing_section
from rnnbench.report.sections.keep_bias import keep_bias_section
from rnnbench.report.sections.provenance import provenance_section
from rnnbench.report.sections.transfer import transfer_section
from rnnbench.report.sections.tuning import tuning_section
from rnnbench.report.study import Study, read_study
from rnnbench.report.text import horizon_latex, to_markdown
from rnnbench.store.files import check_inside, write_atomically

# Answers first, then figures and details, then what is missing in them.
SECTIONS: Sequence[Callable[[Study], Iterable[Block]]] = (
    results.overview,
    results.how_far,
    keep_bias_section,
    comparison_section,
    tuning_section,
    results.in_numbers,
    results.by_step,
    diagnosis_section,
    transfer_section,
    guessing_section,
    results.broken,
    results.missing,
    provenance_section,
    results.how_to_read,
)
# Numbers for other programs and for papers.
TABLES: Mapping[str, Callable[[Study], str]] = {
    "summary.csv": lambda study: curve_numbers(study.curves).to_csv(index=False),
    "horizons.tex": horizon_latex,
    "by_gap.csv": lambda study: study.by_gap.drop(columns="label").to_csv(index=False),
}


def write_report(paths: Sequence[Path]) -> Path:
    """Write the report on several results directories; return `report/` of the first, its place.

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


def draw_report(paths: Sequence[Path]) -> dict[str, bytes]:
    """Return what the files of the report hold, by their names.

    Args:
        paths: results directories or consolidated files; a sweep may be unfinished.

    Raises:
        FileNotFoundError: there is nothing at a path, or not one run in all of them.
    """
    study = read_study([Path(path) for path in paths])
    blocks: list[Block] = []
    files: dict[str, bytes] = {}
    vectors: dict[str, bytes] = {}
    left_out: list[str] = []
    for block in compose(study):
        if isinstance(block, Figure):
            part, left = block.fit(study)
            if left:
                block = replace(block, caption=f"{block.caption} {_note(left)}")
                left_out.append(f"{left} in {block.name}")
            pictures = render(block.draw(part))
            vectors[block.name] = pictures["svg"]
            files |= {f"{block.name}.{kind}": content for kind, content in pictures.items()}
        blocks.append(block)
    if left_out:
        most = f"figures have at most {document.MOST_PANELS} panels"
        warn(f"{most}; left out: {', '.join(left_out)}")
    texts = {name: write(study) for name, write in TABLES.items()}
    texts["report.md"] = to_markdown(blocks)
    texts["index.html"] = to_html(results.title(study.results), blocks, vectors)
    return files | {name: text.encode(errors="backslashreplace") for name, text in texts.items()}


def compose(study: Study) -> list[Block]:
    """Return the report's blocks; a section that has nothing to say yields none."""
    return [block for section in SECTIONS for block in section(study)]


def _note(left_out: str) -> str:
    return f"Left out, as a figure has at most {document.MOST_PANELS} panels: {left_out}."
