"""A causal transformer: not a recurrent cell, but the line that people ask to see beside them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnnbench.cells.sequence import SequenceCell


class Transformer(SequenceCell):
    """Causal transformer (Vaswani et al., 2017, arXiv:1706.03762), normalised before each part.

    An embedding with sinusoidal positions, then `depth` blocks of attention over all time steps up
    to the own one and of a network of 4 H units, and a last normalisation.

    State: keys and values of all time steps so far, 2 H numbers each in every block.
    """

    def __init__(self, *, depth: int = 2, heads: int = 4) -> None:
        super().__init__()
        for name, value in (("depth", depth), ("heads", heads)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        self.depth, self.heads = depth, heads

    def build(self, input_size: int, hidden_size: int) -> nn.Module:
        if hidden_size % self.heads or hidden_size % 2:
            rule = f"hidden_size must be even and a multiple of {self.heads} heads"
            raise ValueError(f"{rule}, got {hidden_size}")
        return _Causal(input_size, hidden_size, self.depth, self.heads)

    def count_state(self, hidden_size: int, steps: int) -> int:
        return 2 * hidden_size * self.depth * steps


class _Causal(nn.Module):
    def __init__(self, input_size: int, hidden_size: int, depth: int, heads: int) -> None:
        super().__init__()
        self.embed = nn.Linear(input_size, hidden_size)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                hidden_size, heads, 4 * hidden_size, dropout=0.0, norm_first=True
            )
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(hidden_size)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `(T, B, F)` to `(T, B, H)`."""
        hidden = self.embed(inputs)
        hidden = hidden + _positions(len(inputs), hidden.shape[-1]).to(hidden)[:, None]
        future = torch.ones(len(inputs), len(inputs), device=inputs.device).triu(1).bool()
        for block in self.blocks:
            hidden = block(hidden, src_mask=future)
        normed: Tensor = self.norm(hidden)
        return normed


def _positions(steps: int, size: int) -> Tensor:
    """Return sines and cosines of each time step at wavelengths of 2 pi to 20,000 pi `(T, H)`."""
    rates = 10_000.0 ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
    angles = torch.arange(steps, dtype=torch.float64)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)
