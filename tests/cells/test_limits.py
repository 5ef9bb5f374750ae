"""What cells do at their limits: large inputs, long times, ties, and arguments out of range."""

import pytest
import torch

from rnnbench.cells import LRU, RGLRU, S6, SLSTM, IndRNN, LinOSS, MinGRU, MinLSTM, MinMax
from rnnbench.check.problem import make_problem, run_with_gradients

BY_INPUT = [MinGRU(), MinLSTM(), MinMax(), RGLRU(), S6(), SLSTM(), LRU(), LinOSS()]


def number(value):
    return torch.tensor(value, dtype=torch.float32)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("cell", BY_INPUT, ids=lambda cell: type(cell).__name__)
def test_large_inputs_give_numbers_and_gradients(cell, engine):
    given = make_problem(cell, hidden=32, steps=20, dtype=torch.float32)
    start = tuple(torch.zeros_like(state).requires_grad_() for state in given.states)
    large = (given.inputs.detach() * 300).requires_grad_()
    found = run_with_gradients(engine, cell, given._replace(inputs=large, states=start))
    assert all(bool(tensor.isfinite().all()) for tensor in found.values())


def test_gates_that_both_round_to_0_still_share():
    assert MinLSTM().update(*map(number, (-200.0, -200.0, 0.5, 3.0))) == 2  # (3 + 1) / 2


def kept(cell, gap):
    """Return by how much a unit's new state changes with the old one, where the input is 0."""
    parameters = {name: torch.zeros(shape) for name, shape in cell.shapes(3, 500).items()}
    cell.initialize(parameters, torch.Generator().manual_seed(0), gap=gap)
    gates = parameters["bias_ih_l0"].view(-1, 500)
    return cell.update(*gates, number(1.0)) - cell.update(*gates, number(0.0))


def test_what_starts_open_keeps():
    assert kept(MinGRU(keep_bias=20.0), 10).min() > 1 - 1e-6
    assert kept(MinLSTM(keep_bias=20.0), 10).max() < 0.8  # 1 / (1 + i)
    for kind in (MinGRU, MinLSTM):
        half_lives = -0.693 / kept(kind(init="chrono"), 1000).log()
        assert half_lives.max() > 500


def test_an_slstm_weighs_from_its_first_step_on():
    """c / n is a mean: of weights that add up to n, the largest of them 1."""
    cell, states = SLSTM(), torch.zeros(4, 5)
    draw = torch.Generator().manual_seed(0)
    for _ in range(50):
        gates = torch.randn(4, 5, generator=draw) * 10
        h, c, n, m = states = torch.stack(cell.update(*gates, *states))
        assert (n >= 1).all()
        assert (c.abs() <= n * (1 + 1e-6)).all()


def test_an_slstm_forgets_a_negative_weight():
    gates, c = (0.3, -0.4, 0.5, 0.6), torch.tanh(number(0.5))
    h, *states = SLSTM().update(*map(number, (*gates, 0.7, 0.8, -0.9, 0.2)))
    assert torch.equal(torch.stack(states), torch.stack([c, number(1.0), number(0.3)]))
    assert h == torch.sigmoid(number(0.6)) * c


def test_the_root_of_an_rg_lru_has_a_bounded_slope():
    square = torch.logspace(-10, -0.1, 1000, dtype=torch.float64)
    rate = -torch.log(1 - square).div(2).requires_grad_()  # a = exp(-2 rate * sigmoid(0))
    r, i, v, h = (torch.tensor(value, dtype=torch.float64) for value in (0, 50, 1, 0))
    root = RGLRU().update(r, i, v, h, 2 * rate)
    assert (root - square.sqrt()).abs().max() <= 2.5e-4 * (1 + 1e-5)
    (slope,) = torch.autograd.grad(root.sum(), rate)
    assert 900 < (slope / (2 * (1 - square))).max() <= 1000 * (1 + 1e-5)  # d square / d rate


def test_a_minmax_state_at_its_bound_passes_the_whole_gradient():
    h = number(0.4).requires_grad_()
    held = MinMax().update(number(0.4), number(0.4), h)
    (slope,) = torch.autograd.grad(held, h)
    assert slope == 1


@pytest.mark.parametrize(("discretization", "least", "most"), [("IM", 0, 1e-6), ("IMEX", 0.5, 3)])
def test_springs_forget_or_conserve(discretization, least, most):
    cell, nothing = LinOSS(discretization=discretization), number(0.0)
    stiffness, dt = number(0.5), number(0.6)
    states, reached = (number(1.0), nothing, nothing, nothing), []
    for _ in range(1000):
        states = cell.update(nothing, nothing, *states, stiffness, dt)
        reached.append(abs(states[0].item()))
    assert least <= max(reached[-100:]) <= most


@pytest.mark.parametrize(
    ("kind", "wrong", "rule"),
    [
        (IndRNN, {"magnitude": 1.0}, "magnitude must be above 1 and finite, got 1.0"),
        (LinOSS, {"discretization": "EX"}, "discretization must be IM or IMEX, got EX"),
        (LRU, {"r_min": 0.9, "r_max": 0.5}, "r_min and r_max must be 0 <= r_min < r_max <= 1"),
        (LRU, {"max_phase": 0.0}, "max_phase must be above 0 and at most 2 pi, got 0.0"),
        (SLSTM, {"heads": 0}, "heads must be at least 1, got 0"),
        (MinMax, {"init": "published"}, "init must be one of torch, glorot"),
    ],
)
def test_arguments_out_of_range_are_refused(kind, wrong, rule):
    with pytest.raises(ValueError, match=rule):
        kind(**wrong)
