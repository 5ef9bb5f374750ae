"""The numbers that each version of a shipped cell and task gives.

Where a test fails, numbers changed: raise the class's `version`, and write its numbers here. Users'
results of before and after are then different conditions. Never change the numbers of a version.
"""

import pytest
import torch

import rnnbench.cells
from rnnbench.cell import INITIALIZATIONS
from rnnbench.cells.sequence import SequenceCell
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
    ("IndRNN glorot", 1): [-0.4383, 0.4633, 0.1232],
    ("IndRNN identity", 1): [-0.2633, 0.08334, -0.3467],
    ("IndRNN orthogonal", 1): [-0.3309, -0.1652, 0.4759],
    ("IndRNN published", 1): [-0.01177, 0.7278, 0.08244],
    ("IndRNN torch", 1): [-0.3309, -0.1652, 0.4759],
    ("LRU glorot", 1): [-0.1701, -0.09963, -0.09474],
    ("LRU identity", 1): [0.1881, -0.1946, 0.2863],
    ("LRU orthogonal", 1): [0.2552, -0.1309, -0.2985],
    ("LRU published", 1): [0.2782, -0.1163, 0.05495],
    ("LRU torch", 1): [0.2552, -0.1309, -0.2985],
    ("LinOSS glorot", 1): [2.467, -4.444, 2.732],
    ("LinOSS identity", 1): [-0.2385, -0.2441, -0.01768],
    ("LinOSS orthogonal", 1): [-1.442, 2.088, -0.03009],
    ("LinOSS published", 1): [0.1064, 0.1304, -0.188],
    ("LinOSS torch", 1): [-1.442, 2.088, -0.03009],
    ("MinGRU chrono", 1): [0.3284, 0.1267, 0.1783],
    ("MinGRU glorot", 1): [0.8067, -0.6208, 0.4061],
    ("MinGRU identity", 1): [0.6377, 0.9193, -0.9211],
    ("MinGRU orthogonal", 1): [-0.3444, 0.09362, -0.3564],
    ("MinGRU published", 1): [-0.3326, 0.01561, -0.4114],
    ("MinGRU torch", 1): [-0.3444, 0.09362, -0.3564],
    ("MinLSTM chrono", 1): [0.2717, -0.2804, 0.2504],
    ("MinLSTM glorot", 1): [-0.2414, 0.3329, -0.2296],
    ("MinLSTM identity", 1): [-0.3466, -0.2787, -0.2431],
    ("MinLSTM orthogonal", 1): [0.2376, 0.8658, -0.8319],
    ("MinLSTM published", 1): [0.2358, 0.8741, -0.8418],
    ("MinLSTM torch", 1): [0.2376, 0.8658, -0.8319],
    ("MinMax glorot", 1): [0.07875, -0.01066, 0.142],
    ("MinMax identity", 1): [0.3981, 0.3404, -0.446],
    ("MinMax orthogonal", 1): [0.04182, -0.03033, -0.01344],
    ("MinMax torch", 1): [0.04182, -0.03033, -0.01344],
    ("RGLRU glorot", 1): [-0.01869, 0.1705, 0.1995],
    ("RGLRU identity", 1): [0.265, -0.2719, 0.4066],
    ("RGLRU orthogonal", 1): [-0.1888, 0.1008, -0.008464],
    ("RGLRU published", 1): [0.04179, 0.006021, 0.3069],
    ("RGLRU torch", 1): [-0.1888, 0.1008, -0.008464],
    ("S6 glorot", 1): [1.544, 2.331, -0.5077],
    ("S6 identity", 1): [0.01243, -0.03858, 0.09051],
    ("S6 orthogonal", 1): [-0.4085, 0.3881, 0.3679],
    ("S6 published", 1): [0.2044, 0.1828, -0.2645],
    ("S6 torch", 1): [-0.4085, 0.3881, 0.3679],
    ("SLSTM chrono", 1): [0.001063, 0.2118, -0.2699],
    ("SLSTM glorot", 1): [0.2097, 0.2618, 0.3785],
    ("SLSTM identity", 1): [0.05898, 0.3699, -0.1306],
    ("SLSTM orthogonal", 1): [0.06891, -0.2931, -0.3725],
    ("SLSTM published", 1): [-0.03444, 0.3027, 0.3548],
    ("SLSTM torch", 1): [-0.1881, -0.2222, 0.0872],
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
        if issubclass(kind, SequenceCell):  # of torch's own layers
            continue
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
