"""The numbers that each version of a shipped cell and task gives.

Where a test fails, numbers changed: raise the class's `version`, and write its numbers here. Users'
results of before and after are then different conditions. Never change the numbers of a version.
"""

import pytest
import torch

import rnnbench.cells
from rnnbench.cell import INITIALIZATIONS
from rnnbench.model import SequenceModel, initialize, model_shapes
from tests.tasks.conftest import OPTIONS
from tests.tasks.conftest import TASKS as SHIPPED

# What a network of the cell answers at the last of seven steps, by how it was initialised.
CELLS = {
    ("GRU torch", 1): [-0.4031, -0.4194, -0.02721],
    ("GRU glorot", 1): [-0.2632, -0.2905, 0.2274],
    ("GRU orthogonal", 1): [0.1526, -0.2951, -0.3955],
    ("GRU chrono", 1): [-0.5327, 0.2964, -0.2819],
    ("GRU identity", 1): [-0.2607, 0.1529, -0.2665],
    ("LSTM identity", 1): [0.05901, 0.3697, -0.1305],
    ("LSTM torch", 1): [-0.1554, -0.2482, 0.05869],
    ("LSTM glorot", 1): [0.2028, 0.2572, 0.3813],
    ("LSTM orthogonal", 1): [0.03281, -0.2544, -0.4049],
    ("LSTM chrono", 1): [0.01588, 0.2504, -0.3098],
    ("RNN torch", 1): [0.01155, -0.1834, -0.3554],
    ("RNN glorot", 1): [-0.5322, 0.1171, -0.484],
    ("RNN orthogonal", 1): [0.3699, -0.3352, -0.3508],
    ("RNN identity", 1): [-0.4164, 0.3959, 0.3452],
    ("RNN relu", 1): [0.3064, 0.2668, -0.4509],
}
# Of a batch's inputs and its targets: the sum, and the sum weighted by their places.
TASKS = {
    ("copy", 1): [72.0, 1291.53, 105.0, 380.953],
    ("copy all", 1): [72.0, 1291.53, 441.0, 2264.83],
    ("copy scalar", 1): [162.0, 665.912, 105.0, 380.953],
    ("copy scalar all", 1): [162.0, 665.912, 441.0, 2264.83],
    ("copy variable", 1): [87.0, 1716.89, 105.0, 380.953],
    ("copy variable all", 1): [162.0, 827.625, 561.0, 3211.64],
    ("copy small", 1): [15.0, 77.9956, 4.0, 7.83182],
    ("adding", 1): [23.7103, 133.293, 2.38687, 3.12765],
    ("adding half", 1): [40.6648, 326.707, 3.05068, 4.12329],
    ("adding anywhere", 1): [23.7103, 144.476, 2.71525, 4.14101],
    ("adding hs97", 1): [-5.80677, -77.735, 1.02288, 1.48448],
    ("adding strict", 1): [10.2687, 27.8354, 2.42649, 3.40098],
    ("recall", 1): [42.0, 526.051, 16.0, 22.5597],
    ("recall blank", 1): [9.0, 82.7992, 16.0, 22.5597],
    ("recall next step", 1): [9.0, 31.4781, 4.0, 5.4641],
}


def answers(cell):
    """Return what a small network with drawn weights answers."""
    drawn = torch.Generator().manual_seed(0)
    parameters = {name: torch.zeros(s) for name, s in model_shapes(cell, 2, 5, 3).items()}
    initialize(cell, parameters, drawn, gap=20)
    inputs = torch.randn(7, 1, 2, generator=drawn)
    model = SequenceModel(cell, {name: tensor[None] for name, tensor in parameters.items()})
    return model(inputs)[0][-1].flatten().tolist()


def drawn_batch(task):
    """Return numbers that tell a batch: of its inputs and of its targets, place by place."""
    batch = task.sample(3, torch.Generator().manual_seed(0))
    numbers = []
    for tensor in batch:
        flat = tensor.double().flatten()
        places = torch.arange(1, len(flat) + 1, dtype=torch.float64)
        numbers += [flat.sum().item(), (flat * places.sqrt()).sum().item()]
    return numbers


def shipped_cells():
    for name in rnnbench.cells.__all__:
        kind = getattr(rnnbench.cells, name)
        for init in INITIALIZATIONS:
            if kind.can_start(init):
                yield f"{name} {init}", kind(init=init)
    yield "RNN relu", rnnbench.cells.RNN(nonlinearity="relu")


CASES = dict(shipped_cells())


@pytest.mark.parametrize("name", CASES)
def test_a_cell_keeps_the_numbers_of_its_version(name):
    cell = CASES[name]
    assert answers(cell) == pytest.approx(CELLS[name, cell.version], rel=2e-3)


def test_every_shipped_task_is_among_them():
    assert {type(task) for task in SHIPPED.values()} == {type(task) for task in OPTIONS.values()}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_task_keeps_the_numbers_of_its_version(name):
    task = OPTIONS[name]
    assert drawn_batch(task) == pytest.approx(TASKS[name, task.version], rel=1e-5)
