"""Optimisers and clipping are torch's own, for each replica by itself."""

import pytest
import torch

from rnnbench.training.optimizer import OPTIMIZERS, FlatStack, clip

SHAPES = {"a": (3, 5), "b": (7,)}


def stack(replicas):
    flat = FlatStack(SHAPES, replicas, torch.device("cpu"), torch.float64)
    torch.manual_seed(0)
    flat.buffer[:, :22] = torch.randn(replicas, 22)
    return flat


def test_views_share_the_buffer_and_rows_are_aligned():
    flat = stack(2)
    views = flat.views()
    assert {name: tuple(view.shape) for name, view in views.items()} == {
        "a": (2, 3, 5),
        "b": (2, 7),
    }
    assert flat.buffer.shape == (2, 32)
    flat.buffer += 1
    torch.testing.assert_close(views["b"].detach(), flat.buffer[:, 15:22])
    torch.testing.assert_close(flat.flatten(views).detach()[:, :22], flat.buffer[:, :22])


def update(optimizer, buffer, gradient, step):
    """Update parameters in place, with the corrections of a step as they are on the device."""
    numbers = torch.tensor(optimizer.corrections(step), dtype=buffer.dtype)[:, None]
    buffer.sub_(optimizer.change(gradient, numbers))


PEERS = {
    "adam": torch.optim.Adam,
    "rmsprop": lambda parameters, lr: torch.optim.RMSprop(parameters, lr=lr, alpha=0.9),
    "sgd": torch.optim.SGD,
}


def test_every_optimizer_has_a_peer():
    assert set(PEERS) == set(OPTIMIZERS)


@pytest.mark.parametrize(
    ("bound", "element"), [(0.7, None), (None, 0.2), (0.7, 0.2), (None, None)], ids=str
)
@pytest.mark.parametrize("name", PEERS)
def test_steps_are_those_of_torch_after_clipping_each_replica(name, bound, element):
    rates = [1e-2, 3e-3, 1e-1]
    flat = stack(3)
    peers = [torch.nn.Parameter(row[:22].clone()) for row in flat.buffer]
    optimizers = [PEERS[name]([p], lr=lr) for p, lr in zip(peers, rates, strict=True)]
    optimizer = OPTIMIZERS[name](flat.buffer, torch.tensor(rates, dtype=torch.float64))
    for step in range(1, 30):
        gradient = torch.zeros(3, 32, dtype=torch.float64)
        gradient[:, :22] = torch.randn(3, 22, dtype=torch.float64) / torch.tensor([[1], [9], [3]])
        clipped, norms, changed = clip(gradient, bound, element)
        update(optimizer, flat.buffer, clipped, step)
        for row, (peer, its) in enumerate(zip(peers, optimizers, strict=True)):
            peer.grad = gradient[row, :22].clone()
            torch.testing.assert_close(norms[row], peer.grad.norm())
            whole = peer.grad.clone()
            if element is not None:
                torch.nn.utils.clip_grad_value_([peer], element)
            if bound is not None:
                torch.nn.utils.clip_grad_norm_([peer], bound)
            assert bool(changed[row]) == (not torch.equal(peer.grad, whole))
            its.step()
            torch.testing.assert_close(flat.buffer[row, :22], peer.detach(), atol=1e-12, rtol=1e-12)
    assert not flat.buffer[:, 22:].any()


@pytest.mark.parametrize("name", PEERS)
def test_those_who_stay_keep_their_rate_and_state(name):
    rates = torch.tensor([1e-2, 3e-3, 1e-1], dtype=torch.float64)
    flat, alone = stack(3), stack(3).buffer[2:].clone()
    together = OPTIMIZERS[name](flat.buffer, rates)
    single = OPTIMIZERS[name](alone, rates[2:])
    gradient = torch.randn(3, 32, dtype=torch.float64)
    update(together, flat.buffer, gradient, 1)
    together.keep(torch.tensor([2]))
    buffer = flat.buffer[2:].clone()
    update(together, buffer, 2 * gradient[2:], 2)
    update(single, alone, gradient[2:], 1)
    update(single, alone, 2 * gradient[2:], 2)
    assert torch.equal(buffer, alone)


def test_clipping_bounds_the_large_and_leaves_the_small():
    gradient = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    clipped, norms, changed = clip(gradient, 1.0)
    assert norms.tolist() == pytest.approx([5.0, 0.5])
    assert clipped[0].tolist() == pytest.approx([0.6, 0.8], rel=1e-5)
    assert clipped[1].tolist() == gradient[1].tolist()
    assert changed.tolist() == [True, False]
    assert torch.equal(clip(gradient, None)[0], gradient)


def test_clipping_values_leaves_the_norm_that_is_reported():
    gradient = torch.tensor([[3.0, -4.0], [0.3, 0.4]])
    clipped, norms, changed = clip(gradient, None, 1.0)
    assert clipped.tolist() == [[1.0, -1.0], pytest.approx([0.3, 0.4])]
    assert norms.tolist() == pytest.approx([5.0, 0.5])
    assert gradient[0].tolist() == [3.0, -4.0]
    assert changed.tolist() == [True, False]
