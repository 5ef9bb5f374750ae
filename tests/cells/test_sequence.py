"""Cells that read whole sequences: any torch module as a line beside the recurrent ones."""

import subprocess
import sys

import pytest
import torch
from torch import nn

import rnnbench
from rnnbench.cells import TCN, TorchModule, Transformer
from rnnbench.check import Subject
from rnnbench.check.run import run_checks
from rnnbench.experiment.condition import Condition
from rnnbench.layers import ONE_LAYER, Layers
from rnnbench.model import SequenceModel, count_parameters, count_state
from rnnbench.training.trainer import initial_parameters
from tasks.copying import Copying
from tests.small_sweep import ONE

MINE = """
import torch

class Mean(torch.nn.Module):
    def __init__(self, dim, scale=1.0):
        super().__init__()
        self.linear, self.scale = torch.nn.Linear(dim, dim), scale
        self.register_buffer("one", torch.ones(()))

    def forward(self, inputs):
        steps = torch.arange(1, inputs.shape[1] + 1)[:, None]
        return self.one * self.scale * self.linear(inputs).cumsum(1) / steps, None
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    (tmp_path / "averaging.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    return {"module": "averaging.Mean", "batch_first": True, "arguments": {"scale": 2.0}}


def model_of(cell, layers=ONE_LAYER, hidden=8):
    task = Copying(gap=20)
    parameters = initial_parameters(task, cell, layers, hidden, seed=0)
    return task, SequenceModel(cell, parameters, layers=layers)


def test_outputs_are_those_of_the_module(mine):
    cell = TorchModule(**mine)
    task, model = model_of(cell)
    inputs = torch.randn(5, 2, task.input_size)
    outputs, states = model(inputs)
    own = {name.removeprefix("rnn."): value[0] for name, value in model.parameters.items()}
    hidden = inputs @ own["embed.weight_l0"].T + own["embed.bias_l0"]
    hidden = hidden @ own["module.linear.weight_l0"].T + own["module.linear.bias_l0"]
    hidden = 2 * hidden.cumsum(0) / torch.arange(1, 6)[:, None, None]
    expected = hidden @ own["readout.weight"].T + own["readout.bias"]
    torch.testing.assert_close(outputs, expected)
    assert states == ()
    with pytest.raises(ValueError, match="cell must have states to be stepped, got TorchModule"):
        model.step(inputs[0])


@pytest.mark.parametrize("cell", [Transformer(), TCN(levels=3)], ids=["transformer", "tcn"])
def test_layers_are_modules_of_their_own_in_both_directions(cell):
    task, model = model_of(cell, Layers(2, bidirectional=True))
    inputs = torch.randn(1, 6, 3, task.input_size)
    outputs, _ = model(inputs)
    assert outputs.shape == (1, 6, 3, task.output_size)
    assert len({n for n in model.parameters if n.startswith("rnn.weight_hh")}) == 4


@pytest.mark.long
@pytest.mark.parametrize("kind", [Transformer, TCN])
def test_all_checks_pass_or_do_not_apply(kind):
    results = {result.check: result for result in run_checks(Subject(kind, {}, 32))}
    assert {name for name, result in results.items() if result.result == "fail"} == set()
    passed = {name for name, result in results.items() if result.result == "pass"}
    assert passed >= {"causality", "batch", "size", "gradient", "stacking", "start", "learning"}


def test_a_tcn_sees_as_far_as_it_says():
    cell = TCN(levels=2, kernel_size=3)
    task, model = model_of(cell)
    inputs = torch.randn(1, 30, 1, task.input_size).requires_grad_()
    reach = torch.autograd.grad(model(inputs)[0][0, -1].sum(), inputs)[0][0, :, 0].abs().sum(-1)
    assert int((reach > 0).sum()) == 1 + 2 * 2 * (2**2 - 1)


def test_an_empty_transformer_is_its_read_out():
    """With all weights of its blocks at zero only embedding, positions and norm are left."""
    task, model = model_of(Transformer(depth=1))
    for name, value in model.parameters.items():
        if "blocks" in name:
            value.zero_()
    hidden = model.hidden(torch.zeros(1, 3, 1, task.input_size))[0][0, :, 0]
    bias = model.parameters["rnn.embed.bias_l0"][0]
    angle = torch.tensor([[t / 10_000 ** (k / 8) for k in (0, 2, 4, 6)] for t in range(3)])
    position = torch.stack([angle.sin(), angle.cos()], -1).flatten(1)
    torch.testing.assert_close(hidden, nn.functional.layer_norm(bias + position, (8,)))


def test_state_and_parameters_are_counted():
    task = Copying(gap=20)
    steps = task.sequence_length
    assert count_state(task, Transformer(depth=2), Layers(), 8) == 2 * 2 * 8 * steps
    assert count_state(task, TCN(levels=2, kernel_size=3), Layers(), 8) == 2 * 8 * (2 + 4)
    gru = TorchModule(module="torch.nn.modules.rnn.GRU", states=1)
    size = sum(p.numel() for p in nn.GRU(task.input_size, 8).parameters())
    assert count_parameters(task, gru, Layers(), 8) == size + 9 * task.output_size
    assert count_state(task, gru, Layers(), 8) == 8


def test_a_layer_of_torchrecurrent_gives_its_own_outputs():
    from torchrecurrent import MGU

    cell = TorchModule(module="torchrecurrent.cells.mgu_cell.MGU")
    task, model = model_of(cell)
    own = {name.removeprefix("rnn."): value[0] for name, value in model.parameters.items()}
    layer = MGU(task.input_size, 8)
    layer.load_state_dict({n: own[f"module.{n}_l0"] for n, _ in layer.named_parameters()})
    inputs = torch.randn(5, 2, task.input_size)
    hidden = model.hidden(inputs[None])[0][0]
    torch.testing.assert_close(hidden, layer(inputs)[0])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="its kernels need a GPU")
def test_a_layer_of_flash_linear_attention_trains():
    pytest.importorskip("fla", reason="needs the extra fla")
    where = "fla.layers.gla.GatedLinearAttention"
    cell = TorchModule(module=where, batch_first=True, arguments={"num_heads": 2})
    task = Copying(gap=20)
    parameters = initial_parameters(task, cell, ONE_LAYER, 32, seed=0)
    moved = {name: value.cuda().requires_grad_() for name, value in parameters.items()}
    outputs, _ = SequenceModel(cell, moved)(torch.randn(1, 5, 2, task.input_size).cuda())
    assert all(g.isfinite().all() for g in torch.autograd.grad(outputs.sum(), list(moved.values())))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"module": "nowhere.Net"}, "module must be a class that can be imported, got nowhere.Net"),
        (
            {"module": "fla.layers.mamba.Net"},
            r"fla.layers.mamba.Net: pip install 'rnnbench\[fla\]'",
        ),
        ({"module": "averaging.torch"}, "must be a class of torch modules, got averaging.torch"),
        ({"module": "torch.nn.GRU"}, "must be torch.nn.modules.rnn.GRU, where it is written"),
        ({"module": "torch.nn.modules.activation.ReLU"}, "must take input_size and hidden_size"),
        ({"states": 0}, "states must be positive, got 0"),
    ],
)
def test_what_cannot_be_a_module_is_named(mine, changed, message):
    with pytest.raises(ValueError, match=message):
        TorchModule(**{**mine, **changed})


def test_a_module_must_return_an_output_for_every_time_step():
    lstm = "torch.nn.modules.linear.Identity"
    cell = TorchModule(module=lstm)
    cell.build = lambda input_size, hidden_size: nn.Flatten(1)
    with pytest.raises(ValueError, match=r"outputs \(T, B, H\) \(5, 2, 8\), got \(5, 20\)"):
        cell.run(
            {"weight_ih_l0": torch.zeros(0, 10), "weight_hh_l0": torch.zeros(0, 8)},
            torch.zeros(5, 2, 10),
        )


def test_a_record_cannot_have_any_module_imported(mine, monkeypatch):
    monkeypatch.delitem(sys.modules, "averaging", raising=False)
    cell = {"_target_": "rnnbench.cells.TorchModule", "name": "mine", "module": "averaging.Net"}
    with pytest.raises(ValueError, match="cell.module must name a class that can be imported"):
        Condition.from_settings({**ONE.settings, "cell": cell}, trusted=False)
    assert "averaging" not in sys.modules


SMALL = "task=recall task.gap=5 seeds=2 model.hidden_size=4 trainer.steps=6 trainer.eval_every=3 "
SMALL += "trainer.eval_size=8 trainer.batch_size=4 tracker=none workers=1 name=own "
SMALL += "cell=torch_module cell.module=averaging.Mean cell.batch_first=true"


@pytest.mark.long
def test_a_module_is_trained_by_one_command_and_an_edit_of_it_is_noticed(tmp_path, mine):
    def command(*more):
        words = [sys.executable, "-m", "rnnbench", *SMALL.split(), *more]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)

    done = command()
    assert done.returncode == 0, done.stderr
    runs = rnnbench.load_results(tmp_path / "results" / "own")
    assert set(runs["cell"]) == {"torch_module"} and set(runs["engine"]) == {"reference"}
    (tmp_path / "averaging.py").write_text(MINE.replace("cumsum(1) /", "cumsum(1) * 2 /"))
    edited = command()
    assert edited.returncode == 2 and "edited since the training of 2 stored runs" in edited.stderr
