"""Turn measurements into rows, rows into the lines of the table, and rows into a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rnnbench.bench.measure import Answer
from rnnbench.bench.problem import (
    COMPILED,
    JAX,
    MALLOPT,
    REFERENCE,
    STOCK,
    TRITON,
    Column,
    Shape,
    flops,
)
from rnnbench.console import matplotlib_settings

Row = dict[str, Any]
# torch.nn in greys, JAX in browns, the suite in blues.
COLORS = {
    "nn 1 thread": "0.8",
    "nn 2 threads": "0.65",
    "nn mallopt": "0.5",
    "jax scan": "#dfc27d",
    "jax vmap": "#a6611a",
    "reference": "#92c5de",
    "compiled": "#0571b0",
    "triton": "#0571b0",
}


def make_row(
    cell: str, shape: Shape, found: Mapping[str, Answer], processes: int, peak: float | None
) -> Row:
    """Return the figures of a cell at a shape; ratios are to the compiled engine, where timed."""
    seconds = {name: answer["seconds"] for name, answer in found.items()}
    own = next(each for each in (COMPILED, TRITON, REFERENCE) if each.name in seconds)
    per_core = flops(cell, shape) / shape.replicas / seconds[own.name] / 1e9 / processes
    return {
        "shape": str(shape),
        "cell": cell,
        "seconds": seconds,
        "memory_mib": {name: answer["memory"] for name, answer in found.items()},
        "gflops_per_core": per_core,
        "times_stock": _times(seconds, STOCK, own),
        "times_mallopt": _times(seconds, (MALLOPT,), own),
        "times_jax": _times(seconds, JAX, own),
        "share_of_peak": per_core / peak if peak else None,
        "memory_to_stock": found[own.name]["memory"] / found[STOCK[0].name]["memory"],
    }


def _times(seconds: Mapping[str, float], peers: Sequence[Column], own: Column) -> float | None:
    """Return how many times longer the fastest of the peers takes; None if none was timed."""
    theirs = [seconds[column.name] for column in peers if column.name in seconds]
    return min(theirs) / seconds[own.name] if theirs else None


def header(columns: Sequence[Column]) -> list[str]:
    """Return the table's two heading lines."""
    words = [column.name.split(" ", 1) for column in columns]
    upper = [word[0] for word in words] + ["times", "", "", "% of", "MiB", ""]
    lower = [word[1] if len(word) > 1 else "" for word in words]
    lower += ["nn", "+mal", "jax", "peak", "nn", "own"]
    return [_line("", "", upper), _line("shape", "cell", lower)]


def format_row(row: Row, columns: Sequence[Column]) -> str:
    """Return one line of the table: milliseconds, ratios, share of peak, memory."""
    times = [f"{1e3 * row['seconds'][column.name]:.3g}" for column in columns]
    ratios = [_text(row[name], ".1f") for name in ("times_stock", "times_mallopt", "times_jax")]
    share = _text(row["share_of_peak"], ".0%").rstrip("%")
    stock = row["memory_mib"][STOCK[0].name]
    memory = [f"{stock:.0f}", f"{stock * row['memory_to_stock']:.0f}"]
    return _line(row["shape"], row["cell"], [*times, *ratios, share, *memory])


def _text(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _line(shape: str, cell: str, texts: Sequence[str]) -> str:
    columns = [f"{text:>10}" for text in texts[:-6]] + [f"{text:>7}" for text in texts[-6:]]
    return "".join([f"{shape:<16}{cell:<5}", *columns])


def speed_lines(lines: Sequence[Row]) -> list[str]:
    """Return a table of a verification's speeds: microseconds for each run and time step."""
    found = _speeds(lines)
    replicas = sorted({r for own in found.values() for r in own})
    shown = [f"{'us a run and time step':<30}" + "".join(f"{f'R {r}':>9}" for r in replicas)]
    for (cell, name), own in found.items():
        texts = [f"{own[r]:.3g}" if r in own else "-" for r in replicas]
        shown.append(f"{cell:<6}{name:<24}" + "".join(f"{text:>9}" for text in texts))
    return shown


def _speeds(lines: Sequence[Row]) -> dict[tuple[str, str], dict[int, float]]:
    """Return microseconds by cell, by what was timed, and by how many train at once."""
    found: dict[tuple[str, str], dict[int, float]] = {}
    for line in lines:
        if "us" in line:
            name = line.get("engine", "torch.nn, one a process")
            at_once = line.get("processes", line["shape"][3])
            found.setdefault((line["cell"], name), {})[at_once] = line["us"]
    return found


def draw_speeds(lines: Sequence[Row], path: Path) -> None:
    """Draw a verification's speeds over how many runs train at once, a panel for each cell."""
    settings = matplotlib_settings()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    found = _speeds(lines)
    cells = list(dict.fromkeys(cell for cell, _ in found))
    with rc_context(settings):
        figure = Figure(figsize=(4 * len(cells) + 1, 4.4))
        panels = figure.subplots(1, len(cells), squeeze=False, sharey=True)[0]
        for panel, cell in zip(panels, cells, strict=True):
            for (own, name), values in found.items():
                if own == cell:
                    color = COLORS.get(name, COLORS["nn mallopt"])
                    panel.loglog([*values], [*values.values()], "o-", label=name, color=color)
            at_once = sorted({r for values in found.values() for r in values})
            panel.minorticks_off()
            panel.set(title=cell, xlabel="runs at once", xticks=at_once, xticklabels=at_once)
        panels[0].set_ylabel("microseconds of a run's time step")
        panels[0].legend(frameon=False)
        figure.tight_layout()
        figure.savefig(path, dpi=160)


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw the milliseconds of a run's training step into a png or svg file."""
    settings = matplotlib_settings()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(settings):
        figure = Figure(figsize=(4 * len({row["shape"] for row in rows}) + 1, 4.4))
        _draw(rows, figure)
        figure.savefig(path, dpi=160)


def _draw(rows: Sequence[Row], figure: Any) -> None:
    shapes = list(dict.fromkeys(row["shape"] for row in rows))
    panels = figure.subplots(1, len(shapes), squeeze=False)
    for panel, shape in zip(panels[0], shapes, strict=True):
        _panel(panel, [row for row in rows if row["shape"] == shape])
        panel.set_title(shape)
    panels[0][0].set_ylabel("milliseconds of a run's training step")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=4, frameon=False)
    figure.tight_layout(rect=(0, 0.13, 1, 1))


def _panel(panel: Any, rows: Sequence[Row]) -> None:
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
