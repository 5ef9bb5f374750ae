"""Make what all figures share: panels, legend, levels, stamp, and files of the same bytes."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator
from PIL import Image

from rnnbench.plot.curves import CURVE
from rnnbench.report.figures.style import REFERENCE_COLOUR, THEME, Curve, Style
from rnnbench.store.settings import curve_label

Key = TypeVar("Key", bound=Hashable)
MOST_SEEDS = 100  # of a curve at a gap are drawn one by one: more would be a smear
LONGEST_ASIDE = 30  # letters of a name beside a panel: longer ones would leave it no room
LINE_INCHES, LETTER_INCHES = 0.9, 0.075  # of a legend's entry: its line, and a letter of its name
PNG_DPI, COLOURS = 200, 256
# Drawn as vectors, without what would be another at every drawing.
VECTORS: Mapping[str, Any] = {
    "svg": (FigureCanvasSVG, {"Date": None}),
    "pdf": (FigureCanvasPdf, {"CreationDate": None, "Creator": None, "Producer": None}),
}


def seed_note(mark: str, results: pd.DataFrame) -> str:
    """Say in a legend what a mark stands for: one seed, of which at most MOST_SEEDS are drawn."""
    counts = results.groupby([*CURVE, "gap"], observed=True).size()
    return f"{mark}: one seed{f' (the first {MOST_SEEDS})' if counts.max() > MOST_SEEDS else ''}"


def render(figure: Figure) -> dict[str, bytes]:
    """Return the figure as files' contents by format."""
    files, dpi = {}, figure.get_dpi()
    with mpl.rc_context(THEME):
        # It is arranged once; `savefig` would also draw it twice for every format.
        engine = figure.get_layout_engine()
        if engine is not None:
            engine.execute(figure)
            figure.set_layout_engine("none")
        for kind, (canvas, metadata) in VECTORS.items():
            figure.set_dpi(dpi)  # which the one before may have changed
            buffer = io.BytesIO()
            getattr(canvas(figure), f"print_{kind}")(buffer, metadata=metadata)
            files[kind] = buffer.getvalue()
        return files | {"png": _png(figure)}


def _png(figure: Figure) -> bytes:
    """Return a PNG in the 256 colours that are nearest to its own: a third of the bytes."""
    figure.set_dpi(PNG_DPI)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    buffer = io.BytesIO()
    reduced = drawn.quantize(COLOURS, dither=Image.Dither.NONE)
    reduced.save(buffer, "PNG", dpi=(PNG_DPI, PNG_DPI))
    return buffer.getvalue()


def panel_grid(
    rows: Sequence[Sequence[Key]], width: float, height: float, ylabel: str = ""
) -> tuple[Figure, dict[Key, Axes]]:
    """Return a figure with rows of panels of a size in inches; the first of each has `ylabel`."""
    columns = max(map(len, rows))
    size = (max(4.6, columns * width), len(rows) * height + 0.8)
    figure = Figure(figsize=size, layout="constrained")
    panels = {}
    for row, keys in enumerate(rows):
        for column, key in enumerate(keys):
            place = row * columns + column + 1
            label = ylabel if column == 0 else ""
            panels[key] = figure.add_subplot(len(rows), columns, place, ylabel=label)
    sns.despine(fig=figure)
    return figure, panels


def add_legend(
    figure: Figure, styles: Mapping[Curve, Style], notes: Sequence[str], *, marked: bool = True
) -> None:
    """Put one legend of all curves below the panels, with notes on what is drawn.

    Its lines have markers where `marked` says so.
    """
    handles = [Line2D([], [], **style.line, lw=1.8) for style in styles.values()]
    for handle, style in zip(handles, styles.values(), strict=True):
        handle.set_marker(style.marker if marked else "None")
    text = "    ".join(note.replace(" ", "\xa0") for note in notes)
    room = int((figure.get_figwidth() - LINE_INCHES) / LETTER_INCHES)
    labels = [textwrap.fill(plain(curve_label(*curve)), room) for curve in styles]
    longest = max(len(line) for label in labels for line in label.splitlines())
    across = int(figure.get_figwidth() / (LINE_INCHES + LETTER_INCHES * longest))
    legend = figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=min(len(labels), across),
        handlelength=4,
        title=textwrap.fill(text, int(14 * figure.get_figwidth()), break_long_words=False),
        title_fontsize="small",
    )
    legend.get_title().set(color=REFERENCE_COLOUR, multialignment="center")


def plain(name: str) -> str:
    """Escape the dollars in a name, which matplotlib would read as a formula."""
    return name.replace("$", r"\$")


def shortened(name: str) -> str:
    """Cut a name to the room that is beside a panel."""
    return name if len(name) <= LONGEST_ASIDE else f"{name[: LONGEST_ASIDE - 3]}..."


def mark_level(panel: Axes, value: float, text: str) -> None:
    """Draw a dotted line across a panel at a known value, with its name."""
    panel.axhline(value, color=REFERENCE_COLOUR, linestyle=":", lw=1.2, label=f"_{text}", zorder=1)
    name_level(panel, value, text)


def name_level(panel: Axes, value: float, text: str) -> None:
    """Write a name at the right of a panel, where no curve can cover it, if the value is in it."""
    side = panel.get_yaxis_transform()
    name = panel.annotate(plain(shortened(text)), (1, value), (3, 0), side, "offset points")
    name.set(va="center", color=REFERENCE_COLOUR, fontsize="x-small", annotation_clip=True)


def stamp(figure: Figure, sweeps: Iterable[str]) -> None:
    """Write "smoke" across the panels if that was run, lest a trial be taken for a result."""
    for panel in figure.axes if "smoke" in set(sweeps) else []:
        text = panel.text(0.5, 0.5, "smoke", transform=panel.transAxes, ha="center", va="center")
        text.set(rotation=25, fontsize=34, fontweight="bold", color="0.5", alpha=0.3, zorder=5)


LABEL_ROOM = 0.075  # of the axis: narrower ticks stay without a number


def set_gap_ticks(panel: Axes, gaps: Sequence[float]) -> None:
    """Put a tick at every gap on a logarithmic axis, with a number where there is room."""
    panel.set_xscale("log")
    margin = 1.25 if len(gaps) > 1 else 2
    low, high = gaps[0] / margin, gaps[-1] * margin
    panel.set_xlim(low, high)
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_locator(FixedLocator(gaps))
    labels, last = [], -math.inf
    for gap in gaps:
        place = math.log(gap / low) / math.log(high / low)
        shown = place - last >= LABEL_ROOM
        labels.append(f"{gap:g}" if shown else "")
        last = place if shown else last
    panel.set_xticks(gaps, labels)


def room_at_a_gap(gaps: Sequence[float]) -> float:
    """Return the width, in log gap, that the marks of a gap have before they meet the next's."""
    nearest = np.diff(np.log(gaps)).min() if len(gaps) > 1 else math.log(2)
    return 0.5 * float(nearest)
