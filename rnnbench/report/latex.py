"""Write the horizons and the scores of a report as LaTeX tables for papers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from rnnbench.plot.curves import is_tuned, without_rate
from rnnbench.report.study import Study
from rnnbench.report.tables import range_text
from rnnbench.statistics import Horizon, HorizonRange, Interval
from rnnbench.store.settings import curve_label

SPECIAL = {character: f"\\{character}" for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}
KINDS = {False: "shared rate", True: "tuned rate"}
HORIZONS = (
    r"Horizon in time steps: the gap at which the mean score over seeds first falls below 0.75, "
    r"linear in log gap; ${>}\,g$: not lost up to the largest gap $g$; ${<}\,g$: not reached at "
    r"the smallest. Area: the mean score over log gap."
)
D90 = " D90: as the horizon, of a score of 0.9."
SCORES = (
    "Mean score over seeds at each gap in time steps: 0 remembers nothing, 1 is perfect. Tuned "
    "rates were tuned for each cell at every gap."
)
INTERVALS = r" With 95\,\% intervals (SEEDS seeds per gap)."
TABLE = r"""% Needs \usepackage{{booktabs}}.
\begin{{table}}
  \centering
  \footnotesize
  \setlength{{\tabcolsep}}{{4pt}}
  \caption{{{caption}}}
  \label{{tab:{label}}}
  \begin{{tabular}}{{{columns}}}
    \toprule
{rows}
    \bottomrule
  \end{{tabular}}
\end{{table}}
"""
Write = Callable[[Any], str]


def horizon_latex(study: Study) -> str:
    """Return how far each cell reaches on each task, with shared and with tuned rates.

    D90 has a column where any curve has enough seeds for its interval, and a text where it has.
    """
    curves = study.curves
    measures: dict[str, Write] = {"horizon": _range, "area": _interval}
    if any(found.low is not None for found in curves["d90"]):
        measures["d90"] = _bounded
    kinds = sorted({is_tuned(variant) for variant in curves["variant"]})
    names = [name.replace("d90", "D90") for name in measures]
    header = [*_kind_header(kinds, len(measures)), _row(["", *names * len(kinds)])]
    blocks = {
        str(task): [_row(texts) for texts in _reaches(own, kinds, measures)]
        for task, own in curves.groupby("task")
    }
    caption = HORIZONS + D90 * ("d90" in measures)
    return _table(study, "horizons", caption, 1 + len(names) * len(kinds), header, blocks)


def score_latex(study: Study) -> str:
    """Return each curve's mean score at each gap, its interval below it."""
    gaps = sorted(study.by_gap["gap"].unique())
    blocks = {
        str(task): [line for texts in _scores(own, gaps) for line in map(_row, texts)]
        for task, own in study.by_gap.groupby("task")
    }
    header = [_row(["gap", *(f"{gap}" for gap in gaps)])]
    return _table(study, "scores", SCORES, 1 + len(gaps), header, blocks)


def escape(text: str) -> str:
    """Return a text as LaTeX prints it, on one line."""
    return "".join(SPECIAL.get(character, character) for character in " ".join(text.split()))


def _table(
    study: Study,
    label: str,
    caption: str,
    width: int,
    header: Sequence[str],
    blocks: Mapping[str, Sequence[str]],
) -> str:
    """Return a table of `width` columns, with a block of rows under the name of each task."""
    rows = list(header)
    for task, lines in blocks.items():
        name = rf"\multicolumn{{{width}}}{{l}}{{\textit{{{escape(task)}}}}} \\"
        rows += [r"\midrule", name, *lines]
    seeds = INTERVALS.replace("SEEDS", range_text(study.by_gap["seeds"]))
    body = "\n".join(f"    {row}" for row in rows)
    columns = f"l{'r' * (width - 1)}"
    return TABLE.format(caption=caption + seeds, label=label, columns=columns, rows=body)


def _kind_header(kinds: Sequence[bool], across: int) -> list[str]:
    """Return the lines that say which columns are of which rates, where there are both."""
    if len(kinds) == 1:
        return []
    names = [rf"\multicolumn{{{across}}}{{c}}{{{KINDS[kind]}}}" for kind in kinds]
    firsts = [2 + across * place for place in range(len(kinds))]
    rules = [rf"\cmidrule(lr){{{first}-{first + across - 1}}}" for first in firsts]
    return [_row(["", *names]), "".join(rules)]


def _reaches(
    curves: pd.DataFrame, kinds: Sequence[bool], measures: Mapping[str, Write]
) -> Iterator[list[str]]:
    """Yield the rows of one task: a cell, and its numbers with each kind of rate."""
    found: dict[str, dict[bool, Any]] = {}
    for row in curves.itertuples():
        name = curve_label(str(row.cell), without_rate(str(row.variant)))
        found.setdefault(name, {})[is_tuned(str(row.variant))] = row
    for name, own in found.items():
        texts = [
            write(getattr(own[kind], measure)) if kind in own else ""
            for kind in kinds
            for measure, write in measures.items()
        ]
        yield [escape(name), *texts]


def _scores(points: pd.DataFrame, gaps: Sequence[Any]) -> Iterator[list[list[str]]]:
    """Yield the two rows of each curve: its means, and their intervals."""
    for label, own in points.groupby("label", sort=False, observed=True):
        at = {row.gap: row for row in own.itertuples()}
        means = [f"{at[gap].score_mean:.2f}" if gap in at else "" for gap in gaps]
        ends = [_ends(at[gap]) if gap in at else "" for gap in gaps]
        first = [escape(str(label)), *means]
        yield [first, ["", *ends]] if any(ends) else [first]


def _ends(point: Any) -> str:
    if math.isnan(point.score_low):
        return ""
    return rf"{{\scriptsize {point.score_low:.2f}--{point.score_high:.2f}}}"


def _row(texts: Sequence[str]) -> str:
    # The braces: a name in brackets would be an argument of the line's end before it.
    return rf"{{}}{' & '.join(texts)} \\"


def _interval(found: Any) -> str:
    if not isinstance(found, Interval):
        return ""
    ends = "" if math.isnan(found.low) else f" ({found.low:.2f}--{found.high:.2f})"
    return f"{found.mean:.2f}{ends}"


def _bounded(found: HorizonRange) -> str:
    return "" if found.low is None else _range(found)


def _range(found: HorizonRange) -> str:
    text = _gap(found.horizon)
    low, high = found.low, found.high
    if low is None or high is None or (found.horizon.bound and low == high):
        return text
    return f"{text} ({_gap(low)} to {_gap(high)})"


def _gap(found: Horizon) -> str:
    if found.bound:
        return f"${{{found.bound}}}\\,{found.gap:g}$"
    return f"{found.gap:.0f}" if found.gap >= 10 else f"{found.gap:.1f}"
