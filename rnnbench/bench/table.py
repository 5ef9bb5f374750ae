"""From measurements to a row of figures, and from rows to lines of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rnnbench.bench.engines import COMPILED, JAX, MALLOPT, REFERENCE, STOCK, Column
from rnnbench.bench.measure import Answer
from rnnbench.bench.problem import Shape, flops

Row = dict[str, Any]


def make_row(
    cell: str, shape: Shape, found: Mapping[str, Answer], processes: int, peak: float | None
) -> Row:
    """Return the figures of one cell at one shape; ratios are to the suite's fastest engine."""
    seconds = {name: answer["seconds"] for name, answer in found.items()}
    own = COMPILED if COMPILED.name in seconds else REFERENCE
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
    """Return how many times longer the fastest of the peers takes; None where none was run."""
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
    """Return one line: milliseconds, how many times faster, share of peak, memory."""
    times = [f"{1e3 * row['seconds'][column.name]:.3g}" for column in columns]
    ratios = [_text(row[name], ".1f") for name in ("times_stock", "times_mallopt", "times_jax")]
    share = _text(row["share_of_peak"], ".0%").rstrip("%")
    stock = row["memory_mib"][STOCK[0].name]
    memory = [f"{stock:.0f}", f"{stock * row['memory_to_stock']:.0f}"]
    return _line(row["shape"], row["cell"], [*times, *ratios, share, *memory])


def _text(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _line(shape: str, cell: str, texts: Sequence[str]) -> str:
    return (
        f"{shape:<16}{cell:<5}"
        + "".join(f"{text:>10}" for text in texts[:-6])
        + "".join(f"{text:>7}" for text in texts[-6:])
    )
