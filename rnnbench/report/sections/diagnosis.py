"""Tell why runs forget: their labels, and what these rest on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import pandas as pd

from rnnbench.diagnose import label as rules
from rnnbench.diagnose.label import LABELS
from rnnbench.report.document import Block, Bullets, Heading, Paragraph, Table
from rnnbench.report.drawings import CUE, GATES, GRADIENT
from rnnbench.report.study import Study
from rnnbench.report.tables import gap_table
from rnnbench.store.diagnoses import Diagnoses


def label_table(runs: pd.DataFrame) -> Table:
    """Return how many runs have which label, curve x gap."""
    keys = {"task": "task", "cell": "label"}
    return gap_table(runs, keys, lambda rows: _count_labels(row.why for row in rows))


def _count_labels(whys: Iterable[str]) -> str:
    counts = Counter(whys)
    return ", ".join(f"{counts[why]} {why}" for why in LABELS if why in counts)


def evidence_table(joined: Diagnoses) -> Table:
    """Return the medians of what the labels rest on, a row per curve, gap and label."""
    runs = joined.runs.assign(**at_the_cue(joined))
    columns = {
        "gradient at the cue, before": ("arrived_initial", "{:.1e}"),
        "after": ("arrived_trained", "{:.1e}"),
        "recoverable at the end": ("recovered", "{:.2f}"),
        "steps clipped": ("clipped_share", "{:.0%}"),
        "half-life, before": ("half_life_initial", "{:.3g}"),
        "after, median unit": ("half_life_trained", "{:.3g}"),
        "after, longest": ("longest_trained", "{:.3g}"),
        "score": ("score", "{:.2f}"),
    }
    rows = []
    groups = runs.groupby(["task", "label", "gap", "why"], observed=True)
    for (task, label, gap, why), own in groups:
        medians = [(own[column].median(), form) for column, form in columns.values()]
        texts = ["" if pd.isna(value) else form.format(value) for value, form in medians]
        rows.append((str(task), str(label), str(why), str(gap), str(len(own)), *texts))
    header = ("task", "cell", "label", "gap", "runs", *columns)
    return Table(header, tuple(rows), names=3)


def at_the_cue(joined: Diagnoses) -> dict[str, pd.Series[float]]:
    """Return, for every run, gradient at the cue over that at lag 0, and what is recoverable."""
    curves, keys = joined.curves, joined.runs["run_id"]
    total = curves[(curves.measure == "gradient") & (curves.name == "total")]
    found = {}
    for phase in ("initial", "trained"):
        own = total[total.phase == phase]
        cue, end = (own[own[x] == 0].set_index("run_id")["value"] for x in ("age", "lag"))
        found[f"arrived_{phase}"] = keys.map(cue / end)
    told = curves[(curves.measure == "cue") & (curves.phase == "trained") & (curves.lag == 0)]
    found["recovered"] = keys.map(told.set_index("run_id")["value"])
    return found


HOW = (
    "Gradients and states are of fresh sequences, which no training and no test has seen; before "
    "training: with the weights that the seed starts from. The loss is that of one answer alone, "
    "the first of the greatest distance.",
    f"Labels, the first whose rule holds. Solved. Exploding: diverged; or, at a score below "
    f"{rules.REMEMBERED:g}, the gradient at some lag is {rules.EXPLODED:g} times that at lag 0, or "
    f"{rules.GROWING:g} times where {rules.MOSTLY_CLIPPED:.0%} of the steps were clipped. "
    "Not trained long enough: a line "
    f"fitted to the last third of the evaluations falls by more than {rules.STILL_FALLING:g} of "
    f"the chance loss and {rules.CLEARLY:g} standard errors. Vanishing: the gradient at the cue "
    f"is below {rules.VANISHED:g} of that at lag 0 both before and after training, and below "
    f"{rules.LOST:g} of the cue is recoverable at the end. Nearly solved: score "
    f"{rules.REMEMBERED:g}. Capacity: the answer is counted in bits, the gradient arrives, the "
    f"cue is partly recoverable, the loss no longer falls and the score is stuck above "
    f"{rules.LEARNED:g}. Unclear: no rule holds.",
    "A label says which of these signs a run shows, not that they are the cause. Vanishing and "
    "exploding gradients: Hochreiter (1991), Bengio et al. (1994), Pascanu et al. (2013).",
)
RESTS_ON = (
    "What the labels rest on, as medians over the runs with a label. Gradient: at the cue over "
    "that at lag 0, before and after training. Recoverable: of the cue, from the last state after "
    "training. Half-life: of the keep gate, in time steps."
)
FIGURES = {"gradient": GRADIENT, "cue": CUE, "gate": GATES}  # by what they show


def diagnosis_section(study: Study) -> Iterator[Block]:
    """Yield why runs forget; nothing where none was diagnosed."""
    runs = study.diagnoses.runs
    if runs.empty:
        return
    yield Heading("Why it forgets", apart="why")
    number = len(study.results)
    yield Paragraph(f"{len(runs)} of {number} runs were diagnosed: {_count_labels(runs['why'])}.")
    yield label_table(runs)
    measured = set(study.diagnoses.curves["measure"])
    yield from (figure for measure, figure in FIGURES.items() if measure in measured)
    yield Paragraph(RESTS_ON)
    yield evidence_table(study.diagnoses)
    yield Bullets((*HOW, *_left_out(runs)))


def _left_out(runs: pd.DataFrame) -> Iterator[str]:
    for text, own in runs[runs["left_out"] != ""].groupby("left_out"):
        yield f"Left out of {', '.join(sorted(own['label'].unique()))}: {text}."
