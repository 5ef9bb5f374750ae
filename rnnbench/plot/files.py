"""Write figures as files: the same bytes of the same figure, small, and sharp in print."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from PIL import Image

from rnnbench.plot.looks import THEME, known
from rnnbench.store.files import write_atomically

PNG_DPI, COLOURS = 200, 256
# Drawn as vectors, without what would be another at every drawing.
VECTORS: Mapping[str, Any] = {
    "svg": (FigureCanvasSVG, {"Date": None}),
    "pdf": (FigureCanvasPdf, {"CreationDate": None, "Creator": None, "Producer": None}),
}
FORMATS = (*VECTORS, "png")


def save(
    drawn: Axes | Figure | Iterable[Any], stem: Path | str, formats: Iterable[str] = ("pdf", "png")
) -> list[Path]:
    """Write a figure as files; return their paths.

    Args:
        drawn: what a function of this package returns, or a figure.
        stem: path of the files without their ending.
        formats: of "svg", "pdf" and "png" (of 200 dots per inch).

    Raises:
        ValueError: there is no such format, or nothing is drawn.
    """
    kinds = [known("formats", kind, FORMATS) for kind in _listed(formats)]
    files = render(figure_of(drawn), kinds)
    paths = [Path(f"{stem}.{kind}") for kind in kinds]
    for path, content in zip(paths, files.values(), strict=True):
        write_atomically(path, content)
    return paths


def figure_of(drawn: Axes | Figure | Iterable[Any]) -> Figure:
    """Return the figure of Axes, of an array of them, or itself.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(drawn, Figure):
        return drawn
    one = drawn if isinstance(drawn, Axes) else next(iter(np.ravel(np.asarray(drawn))), None)
    figure = one.get_figure(root=True) if isinstance(one, Axes) else None
    if not isinstance(figure, Figure):
        raise ValueError(f"drawn must be Axes or a Figure, got {type(drawn).__name__}")
    return figure


def render(figure: Figure, formats: Iterable[str] = FORMATS) -> dict[str, bytes]:
    """Return the figure as files' contents by format."""
    files, dpi = {}, figure.get_dpi()
    with mpl.rc_context(THEME):
        # It is arranged once; `savefig` would also draw it twice for every format.
        engine = figure.get_layout_engine()
        if engine is not None:
            engine.execute(figure)
            figure.set_layout_engine("none")
        for kind in formats:
            figure.set_dpi(dpi)  # which the one before may have changed
            files[kind] = _png(figure) if kind == "png" else _vector(figure, kind)
        figure.set_dpi(dpi)
    return files


def _listed(formats: Iterable[str]) -> list[str]:
    return [formats] if isinstance(formats, str) else list(formats)


def _vector(figure: Figure, kind: str) -> bytes:
    canvas, metadata = VECTORS[kind]
    buffer = io.BytesIO()
    getattr(canvas(figure), f"print_{kind}")(buffer, metadata=metadata)
    return buffer.getvalue()


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
