"""Write a report as Markdown, and its horizons as a LaTeX table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rnnbench.report.document import Block, Bullets, Figure, Heading, Paragraph, Table
from rnnbench.report.study import Study
from rnnbench.report.tables import range_text
from rnnbench.statistics import Horizon, HorizonRange

# Underscores inside a word, a lone "<" or "&" and a colon are text in Markdown; the rest would be
# markup, a formula, a character by its name, or an address that becomes a link.
MARKDOWN_SPECIAL = re.compile(
    r"([\\`*\[\]|#~$]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!?])|&(?=[A-Za-z#])|:(?=//)|(?<=www)\.)",
    re.IGNORECASE,
)
LATEX_SPECIAL = {character: f"\\{character}" for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
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


def to_markdown(blocks: Iterable[Block]) -> str:
    """Return the report's text; pictures are linked as the PNG files beside it."""
    return "\n\n".join(_write(block) for block in blocks) + "\n"


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
        "CAPTION": CAPTION.replace("SEEDS", range_text(study.by_gap["seeds"])),
        "COLUMNS": "l" * (1 + len(tasks)),
        "HEADER": " & ".join(["cell", *map(escape, tasks)]),
        "BODY": "\n".join(rows),
    }
    # All at once, so that no name is taken for one of the places.
    return re.sub("|".join(parts), lambda place: parts[place[0]], TABLE)


def escape(text: str) -> str:
    """Return a text as LaTeX prints it, on one line."""
    return "".join(LATEX_SPECIAL.get(character, character) for character in " ".join(text.split()))


def _write(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_escape(text)}"
        case Paragraph(text):
            return _escape(text)
        case Bullets(texts):
            return "\n".join(f"- {_escape(text)}" for text in texts)
        case Figure(name, caption):
            return f"![{name.replace('_', ' ')}]({name}.png)\n\n*{_escape(caption)}*"
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    rows = [[_escape(text) for text in row] for row in (table.header, *table.rows)]
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * w if i < table.names else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    lines = [_line(row, widths, table.names) for row in rows]
    return "\n".join([lines[0], _line(rule, widths, table.names), *lines[1:]])


def _line(texts: Sequence[str], widths: Sequence[int], names: int) -> str:
    cells = [
        text.ljust(width) if place < names else text.rjust(width)
        for place, (text, width) in enumerate(zip(texts, widths, strict=True))
    ]
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    """Keep a text from a file on one line and from being read as markup."""
    return MARKDOWN_SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _range(found: HorizonRange) -> str:
    text = _gap(found.horizon)
    low, high = found.low, found.high
    if low is None or high is None or (found.horizon.bound and low == high):
        return text
    return f"{text} ({_gap(low)} to {_gap(high)})"


def _gap(found: Horizon) -> str:
    return f"${{{found.bound}}}\\,{found.gap:g}$" if found.bound else f"{found.gap:.1f}"
