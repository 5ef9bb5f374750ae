"""The numbers that each version of a shipped cell and task gives.

Where a test fails, numbers changed: raise the class's `version`, and write its numbers here. Users'
results of before and after are then different conditions. Never change the numbers of a version.
"""

from typing import get_args

import pytest
import torch

import rnnbench.cells
from rnnbench.cell import INITIALIZATIONS
from rnnbench.cells import TorchModule
from rnnbench.cells.lstm_variant import Variant
from rnnbench.cells.sequence import SequenceCell
from rnnbench.model import SequenceModel, initialize, model_shapes
from tests.tasks.conftest import OPTIONS
from tests.tasks.conftest import TASKS as SHIPPED

# What a network of the cell answers at the last of seven steps, by how it was initialised.
CELLS = {
    ("BRC chrono", 1): [0.2394, -0.2454, -0.7805],
    ("BRC glorot", 1): [0.753, 0.5427, -0.7607],
    ("BRC identity", 1): [-0.1116, 0.02093, 0.0646],
    ("BRC orthogonal", 1): [-0.1754, -0.5177, -0.1082],
    ("BRC published", 1): [0.7006, 0.5444, -0.8219],
    ("BRC torch", 1): [-0.1754, -0.5177, -0.1082],
    ("CoRNN glorot", 1): [-0.215, 0.3017, 0.003809],
    ("CoRNN identity", 1): [-0.008039, -0.3368, -0.345],
    ("CoRNN orthogonal", 1): [0.17, -0.3989, -0.02006],
    ("CoRNN published", 1): [-0.4144, 0.3982, 0.3434],
    ("CoRNN torch", 1): [-0.07122, -0.08364, -0.1978],
    ("GRU chrono", 1): [-0.5327, 0.2964, -0.2819],
    ("GRU glorot", 1): [-0.2632, -0.2905, 0.2274],
    ("GRU identity", 1): [-0.2607, 0.1529, -0.2665],
    ("GRU orthogonal", 1): [0.1526, -0.2951, -0.3955],
    ("GRU torch", 1): [-0.4031, -0.4194, -0.02721],
    ("IndRNN glorot", 1): [-0.4383, 0.4633, 0.1232],
    ("IndRNN identity", 1): [-0.2633, 0.08334, -0.3467],
    ("IndRNN orthogonal", 1): [-0.3309, -0.1652, 0.4759],
    ("IndRNN published", 1): [-0.01177, 0.7278, 0.08244],
    ("IndRNN torch", 1): [-0.3309, -0.1652, 0.4759],
    ("JANET chrono", 1): [-0.02648, 0.7616, -0.1076],
    ("JANET glorot", 1): [0.8144, 0.1409, -0.5727],
    ("JANET identity", 1): [0.2879, 0.4231, -0.03207],
    ("JANET orthogonal", 1): [0.6277, -0.05819, 0.5362],
    ("JANET published", 1): [0.1589, 0.141, 0.2383],
    ("JANET torch", 1): [0.1652, -0.321, -0.07627],
    ("LEM glorot", 1): [-0.3209, -0.4978, 0.6702],
    ("LEM identity", 1): [0.3218, -0.3696, 0.005368],
    ("LEM orthogonal", 1): [0.4652, -0.1993, -0.3055],
    ("LEM torch", 1): [0.03604, 0.2164, -0.2433],
    ("LRU glorot", 1): [-0.1701, -0.09963, -0.09474],
    ("LRU identity", 1): [0.1881, -0.1946, 0.2863],
    ("LRU orthogonal", 1): [0.2552, -0.1309, -0.2985],
    ("LRU published", 1): [0.2782, -0.1163, 0.05495],
    ("LRU torch", 1): [0.2552, -0.1309, -0.2985],
    ("LSTM chrono", 1): [0.01588, 0.2504, -0.3098],
    ("LSTM glorot", 1): [0.2028, 0.2572, 0.3813],
    ("LSTM identity", 1): [0.05901, 0.3697, -0.1305],
    ("LSTM orthogonal", 1): [0.03281, -0.2544, -0.4049],
    ("LSTM torch", 1): [-0.1554, -0.2482, 0.05869],
    ("LSTMVariant chrono", 1): [-0.4899, 0.2796, -0.3029],
    ("LSTMVariant coupled", 1): [-0.4125, -0.5359, -0.08896],
    ("LSTMVariant full_gate_recurrence", 1): [-0.235, -0.1538, 0.02034],
    ("LSTMVariant glorot", 1): [-0.1512, -0.4522, 0.3052],
    ("LSTMVariant identity", 1): [-0.2604, 0.1529, -0.2667],
    ("LSTMVariant no_forget_gate", 1): [-0.4093, -0.6346, 0.04154],
    ("LSTMVariant no_input_activation", 1): [-0.1434, -0.2587, 0.05059],
    ("LSTMVariant no_input_gate", 1): [-0.3955, -0.6833, -0.02234],
    ("LSTMVariant no_output_activation", 1): [-0.1479, -0.2425, 0.03447],
    ("LSTMVariant no_output_gate", 1): [-0.3862, -0.5869, 0.02607],
    ("LSTMVariant orthogonal", 1): [0.2598, -0.3362, -0.4189],
    ("LSTMVariant peepholes", 1): [0.04363, -0.2375, 0.1858],
    ("LSTMVariant state_to_output", 1): [0.1379, 0.4777, 0.3782],
    ("LSTMVariant torch", 1): [-0.4125, -0.5359, -0.08896],
    ("LinOSS glorot", 1): [2.467, -4.444, 2.732],
    ("LinOSS identity", 1): [-0.2385, -0.2441, -0.01768],
    ("LinOSS orthogonal", 1): [-1.442, 2.088, -0.03009],
    ("LinOSS published", 1): [0.1064, 0.1304, -0.188],
    ("LinOSS torch", 1): [-1.442, 2.088, -0.03009],
    ("MGU chrono", 1): [-0.04672, -0.4394, -0.4114],
    ("MGU glorot", 1): [0.02702, -0.209, 0.8143],
    ("MGU identity", 1): [0.01259, -0.0385, 0.0905],
    ("MGU orthogonal", 1): [0.2091, 0.224, 0.1386],
    ("MGU torch", 1): [0.4408, 0.3638, -0.3176],
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
    ("NBRC chrono", 1): [-0.3554, -0.2438, -0.17],
    ("NBRC glorot", 1): [0.1277, -0.3768, 0.08644],
    ("NBRC identity", 1): [-0.2055, 0.1689, -0.403],
    ("NBRC orthogonal", 1): [-0.5055, -0.6396, -0.5287],
    ("NBRC published", 1): [-0.2837, -0.0695, -0.3551],
    ("NBRC torch", 1): [-0.174, -0.2817, -0.3153],
    ("Orthogonal glorot", 1): [-2.414, -2.374, -0.5029],
    ("Orthogonal identity", 1): [-0.4565, 0.1538, 0.1801],
    ("Orthogonal orthogonal", 1): [-0.3426, 0.1859, 0.1047],
    ("Orthogonal published", 1): [-0.4283, -0.301, -0.1029],
    ("Orthogonal torch", 1): [-0.3426, 0.1859, 0.1047],
    ("PublishedGRU chrono", 1): [-0.4859, -0.07154, -0.01492],
    ("PublishedGRU glorot", 1): [-0.1867, 0.1406, 0.3549],
    ("PublishedGRU identity", 1): [0.3062, -0.3157, 0.01935],
    ("PublishedGRU orthogonal", 1): [0.2017, -0.2954, -0.08609],
    ("PublishedGRU published", 1): [0.2103, 0.1579, -0.1078],
    ("PublishedGRU torch", 1): [-0.344, 0.2307, 0.2717],
    ("RGLRU glorot", 1): [-0.01869, 0.1705, 0.1995],
    ("RGLRU identity", 1): [0.265, -0.2719, 0.4066],
    ("RGLRU orthogonal", 1): [-0.1888, 0.1008, -0.008464],
    ("RGLRU published", 1): [0.04179, 0.006021, 0.3069],
    ("RGLRU torch", 1): [-0.1888, 0.1008, -0.008464],
    ("RNN glorot", 1): [-0.5322, 0.1171, -0.484],
    ("RNN identity", 1): [-0.4164, 0.3959, 0.3452],
    ("RNN orthogonal", 1): [0.3699, -0.3352, -0.3508],
    ("RNN relu", 1): [0.3064, 0.2668, -0.4509],
    ("RNN torch", 1): [0.01155, -0.1834, -0.3554],
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
    ("STAR chrono", 1): [-0.4415, 0.4083, 0.2781],
    ("STAR glorot", 1): [0.2407, -0.1428, -0.3835],
    ("STAR identity", 1): [0.2659, -0.2723, 0.4057],
    ("STAR orthogonal", 1): [-0.1566, 0.000124, -0.07406],
    ("STAR published", 1): [0.1738, -0.1167, -0.2511],
    ("STAR torch", 1): [0.2866, 0.06574, -0.3502],
    ("TCN", 1): [-0.05357, -0.9738, -0.1373],
    ("Transformer", 1): [1.417, -0.2432, 0.9952],
    ("UGRNN chrono", 1): [-0.1601, 0.002041, -0.2718],
    ("UGRNN glorot", 1): [0.2636, -0.3829, -0.1455],
    ("UGRNN identity", 1): [0.2851, 0.424, -0.03306],
    ("UGRNN orthogonal", 1): [-0.4094, -0.2611, -0.1081],
    ("UGRNN torch", 1): [-0.2103, -0.4679, -0.9474],
    ("UnICORNN glorot", 1): [0.2865, 0.443, 0.1707],
    ("UnICORNN identity", 1): [0.2024, 0.1799, -0.2649],
    ("UnICORNN orthogonal", 1): [-0.001604, -0.2558, 0.09011],
    ("UnICORNN published", 1): [-0.4206, -0.2627, 0.3826],
    ("UnICORNN torch", 1): [-0.001604, -0.2558, 0.09011],
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
    ("keys", 1): [30.0, 346.212, 8.0, 10.9282],
    ("keys small", 1): [24.0, 136.706, 1.0, 1.41421],
    ("keys one", 1): [12.0, 96.3438, 6.0, 9.43879],
    ("delay", 1): [72.0, 579.303, 21.0, 84.6852],
    ("delay few", 1): [45.0, 453.018, 25.0, 51.136],
    ("delay next step", 1): [30.0, 156.991, 15.0, 50.7801],
    ("tracking", 1): [39.0, 429.39, 105.0, 439.083],
    ("tracking parity", 1): [39.0, 281.548, 23.0, 101.71],
    ("tracking updates", 1): [39.0, 403.093, 96.0, 398.474],
    ("tracking end", 1): [39.0, 1282.03, 136.0, 186.011],
    ("tracking updates end", 1): [39.0, 1809.95, 137.0, 157.258],
    ("tracking next step", 1): [6.0, 17.0915, 2.0, 3.14626],
    ("selective", 1): [60.0, 834.406, 40.0, 87.3377],
    ("selective all", 1): [27.0, 140.018, 7.0, 16.306],
    ("selective one", 1): [33.0, 359.459, 16.0, 22.5597],
    ("flip_flop", 1): [55.0, 503.503, 2.0, 2.41421],
    ("flip_flop at once", 1): [7.0, 24.6332, 2.0, 3.14626],
    ("flip_flop random", 1): [79.0, 869.187, -9.0, -29.6239],
    ("order", 1): [39.0, 430.023, 2.0, 3.14626],
    ("order three", 1): [24.0, 206.958, 17.0, 24.6096],
    ("brackets", 1): [42.0, 316.639, 3.0, 4.14626],
    ("brackets next step", 1): [6.0, 17.4615, 1.0, 1.41421],
    ("brackets every", 1): [42.0, 365.184, 6.0, 52.0721],
    ("language", 1): [75.0, 2476.69, 9.0, 12.853],
    ("language plain", 1): [60.0, 1771.03, 9.0, 12.853],
    ("language agreement", 1): [48.0, 1129.07, 3.0, 4.14626],
    ("language agreement plain", 1): [48.0, 1130.97, 3.0, 4.14626],
    ("copy reverse", 1): [72.0, 1291.53, 105.0, 409.387],
    ("copy reverse variable all", 1): [87.0, 1716.89, 561.0, 3222.47],
    ("adding product", 1): [23.7103, 133.293, 0.591727, 0.77906],
    ("adding three", 1): [26.7103, 145.147, 5.35595, 7.20365],
    ("adding product of three", 1): [26.7103, 145.147, 0.429351, 0.50045],
    ("adding one", 1): [20.7103, 110.084, 1.35296, 1.73593],
    ("recall lure", 1): [56.0, 750.313, 16.0, 22.5597],
    ("recall variable", 1): [57.0, 869.484, 3.0, 5.19615],
    ("recall variable blank", 1): [9.0, 109.906, 16.0, 22.5597],
    ("recall variable lure", 1): [33.0, 331.518, 7.0, 8.97469],
}


def answers(cell):
    """Return what a small network with drawn weights answers."""
    drawn = torch.Generator().manual_seed(0)
    hidden = 8 if isinstance(cell, SequenceCell) else 5
    parameters = {name: torch.zeros(s) for name, s in model_shapes(cell, 2, hidden, 3).items()}
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
        if kind is TorchModule:  # computes what its module does
            continue
        if issubclass(kind, SequenceCell):
            yield name, kind()
            continue
        for init in INITIALIZATIONS:
            if kind.can_start(init):
                yield f"{name} {init}", kind(init=init)
    yield "RNN relu", rnnbench.cells.RNN(nonlinearity="relu")
    for variant in get_args(Variant):
        yield f"LSTMVariant {variant}", rnnbench.cells.LSTMVariant(variant=variant)


CASES = dict(shipped_cells())


@pytest.mark.parametrize("name", CASES)
def test_a_cell_keeps_the_numbers_of_its_version(name):
    cell = CASES[name]
    assert answers(cell) == pytest.approx(CELLS[name, cell.version], rel=2e-3, abs=1e-5)


def test_every_shipped_task_is_among_them():
    assert {type(task) for task in SHIPPED.values()} == {type(task) for task in OPTIONS.values()}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_task_keeps_the_numbers_of_its_version(name):
    task = OPTIONS[name]
    assert drawn_batch(task) == pytest.approx(TASKS[name, task.version], rel=1e-5)
