"""Every shipped cell is, to 1e-9, the transcription of its paper, and starts as that says."""

import importlib
import pkgutil

import pytest
import torch

import rnnbench.cells
from rnnbench.cells.sequence import SequenceCell
from rnnbench.check.problem import make_problem
from rnnbench.engine import get_engine
from rnnbench.engine.compiled.codegen import emit
from rnnbench.training.streams import INITIALIZATION, stream

from . import papers

MODULES = [
    importlib.import_module(f"{papers.__name__}.{found.name}")
    for found in pkgutil.iter_modules(papers.__path__)
]
CASES = {name: (paper, cell) for paper in MODULES for name, cell in paper.CASES.items()}
ALL = [getattr(rnnbench.cells, name) for name in rnnbench.cells.__all__]
STARTS = [name for name, (_, cell) in CASES.items() if cell.init == "published"]
BOUND, STEPS = 1e-9, 12
# Their equations are torch.nn's own: see test_engines.
# Of each kind one: a kernel takes seconds to build.
OFTEN = {"cornn", "indrnn", "lru", "lstm peepholes", "orthogonal", "s6", "slstm"}
OF_TORCH = {"RNN", "LSTM", "GRU"}


def test_every_shipped_cell_has_a_paper():
    written = {type(cell).__name__ for _, cell in CASES.values()}
    whole = {kind.__name__ for kind in ALL if issubclass(kind, SequenceCell)}  # test_sequence
    assert written | OF_TORCH | whole == {kind.__name__ for kind in ALL}


@pytest.mark.parametrize("hidden", [5, 12])
@pytest.mark.parametrize("name", CASES)
def test_a_cell_is_what_its_paper_says(name, hidden):
    assert_is_its_paper(name, hidden, ["reference"])
    emit(CASES[name][1])  # it has a compiled form


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in OFTEN else pytest.mark.long)
        for name in CASES
    ],
)
def test_its_kernel_is_what_its_paper_says(name):
    assert_is_its_paper(name, 5 if name in OFTEN else 12, ["compiled"])


def assert_is_its_paper(name, hidden, engines):
    paper, cell = CASES[name]
    given = make_problem(cell, hidden=hidden, features=3, steps=STEPS, batch=3, replicas=1)
    parameters, inputs, states = given
    states = getattr(paper, "legal", lambda own: own)([state.detach() for state in states])
    p = {key: value[0].detach().numpy() for key, value in parameters.items()}
    by_paper, expected = tuple(state[0].numpy() for state in states), []
    for x in inputs[0].detach().numpy():
        seen, by_paper = paper.step(p, x, by_paper, cell)
        expected.append(torch.from_numpy(seen))
    for engine in engines:
        with torch.no_grad():
            outputs, finals = get_engine(engine)(cell, parameters, inputs, tuple(states), None)
        assert_close(outputs[0], torch.stack(expected))
        for found, state in zip(finals, by_paper, strict=True):
            assert_close(found[0], torch.from_numpy(state))


def assert_close(found, expected):
    torch.testing.assert_close(found, expected, atol=BOUND, rtol=BOUND)


@pytest.mark.parametrize("name", STARTS)
def test_a_cell_starts_as_its_paper_says(name):
    paper, cell = CASES[name]
    shapes = cell.shapes(64, 512)
    parameters = {key: torch.full(shape, torch.nan) for key, shape in shapes.items()}
    cell.initialize(parameters, stream(INITIALIZATION, 3), gap=100)
    paper.start({key: value.double().numpy() for key, value in parameters.items()}, cell)
