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
        self._padding = torch.zeros(replicas, self.spare, device=device, dtype=dtype)

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
        return torch.cat([*rows, self._padding[: len(self.buffer)]], 1)


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
    if largest is None:
        return gradient, norm, bounded != norm
    scale = (largest / (bounded + 1e-6)).clamp_(max=1.0)
    changed = scale != 1 if largest_value is None else (bounded != norm) | (scale != 1)
    return gradient * scale[:, None], norm, changed


class Optimizer(ABC):
    """Tell by how much parameters are to change, with a learning rate and a state of each replica.

    What depends on the number of the step is a tensor: a CUDA graph repeats Python's numbers.

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

    def corrections(self, step: int) -> tuple[float, ...]:
        """Return the numbers that depend on the step alone, which counts from 1."""
        return ()

    @abstractmethod
    def change(self, gradient: Tensor, corrections: Tensor) -> Tensor:
        """Take in a gradient `(R, P)`; return what is to be subtracted from the parameters.

        The corrections are `(numbers, 1)`.
        """

    def keep(self, rows: Tensor) -> None:
        """Keep only the replicas with these row numbers."""
        self.rates = self.rates.index_select(0, rows)
        self.state = {name: kept.index_select(0, rows) for name, kept in self.state.items()}


class Adam(Optimizer):
    """Adam (Kingma & Ba, 2015, arXiv:1412.6980) with torch's defaults."""

    names = ("mean", "square")
    BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

    def corrections(self, step: int) -> tuple[float, ...]:
        """Return what takes away the bias of the two means towards their start at 0."""
        return math.sqrt(1 - self.BETA2**step), 1 - self.BETA1**step

    def change(self, gradient: Tensor, corrections: Tensor) -> Tensor:
        mean, square = self.state["mean"], self.state["square"]
        mean.lerp_(gradient, 1 - self.BETA1)
        square.mul_(self.BETA2).addcmul_(gradient, gradient, value=1 - self.BETA2)
        of_square, of_mean = corrections.unbind()
        change = square.sqrt().div_(of_square).add_(self.EPSILON)
        return torch.div(mean, change, out=change).mul_(self.rates[:, None] / of_mean)


class RMSprop(Optimizer):
    """RMSprop (Tieleman & Hinton, 2012), as in torch but with a decay of 0.9 (torch: 0.99).

    Papers on long dependencies use this decay (Arjovsky et al., 2016, arXiv:1511.06464; Tallec &
    Ollivier, 2018, arXiv:1804.11188).
    """

    names = ("square",)
    ALPHA, EPSILON = 0.9, 1e-8

    def change(self, gradient: Tensor, corrections: Tensor) -> Tensor:
        square = self.state["square"]
        square.mul_(self.ALPHA).addcmul_(gradient, gradient, value=1 - self.ALPHA)
        denominator = square.sqrt().add_(self.EPSILON)
        return (gradient / denominator).mul_(self.rates[:, None])


class SGD(Optimizer):
    """Plain gradient descent, without momentum."""

    def change(self, gradient: Tensor, corrections: Tensor) -> Tensor:
        return gradient * self.rates[:, None]


OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "rmsprop": RMSprop, "sgd": SGD}
