"""Train the bench's task in JAX: `jit(scan)` for one run, `jit(vmap(scan))` for a stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import jax
import jax.numpy as jnp
import torch

from rnnbench.bench.problem import RATE, MarkedSum, Shape, TutorialModel
from rnnbench.training.data import TrainingData

Arrays = dict[str, Any]
BETA1, BETA2, EPSILON, LARGEST = 0.9, 0.999, 1e-8, 1.0


def train(cell: str, shape: Shape, stacked: bool) -> Iterator[int]:
    """Train for ever, on the suite's own data; yield 1 after every step."""
    runs = shape.replicas if stacked else 1
    one_step = training_step(cell)
    step_of = jax.jit(jax.vmap(one_step, (0, 0, 0, None)) if stacked else one_step)
    parameters = _stack([initial(cell, shape) for _ in range(runs)], stacked)
    moments = (jax.tree.map(jnp.zeros_like, parameters), jax.tree.map(jnp.zeros_like, parameters))
    task, seeds = MarkedSum(shape.length), list(range(runs))
    data = TrainingData(task, shape.batch, seeds, torch.device("cpu"), torch.float32)
    for step in count():
        batch = [each.numpy() if stacked else each[0].numpy() for each in data.batch(step)]
        parameters, moments = step_of(parameters, moments, batch, step + 1)
        jax.block_until_ready(parameters)
        yield 1


def initial(cell: str, shape: Shape) -> Arrays:
    """Return torch.nn's own initial parameters, under their names."""
    named = TutorialModel(cell, shape.hidden).named_parameters()
    return {name: jnp.asarray(parameter.detach().numpy()) for name, parameter in named}


def _stack(each: list[Arrays], stacked: bool) -> Arrays:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *each) if stacked else each[0]


def training_step(cell: str) -> Callable[[Arrays, Any, Any, Any], tuple[Arrays, Any]]:
    """Return the training step of one run: loss, gradient, clipping by norm, Adam."""

    def step(parameters: Arrays, moments: Any, batch: Any, count: Any) -> tuple[Arrays, Any]:
        gradients = jax.grad(loss_of(cell))(parameters, *batch)
        norm = jnp.sqrt(sum(jnp.sum(g * g) for g in gradients.values()))
        scale = jnp.minimum(1.0, LARGEST / (norm + 1e-6))
        mean, square = moments
        new, means, squares = {}, {}, {}
        for name, gradient in gradients.items():
            g = gradient * scale
            means[name] = BETA1 * mean[name] + (1 - BETA1) * g
            squares[name] = BETA2 * square[name] + (1 - BETA2) * g * g
            spread = jnp.sqrt(squares[name] / (1 - BETA2**count)) + EPSILON
            new[name] = parameters[name] - RATE * means[name] / (1 - BETA1**count) / spread
        return new, (means, squares)

    return step


def loss_of(cell: str) -> Callable[[Arrays, Any, Any], Any]:
    """Return the loss of one run's last output: inputs `(T, B, F)`, targets `(1, B)`."""

    def loss(p: Arrays, inputs: Any, targets: Any) -> Any:
        fed = inputs @ p["rnn.weight_ih_l0"].T + p["rnn.bias_ih_l0"]
        zeros = jnp.zeros((inputs.shape[1], p["rnn.weight_hh_l0"].shape[1]), inputs.dtype)
        start = (zeros, zeros) if cell == "lstm" else (zeros,)

        def advance(states: Any, x: Any) -> Any:
            recurrent = states[0] @ p["rnn.weight_hh_l0"].T + p["rnn.bias_hh_l0"]
            return UPDATES[cell](x, recurrent, *states), None

        states, _ = jax.lax.scan(advance, start, fed)
        outputs = states[0] @ p["readout.weight"].T + p["readout.bias"]
        return jnp.mean((outputs[:, 0] - targets[0]) ** 2)

    return loss


def _rnn(x: Any, u: Any, h: Any) -> tuple[Any, ...]:
    return (jnp.tanh(x + u),)


def _lstm(x: Any, u: Any, h: Any, c: Any) -> tuple[Any, ...]:
    i, f, g, o = jnp.split(x + u, 4, -1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def _gru(x: Any, u: Any, h: Any) -> tuple[Any, ...]:
    (r_x, z_x, n_x), (r_u, z_u, n_u) = jnp.split(x, 3, -1), jnp.split(u, 3, -1)
    n = jnp.tanh(n_x + jax.nn.sigmoid(r_x + r_u) * n_u)
    return (n + jax.nn.sigmoid(z_x + z_u) * (h - n),)


UPDATES: dict[str, Callable[..., tuple[Any, ...]]] = {"rnn": _rnn, "lstm": _lstm, "gru": _gru}
