"""Write the table of shipped cells in docs/cells.md: `python docs/cell_table.py`.

A pass is forward and backward, to the parameters, over 80 time steps of 64 sequences with 10
inputs, at 64 units, one replica, on one thread, in a process as trainings have: the least of
thirty, six of an engine one after the other, as in a training, the engines in turn.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

import torch
import yaml

from rnnbench.cell import Cell
from rnnbench.cells.sequence import SequenceCell
from rnnbench.check.problem import Problem, make_problem
from rnnbench.cli.help import KINDS
from rnnbench.engine import check_engine, get_engine
from rnnbench.experiment.class_path import find_class
from rnnbench.experiment.condition import arguments_of
from rnnbench.layers import ONE_LAYER
from rnnbench.training.machine import prepare_process

DOCS = Path(__file__).resolve().parent
FEATURES, HIDDEN, STEPS, BATCH, ROUNDS, TOGETHER = 10, 64, 80, 64, 5, 6
ENGINES = ("compiled", "reference", "torch")
BEGIN, END = "<!-- python docs/cell_table.py -->\n", "<!-- end -->\n"
HEAD = """\
| `cell=` | source | states; outputs | parameters | compiled | reference | torch.nn |
|---|---|---|---|---|---|---|
"""


def cells() -> dict[str, tuple[str, Cell]]:
    """Return by name the kind and the cell of each shipped choice that can be built alone."""
    found = {}
    for path in (DOCS.parent / "conf" / "cell").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        section = yaml.safe_load(text)
        if path.stem == "torch_module":  # is what its module is
            continue
        kind = text.removeprefix("# ").partition(": ")[0]
        cell = find_class(section["_target_"], Cell, "cell")(**arguments_of(section))
        found[path.stem] = (kind, cell)
    return dict(sorted(found.items(), key=lambda item: (KINDS.index(item[1][0]), item[0])))


def told(name: str, cell: Cell) -> list[str]:
    """Return what is the same on every machine: name, source, states and parameters."""
    doc = " ".join((type(cell).__doc__ or "").split())
    source = re.search(r"(arXiv:\d{4}\.\d{4,5}|doi:[^\s,;)]+)", doc)
    states = ", ".join(cell.states) or "all time steps"
    if cell.outputs and cell.states:
        states += f"; {', '.join(cell.output_names)}"
    shapes = ONE_LAYER.shapes(cell, FEATURES, HIDDEN)
    count = sum(torch.Size(shape).numel() for shape in shapes.values())
    return [f"`{name}`", source.group(1) if source else "", states, f"{count:,}"]


def milliseconds(cell: Cell) -> list[str]:
    """Return the time of a pass on each engine; an empty text where it does not run."""
    problem = make_problem(
        cell,
        hidden=HIDDEN,
        features=FEATURES,
        steps=STEPS,
        batch=BATCH,
        replicas=1,
        dtype=torch.float32,
    )
    engines = [engine for engine in ENGINES if _runs(engine, cell)]
    taken: dict[str, list[float]] = {engine: [] for engine in engines}
    for engine in engines * ROUNDS:
        taken[engine] += [_pass(engine, cell, problem) for _ in range(TOGETHER)]
    own = {engine: min(times) for engine, times in taken.items()}
    return [f"{1e3 * own[engine]:.3g} ms" if engine in own else "" for engine in ENGINES]


def _runs(engine: str, cell: Cell) -> bool:
    try:
        check_engine(engine, cell, "cpu")
    except ValueError:
        return False
    return not (isinstance(cell, SequenceCell) and engine != "reference")


def _pass(engine: str, cell: Cell, problem: Problem) -> float:
    parameters = [each for each in problem.parameters.values() if each.numel()]
    inputs, states = problem.inputs.detach(), tuple(state.detach() for state in problem.states)
    start = time.perf_counter()
    outputs, _ = get_engine(engine)(cell, problem.parameters, inputs, states, None)
    torch.autograd.grad(outputs, parameters, outputs.detach(), allow_unused=True)
    return time.perf_counter() - start


def lines(timed: bool) -> list[str]:
    """Return the rows of the table, by kind; without times where these are not asked for."""
    rows, before = [], ""
    for name, (kind, cell) in cells().items():
        if kind != before:
            rows.append(f"| **{kind}** | | | | | | |")
        before = kind
        times = milliseconds(cell) if timed else [""] * len(ENGINES)
        rows.append(f"| {' | '.join([*told(name, cell), *times])} |")
    return rows


def main() -> None:
    """Measure, and write the table into the page."""
    prepare_process()
    page = DOCS / "cells.md"
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    table = HEAD + "\n".join(lines(timed=True)) + "\n"
    page.write_text(f"{before}{BEGIN}{table}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
