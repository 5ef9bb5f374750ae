"""Clip gradients and update parameters of a stack, which has one flat row per replica."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from rnnbench.cell import Shapes

ALIGNMENT = 32


class FlatStack:
    """Hold the parameters of R replicas in one buffer `(R, P)`, with named views `(R, ...)`.

    Rows are padded to a multiple of 32: every replica starts on an aligned address, so that
    elementwise kernels round in the same way for all.
    """

    def __init__(
        self, shapes: Shapes, replicas: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.shapes = shapes
        self.sizes = [math.prod(shape) for shape in shapes.values()]
        width = -(-sum(self.sizes) // ALIGNMENT) * ALIGNMENT
        self.buffer = torch.zeros(replicas, width, device=device, dtype=dtype)

    def views(self) -> dict[str, Tensor]:
        """Return fresh leaves that share the buffer's memory and record gradients."""
        blocks = torch.split(self.buffer.detach(), [*self.sizes, self.spare], 1)
        return {
            name: block.view(len(self.buffer), *shape).requires_grad_()
            for (name, shape), block in zip(self.shapes.items(), blocks, strict=False)
        }

    @property
    def spare(self) -> int:
        return self.buffer.shape[1] - sum(self.sizes)

    def flatten(self, gradients: Mapping[str, Tensor]) -> Tensor:
        """Return gradients `(R, ...)` as one `(R, P)`, zero in the padding."""
        rows = [gradients[name].flatten(1) for name in self.shapes]
        return torch.cat([*rows, rows[0].new_zeros(len(self.buffer), self.spare)], 1)


def clip(
    gradient: Tensor, largest: float | None, largest_value: float | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Clamp each element to +-`largest_value`, then scale each row to a norm of at most `largest`.

    As torch.nn.utils.clip_grad_value_ and clip_grad_norm_ do it (Pascanu et al., 2013,
    arXiv:1211.5063), for each replica by itself; None is no bound.

    Returns:
        The gradient `(R, P)`, its norms before clipping `(R,)`, and whether it was changed `(R,)`.
    """
    norm = bounded = torch.linalg.vector_norm(gradient, dim=1)
    if largest_value is not None:
        gradient = gradient.clamp(-largest_value, largest_value)
        bounded = torch.linalg.vector_norm(gradient, dim=1)
    changed = bounded != norm
    if largest is None:
        return gradient, norm, changed
    scale = (largest / (bounded + 1e-6)).clamp_(max=1.0)
    return gradient * scale[:, None], norm, changed | (scale < 1)


class Optimizer(ABC):
    """Update parameters in place, with a learning rate and a state for each replica.

    Attributes:
        rates: learning rates `(R,)`.
        names: of the state's parts.
        state: what is carried from step to step, by name, each `(R, P)`.
    """

    names: tuple[str, ...] = ()

    def __init__(self, buffer: Tensor, rates: Tensor) -> None:
        """Start with a state of zeros; `buffer` holds the parameters `(R, P)`."""
        self.rates = rates
        self.state = {name: torch.zeros_like(buffer) for name in self.names}

    @abstractmethod
    def update(self, buffer: Tensor, gradient: Tensor, step: int) -> None:
        """Update parameters in place; `step` counts from 1."""

    def keep(self, rows: Tensor) -> None:
        """Keep only the replicas with these row numbers."""
        self.rates = self.rates.index_select(0, rows)
        self.state = {name: kept.index_select(0, rows) for name, kept in self.state.items()}


class Adam(Optimizer):
    """Adam (Kingma & Ba, 2015, arXiv:1412.6980) with torch's defaults."""

    names = ("mean", "square")
    BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

    def update(self, buffer: Tensor, gradient: Tensor, step: int) -> None:
        mean, square = self.state["mean"], self.state["square"]
        mean.lerp_(gradient, 1 - self.BETA1)
        square.mul_(self.BETA2).addcmul_(gradient, gradient, value=1 - self.BETA2)
        scale = math.sqrt(1 - self.BETA2**step)
        denominator = square.sqrt().div_(scale).add_(self.EPSILON)
        rates = self.rates[:, None] / (1 - self.BETA1**step)
        buffer.sub_((mean / denominator).mul_(rates))


class RMSprop(Optimizer):
    """RMSprop (Tieleman & Hinton, 2012), as in torch but with a decay of 0.9 (torch: 0.99).

    Papers on long dependencies use this decay (Arjovsky et al., 2016, arXiv:1511.06464; Tallec &
    Ollivier, 2018, arXiv:1804.11188).
    """

    names = ("square",)
    ALPHA, EPSILON = 0.9, 1e-8

    def update(self, buffer: Tensor, gradient: Tensor, step: int) -> None:
        square = self.state["square"]
        square.mul_(self.ALPHA).addcmul_(gradient, gradient, value=1 - self.ALPHA)
        denominator = square.sqrt().add_(self.EPSILON)
        buffer.sub_((gradient / denominator).mul_(self.rates[:, None]))


class SGD(Optimizer):
    """Plain gradient descent, without momentum."""

    def update(self, buffer: Tensor, gradient: Tensor, step: int) -> None:
        buffer.sub_(gradient * self.rates[:, None])


OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "rmsprop": RMSprop, "sgd": SGD}
