"""Draw some figures of a report again: for a column or a slide, a file for each panel as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.colors import is_color_like

from rnnbench.plot.curves import is_tuned
from rnnbench.plot.files import FORMATS, render
from rnnbench.plot.looks import WIDTHS
from rnnbench.report.document import Figure, anchors
from rnnbench.report.study import Part, Refused, Study, check_known, read_study
from rnnbench.report.write import compose
from rnnbench.store.files import write_atomically

KINDS = {False: "shared", True: "tuned"}


class Looks(NamedTuple):
    """How figures are drawn: all as in the report where nothing is said.

    Attributes:
        only: names of figures; else all.
        formats: of `FORMATS`.
        size: of `WIDTHS`.
        labels: what is written for a cell.
        colors: of a cell, as matplotlib takes them.
    """

    only: Sequence[str] = ()
    formats: Sequence[str] = FORMATS
    size: str = ""
    labels: Mapping[str, str] = {}
    colors: Mapping[str, str] = {}

    def check(self, study: Study, figures: Sequence[Figure]) -> None:
        """Check what is asked for against what there is.

        Raises:
            Refused: a name, format, size or colour is none.
        """
        check_known("figures", self.only, (figure.name for figure in figures))
        check_known("formats", self.formats, FORMATS)
        check_known("size", [self.size] if self.size else [], WIDTHS)
        for cells in (self.labels, self.colors):
            check_known("cells", cells, study.results["cell"].unique())
        for cell, color in self.colors.items():
            if not is_color_like(color):
                raise Refused(f"the colour of {cell} must be one of matplotlib's, got {color}")

    @property
    def options(self) -> dict[str, Any]:
        """Return what is given of it, as the functions that draw take it."""
        told = {"size": self.size, "labels": self.labels, "palette": self.colors}
        return {name: value for name, value in told.items() if value}


def write_figures(paths: Sequence[Path], out: Path, part: Part, looks: Looks) -> list[Path]:
    """Draw figures of some results into a directory; return the files of whole ones.

    Beside each there is a file for each of its tasks or curves, and kinds of learning rates.

    Raises:
        FileNotFoundError: there is nothing at a path, or not one run in all of them.
        Refused: there is no task, cell, figure, format, size or colour of a name.
    """
    study = read_study(paths, part)
    figures = [block for block in compose(study) if isinstance(block, Figure)]
    looks.check(study, figures)
    written = []
    for figure in figures:
        if looks.only and figure.name not in looks.only:
            continue
        whole, _ = figure.fit(study)
        written += _write(figure, whole, out / figure.name, looks)
        panels = dict(_panels(figure, whole))
        for name, panel in zip(anchors(panels), panels.values(), strict=True):
            _write(figure, panel, out / f"{figure.name}-{name}", looks)
    return written


def _write(figure: Figure, study: Study, stem: Path, looks: Looks) -> list[Path]:
    drawn = render(figure.draw(study, **looks.options), looks.formats)
    paths = {Path(f"{stem}.{kind}"): content for kind, content in drawn.items()}
    for path, content in paths.items():
        write_atomically(path, content)
    return list(paths)


def _panels(figure: Figure, study: Study) -> Iterator[tuple[str, Study]]:
    """Yield what each panel draws, with its name; nothing of a figure that has only one."""
    rows = figure.rows(study)
    for place, number in enumerate(rows):
        key: Any = rows.index[place]
        own = study.only(rows.index[[place]])
        name = key if isinstance(key, str) else " ".join(key)
        kinds = sorted({is_tuned(variant) for variant in own.results["variant"]})
        if number > 1 and len(kinds) > 1:
            parts = ((f"{name} {KINDS[kind]}", own.of_rates(kind)) for kind in kinds)
            yield from (part for part in parts if len(figure.rows(part[1])))
        elif len(rows) > 1:
            yield name, own
