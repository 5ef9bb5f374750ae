"""Adam and gradient clipping on a stack: one flat row of parameters per replica."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from rnnbench.cell import Shapes

ALIGNMENT = 32


class FlatStack:
    """Parameters of R replicas in one buffer `(R, P)`, with named views `(R, ...)`.

    Rows are padded to a multiple of 32, so that every replica starts on an aligned address and
    elementwise kernels take the same path for all.
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
            name: block.view(-1, *shape).requires_grad_()
            for (name, shape), block in zip(self.shapes.items(), blocks, strict=False)
        }

    @property
    def spare(self) -> int:
        return self.buffer.shape[1] - sum(self.sizes)

    def flatten(self, gradients: Mapping[str, Tensor]) -> Tensor:
        """Return gradients `(R, ...)` as one `(R, P)`, zero in the padding."""
        rows = [gradients[name].flatten(1) for name in self.shapes]
        return torch.cat([*rows, rows[0].new_zeros(len(self.buffer), self.spare)], 1)


def clip(gradient: Tensor, largest: float | None) -> tuple[Tensor, Tensor]:
    """Scale each replica's gradient to a norm of at most `largest`.

    As torch.nn.utils.clip_grad_norm_ does it (Pascanu et al., 2013, arXiv:1211.5063), after
    backward, and for each replica on its own.

    Args:
        gradient: `(R, P)`.
        largest: the bound; None leaves the gradient as it is.

    Returns:
        The gradient `(R, P)`, and its norms before clipping `(R,)`.
    """
    norm = torch.linalg.vector_norm(gradient, dim=1)
    if largest is None:
        return gradient, norm
    return gradient * (largest / (norm + 1e-6)).clamp_(max=1.0)[:, None], norm


class Adam:
    """Adam (Kingma & Ba, 2015, arXiv:1412.6980) with torch's defaults, one rate per replica."""

    BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

    def __init__(self, buffer: Tensor, rates: Tensor) -> None:
        """Start with zero moments.

        Args:
            buffer: parameters `(R, P)`.
            rates: learning rates `(R,)`.
        """
        self.rates = rates
        self.mean = torch.zeros_like(buffer)
        self.square = torch.zeros_like(buffer)

    def update(self, buffer: Tensor, gradient: Tensor, step: int) -> None:
        """Update parameters in place; `step` counts from 1."""
        self.mean.lerp_(gradient, 1 - self.BETA1)
        self.square.mul_(self.BETA2).addcmul_(gradient, gradient, value=1 - self.BETA2)
        scale = math.sqrt(1 - self.BETA2**step)
        denominator = self.square.sqrt().div_(scale).add_(self.EPSILON)
        rates = self.rates[:, None] / (1 - self.BETA1**step)
        buffer.sub_((self.mean / denominator).mul_(rates))

    def keep(self, rows: Tensor) -> None:
        """Keep only the replicas with these row numbers."""
        self.rates = self.rates.index_select(0, rows)
        self.mean = self.mean.index_select(0, rows)
        self.square = self.square.index_select(0, rows)
