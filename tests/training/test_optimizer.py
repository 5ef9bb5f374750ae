"""Adam and clipping are torch's own, for each replica by itself."""

import pytest
import torch

from rnnbench.optimizer import Adam, FlatStack, clip

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


def test_steps_are_those_of_torch_adam_after_clipping_each_replica():
    rates, bound = [1e-2, 3e-3, 1e-1], 0.7
    flat = stack(3)
    peers = [torch.nn.Parameter(row[:22].clone()) for row in flat.buffer]
    optimizers = [torch.optim.Adam([p], lr=lr) for p, lr in zip(peers, rates, strict=True)]
    adam = Adam(flat.buffer, torch.tensor(rates, dtype=torch.float64))
    for step in range(1, 30):
        gradient = torch.zeros(3, 32, dtype=torch.float64)
        gradient[:, :22] = torch.randn(3, 22, dtype=torch.float64) / torch.tensor([[1], [9], [3]])
        clipped, norms = clip(gradient, bound)
        adam.update(flat.buffer, clipped, step)
        for row, (peer, optimizer) in enumerate(zip(peers, optimizers, strict=True)):
            peer.grad = gradient[row, :22].clone()
            norm = torch.nn.utils.clip_grad_norm_([peer], bound)
            optimizer.step()
            torch.testing.assert_close(norms[row], norm)
            torch.testing.assert_close(flat.buffer[row, :22], peer.detach(), atol=1e-12, rtol=1e-12)
    assert not flat.buffer[:, 22:].any()


def test_clipping_bounds_the_large_and_leaves_the_small():
    gradient = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    clipped, norms = clip(gradient, 1.0)
    assert norms.tolist() == pytest.approx([5.0, 0.5])
    assert clipped[0].tolist() == pytest.approx([0.6, 0.8], rel=1e-5)
    assert clipped[1].tolist() == gradient[1].tolist()
    assert torch.equal(clip(gradient, None)[0], gradient)
