"""Draw the report of stored results, and write its files."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rnnbench.console import warn
from rnnbench.plot.curves import curve_numbers
from rnnbench.plot.files import render
from rnnbench.report import document
from rnnbench.report.document import Block, Figure
from rnnbench.report.drawn import note_drawn
from rnnbench.report.latex import horizon_latex, score_latex
from rnnbench.report.page import Picture, to_html
from rnnbench.report.sections import results
from rnnbench.report.sections.answer import answer
from rnnbench.report.sections.comparison import comparison_section
from rnnbench.report.sections.diagnosis import diagnosis_section
from rnnbench.report.sections.guessing import guessing_section
from rnnbench.report.sections.keep_bias import keep_bias_section
from rnnbench.report.sections.provenance import provenance_section
from rnnbench.report.sections.transfer import transfer_section
from rnnbench.report.sections.tuning import tuning_section
from rnnbench.report.study import ALL, Part, Refused, Study, read_study
from rnnbench.report.text import markdown_files
from rnnbench.store.files import check_inside, write_atomically

# Answers first, then figures and details, then what is missing in them.
SECTIONS: Sequence[Callable[[Study], Iterable[Block]]] = (
    answer,
    results.overview,
    results.how_far,
    results.against_gap,
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
    "scores.tex": score_latex,
    "by_gap.csv": lambda study: study.by_gap.drop(columns="label").to_csv(index=False),
}


def write_report(paths: Sequence[Path], out: Path | None = None, part: Part = ALL) -> Path:
    """Write the report on several results directories; return the directory in which it lies.

    Args:
        paths: results directories or consolidated files; a sweep may be unfinished.
        out: where it goes: a directory of its own, or one of the results directories, whose
            `report/` it is then. Only a single one may do without.
        part: the tasks and cells that are reported.

    Raises:
        FileNotFoundError: as `draw_report` does.
        LeadsOut: `report/` is a link to a place elsewhere.
        Refused: there are several paths, or a part of them, and no `out`; or there is no such task
            or cell.
    """
    directory = place_of(paths, out, is_whole=part.is_whole)
    files = draw_report(paths, part)
    for name, content in files.items():  # the page last: its being there tells that all is
        write_atomically(directory / name, content)
    own = _own_place(paths[0])
    if len(paths) == 1 and part.is_whole and directory == own / "report":
        note_drawn(own, part.baseline)
    return directory


def place_of(paths: Sequence[Path], out: Path | None, *, is_whole: bool = True) -> Path:
    """Return the directory that a report of some paths is written into; errors as above.

    What lies in `report/` of results is the whole report on these, unless another is asked for.
    """
    places = [_own_place(path) for path in paths]
    if out is None and (len(paths) > 1 or not is_whole):
        what = "several directories" if len(paths) > 1 else "a part, or of figures alone,"
        raise Refused(f"--out DIR must say where a report of {what} goes, got none")
    place = places[0] if out is None else _same(out, places)
    if place is None:
        return Path(str(out))
    check_inside(place / "report", place)
    return place / "report"


def _own_place(path: Path) -> Path:
    """Return the directory of some results: a consolidated file's is the one around it."""
    return path if path.is_dir() else path.parent


def _same(out: Path, places: Sequence[Path]) -> Path | None:
    return next((place for place in places if place.resolve() == out.resolve()), None)


def draw_report(paths: Sequence[Path], part: Part = ALL) -> dict[str, bytes]:
    """Return what the files of the report hold, by their names.

    Args:
        paths: results directories or consolidated files; a sweep may be unfinished.
        part: the tasks and cells that are reported.

    Raises:
        FileNotFoundError: there is nothing at a path, or not one run in all of them.
        Refused: there is no such task or cell.
    """
    with _collecting_seldom():
        return _draw(read_study([Path(path) for path in paths], part))


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Look for garbage a hundred times less often than usual; it would take a fifth of the time.

    Drawings are millions of objects, and Python goes through all that it has again and again.
    """
    usual = gc.get_threshold()
    gc.set_threshold(100 * usual[0], *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _draw(study: Study) -> dict[str, bytes]:
    """Return what the files of the report on a study hold, by their names."""
    blocks: list[Block] = []
    files: dict[str, bytes] = {}
    pictures: dict[str, Picture] = {}
    left_out: list[str] = []
    for block in compose(study):
        if isinstance(block, Figure):
            shown, left = block.fit(study)
            if left:
                block = replace(block, caption=f"{block.caption} {_note(left)}")
                left_out.append(f"{left} in {block.name}")
            drawn = render(block.draw(shown))
            narrow = render(block.draw(shown, size="phone"), ["svg"])
            pictures[block.name] = Picture(drawn["svg"], narrow["svg"])
            files |= {f"{block.name}.{kind}": content for kind, content in drawn.items()}
        blocks.append(block)
    if left_out:
        most = f"figures have at most {document.MOST_PANELS} panels"
        warn(f"{most}; left out: {', '.join(left_out)}")
    texts = {name: write(study) for name, write in TABLES.items()} | markdown_files(blocks)
    texts["index.html"] = to_html(results.title(study.results), blocks, pictures)
    return files | {name: text.encode(errors="backslashreplace") for name, text in texts.items()}


def compose(study: Study) -> list[Block]:
    """Return the report's blocks; a section that has nothing to say yields none."""
    return [block for section in SECTIONS for block in section(study)]


def _note(left_out: str) -> str:
    return f"Left out, as a figure has at most {document.MOST_PANELS} panels: {left_out}."
