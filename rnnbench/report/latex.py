"""The horizons as a table for a paper: LaTeX, with the rules of the booktabs package."""

from __future__ import annotations

import re

import pandas as pd

from rnnbench.report.study import Study
from rnnbench.statistics import Horizon, HorizonRange

SPECIAL = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"},
}
CAPTION = (
    r"Horizon in time steps: the gap at which the mean score over seeds first falls below 0.75, "
    r"linear in log gap, with its 95\,\% bootstrap interval over the seeds of every gap "
    r"(SEEDS per gap). ${>}\,g$: not lost up to the largest gap $g$; ${<}\,g$: not reached at the "
    r"smallest."
)
TABLE = r"""% Needs \usepackage{booktabs}.
\begin{table}
  \centering
  \caption{CAPTION}
  \label{tab:horizons}
  \begin{tabular}{COLUMNS}
    \toprule
    HEADER \\
    \midrule
BODY
    \bottomrule
  \end{tabular}
\end{table}
"""


def horizon_latex(study: Study) -> str:
    """Return the table: a row per curve, a column per task; empty where a task lacks a curve."""
    curves = study.curves
    tasks = sorted(str(task) for task in curves["task"].unique())
    rows = []
    for label, own in curves.sort_values(["cell", "variant"]).groupby("label", sort=False):
        found = dict(zip(own["task"], own["horizon"], strict=True))
        texts = [_range(found[task]) if task in found else "" for task in tasks]
        # The braces: a name in brackets would be an argument of the line's end before it.
        rows.append(f"    {{}}{' & '.join([escape(str(label)), *texts])} \\\\")
    parts = {
        "CAPTION": CAPTION.replace("SEEDS", _seeds(study.by_gap)),
        "COLUMNS": "l" * (1 + len(tasks)),
        "HEADER": " & ".join(["cell", *map(escape, tasks)]),
        "BODY": "\n".join(rows),
    }
    # All at once, so that no name is taken for one of the places.
    return re.sub("|".join(parts), lambda place: parts[place[0]], TABLE)


def escape(text: str) -> str:
    """Return a text as LaTeX prints it, on one line."""
    return "".join(SPECIAL.get(character, character) for character in " ".join(text.split()))


def _range(found: HorizonRange) -> str:
    text = _gap(found.horizon)
    if found.low is None or found.high is None:
        return text
    if found.horizon.bound and found.low == found.high:
        return text
    return f"{text} ({_gap(found.low)} to {_gap(found.high)})"


def _gap(found: Horizon) -> str:
    return f"${{{found.bound}}}\\,{found.gap:g}$" if found.bound else f"{found.gap:.1f}"


def _seeds(by_gap: pd.DataFrame) -> str:
    fewest, most = int(by_gap["seeds"].min()), int(by_gap["seeds"].max())
    return f"{most}" if fewest == most else f"{fewest} to {most}"
