"""The sentences on the map of the field are those of the stored records."""

import gzip
import re
from functools import cache

import rnnbench
from rnnbench.report.study import read_study
from rnnbench.statistics import HORIZON, mean_interval, wilson_interval
from rnnbench.store.records import CONSOLIDATED

from .markdown import ROOT, says

PAGE = "atlas.md"
STORED = ROOT / "results" / "atlas"
GAPS, SEEDS, CELLS = (11, 20, 40, 80), 5, 23
TASKS = ("copy", "recall", "tracking")
# By what a unit's next state is made of: its own old one in all of these, linearly in some, by
# factors that follow the input in some of those.
SELECTIVE = ("s6", "mingru", "minlstm", "rg_lru")
LINEAR = ("lru", "linoss", *SELECTIVE)
DIAGONAL = (*LINEAR, "minmax", "indrnn", "brc", "unicornn")
NAMES = {"gru": "GRU", "rnn": "RNN", "lstm": "LSTM", "slstm": "sLSTM", "mgu": "MGU", "brc": "BRC"}
NAMES |= {"cornn": "coRNN", "indrnn": "IndRNN", "linoss": "LinOSS", "lru": "LRU", "s6": "S6"}
NAMES |= {"published_gru": "published GRU", "mingru": "minGRU", "minlstm": "minLSTM"}
NAMES |= {"rg_lru": "RG-LRU", "janet": "JANET"}


@cache
def results(task):
    return rnnbench.load_results(STORED).query("task == @task")


@cache
def horizons(task):
    """Return the horizon of each cell, as a report of these runs has it."""
    curves = read_study([STORED]).curves
    own = curves[curves["task"] == task]
    return dict(zip((label.split(",")[0] for label in own["label"]), own["horizon"], strict=True))


def scores(task, cell, gap):
    return results(task).query("cell == @cell and gap == @gap")["score"].to_numpy()


def mean(task, cell, gap):
    """Return the mean score with its interval, as it is written."""
    own = scores(task, cell, gap).clip(0, 1)
    found = mean_interval(own)
    return f"{own.mean():.2f} ({found.low:.2f} to {found.high:.2f})"


def reached(task, cell, gap):
    """Return of how many seeds the score is beyond the horizon's level, with its interval."""
    count = int((scores(task, cell, gap) >= HORIZON).sum())
    _, low, high = wilson_interval(count, SEEDS)
    return f"{count} of {SEEDS} ({100 * low:.0f} to {100 * high:.0f} %)"


def cells():
    return sorted(results("recall")["cell"].unique())


def everywhere(task, gap):
    """Return the cells whose every seed has a score beyond the horizon's level at a gap."""
    return [cell for cell in cells() if scores(task, cell, gap).min() >= HORIZON]


def listed(cells):
    *first, last = (NAMES.get(cell, cell) for cell in cells)
    return f"{', '.join(first)} and {last}" if first else last


def test_the_records_are_whole_and_name_no_place():
    runs = rnnbench.load_results(STORED)
    assert tuple(sorted(runs["task"].unique())) == TASKS
    assert len(runs) == len(TASKS) * CELLS * len(GAPS) * SEEDS
    assert set(runs.groupby(["task", "cell", "gap"], observed=True).size()) == {SEEDS}
    assert set(runs.groupby(["task", "cell"], observed=True)["lr"].nunique()) == {1}
    assert "failed" not in set(runs["status"])
    path = STORED / CONSOLIDATED[1]
    assert path.stat().st_size < 2**21
    assert not re.search(r'[" =]/', gzip.decompress(path.read_bytes()).decode())


def test_one_item_over_noise():
    able = everywhere("recall", 80)
    weak = [cell for cell in cells() if cell not in able]
    says(
        PAGE, f"{len(able)} of {CELLS} cells do at gap 80 on every seed", f"all but {listed(weak)}"
    )
    assert "lstm" in weak and {"janet", "minlstm", "slstm"} <= set(able)
    says(PAGE, f"the LSTM does at gap 20 on {reached('recall', 'lstm', 20)}")
    says(PAGE, f"and at gap 40 on {reached('recall', 'lstm', 40)}")
    says(PAGE, f"its horizon is {horizons('recall')['lstm']}")
    kin = {str(horizons("recall")[cell].horizon) for cell in ("janet", "minlstm", "slstm")}
    assert kin == {"> 80"}
    for cell in ("lru", "linoss"):
        says(PAGE, mean("recall", cell, 40))
    assert set(SELECTIVE) <= set(everywhere("recall", 80))


def test_ten_items_in_order():
    assert everywhere("copy", 80) == ["orthogonal"]
    says(
        PAGE, f"the orthogonal cell alone does on every seed, with {mean('copy', 'orthogonal', 80)}"
    )
    best = {cell: scores("copy", cell, 80).mean() for cell in cells()}
    _, *following = sorted(best, key=best.__getitem__, reverse=True)[:3]
    second, third = (f"{NAMES[cell]} with {mean('copy', cell, 80)}" for cell in following)
    says(PAGE, f"next are {second} and {third}")
    near, far = (reached("copy", "lstm", gap) for gap in (20, 40))
    says(PAGE, f"the LSTM again falls from {near} at gap 20 to {far} at gap 40")
    gated = max(SELECTIVE, key=lambda cell: scores("copy", cell, 11).mean())
    says(PAGE, f"{listed(SELECTIVE)} is {NAMES[gated]} with {mean('copy', gated, 11)}")
    says(PAGE, f"the LRU, whose factors are fixed, has {mean('copy', 'lru', 11)}")


def test_a_state_that_must_be_computed():
    best = {cell: scores("tracking", cell, 20).mean() for cell in cells()}
    alone = max(DIAGONAL, key=best.__getitem__)
    says(PAGE, f"best of the {len(DIAGONAL)} is {NAMES[alone]} with {mean('tracking', alone, 20)}")
    linear = max(LINEAR, key=best.__getitem__)
    assert all(best[cell] < 0.1 for cell in LINEAR)
    says(PAGE, f"linear in the state {NAMES[linear]} with {mean('tracking', linear, 20)}")
    mixed = [cell for cell in everywhere("tracking", 20) if cell not in DIAGONAL]
    assert everywhere("tracking", 20) == mixed
    none = [
        cell
        for cell in cells()
        if cell not in DIAGONAL and scores("tracking", cell, 20).max() < HORIZON
    ]
    assert len(mixed) + len(none) + len(DIAGONAL) == CELLS
    says(PAGE, f"{len(mixed)} of the other {CELLS - len(DIAGONAL)} do on every seed")
    says(PAGE, f"{listed(none)} on none", f"at gap 11 it scores {mean('tracking', 'rnn', 11)}")
    far = everywhere("tracking", 80)
    says(PAGE, f"At gap 80 {listed(far)} do on every seed")
    says(PAGE, f"GRU on {reached('tracking', 'gru', 80)}")


def test_beside_each_other():
    ranks = {task: {cell: scores(task, cell, 80).mean() for cell in cells()} for task in TASKS}
    assert max(ranks["tracking"], key=ranks["tracking"].__getitem__) == "lstm"
    for task in ("recall", "copy"):
        assert min(ranks[task], key=ranks[task].__getitem__) == "lstm"
    says(PAGE, f"though on recall and on copy it is the last of the {CELLS}")
    for cell in ("mingru", "gru"):
        one, ten, computed = (mean(task, cell, 80) for task in ("recall", "copy", "tracking"))
        says(PAGE, f"{one}, {ten} and {computed}")
    (both,) = set(everywhere("recall", 80)) & set(everywhere("tracking", 80))
    assert both not in everywhere("copy", 80)
    says(
        PAGE,
        f"{NAMES[both]} alone does recall and tracking; on copy it has {mean('copy', both, 80)}",
    )
