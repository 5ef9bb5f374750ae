"""The measurements as a picture: a panel per shape, a group of bars per cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

# torch.nn in greys, JAX in browns, the suite in blues.
COLORS = {
    **{"nn 1 thread": "0.8", "nn 2 threads": "0.65", "nn mallopt": "0.5"},
    **{"jax scan": "#dfc27d", "jax vmap": "#a6611a"},
    **{"reference": "#92c5de", "compiled": "#0571b0"},
}


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the milliseconds of a run's training step to a png or svg file."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    shapes = list(dict.fromkeys(row["shape"] for row in rows))
    size = (4 * len(shapes) + 1, 4.4)
    figure, panels = pyplot.subplots(1, len(shapes), figsize=size, squeeze=False)
    for panel, shape in zip(panels[0], shapes, strict=True):
        _panel(panel, [row for row in rows if row["shape"] == shape])
        panel.set_title(shape)
    panels[0][0].set_ylabel("milliseconds of a run's training step")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=4, frameon=False)
    figure.tight_layout(rect=(0, 0.13, 1, 1))
    figure.savefig(path, dpi=160)
    pyplot.close(figure)


def _panel(panel: Any, rows: Sequence[dict[str, Any]]) -> None:
    names = list(rows[0]["seconds"])
    width = 0.85 / len(names)
    for place, name in enumerate(names):
        heights = [1e3 * row["seconds"][name] for row in rows]
        middle = [i + (place - (len(names) - 1) / 2) * width for i in range(len(rows))]
        bars = panel.bar(middle, heights, width, label=name, color=COLORS.get(name))
        panel.bar_label(bars, fmt="%.2g", rotation=90, padding=2, fontsize=7)
    panel.set_yscale("log")
    panel.set_xticks(range(len(rows)), [row["cell"] for row in rows])
    panel.margins(y=0.15)
    panel.spines[["top", "right"]].set_visible(False)
