"""Orthogonal RNN: a recurrent matrix that keeps all lengths, by the scaled Cayley map."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, relu

from rnnbench.cell import Cell, Initialization, Parameters, Shapes, uniform_


class Orthogonal(Cell):
    """Scaled Cayley orthogonal RNN, scoRNN (Helfrich et al., 2018, arXiv:1707.09520).

        u = W x + Q h                       Q = (I + S)^-1 (I - S) D
        h' = sign(u) * relu(|u| + b)        (modReLU)

    S is antisymmetric: its upper triangle is trained, as `skew_l0` (H (H - 1) / 2), row by row. D
    is diagonal: first ones, then minus ones, which gives Q the eigenvalues that the Cayley map
    alone cannot. No bias but b. The paper trains S at a lower rate than all else; here is one rate.

    State: h (B, H).
    """

    gates = {"u": "xh"}
    vectors = ("b",)

    def __init__(self, *, negatives: float = 0.5, init: Initialization = "published") -> None:
        """Check the settings.

        Args:
            negatives: how much of D is -1, a share of H from 0 to 1, rounded to whole units. The
                paper has 0.5 for copying and 0.1 for some tasks.
            init: how weights are drawn; those of the trained numbers, not Q's.
        """
        super().__init__(init=init)
        if not 0 <= negatives <= 1:
            raise ValueError(f"negatives must be from 0 to 1, got {negatives}")
        self.negatives = negatives

    def shapes(self, input_size: int, hidden_size: int) -> Shapes:
        """Return the shapes of what is trained; `weight_hh_l0`, empty, tells the hidden size."""
        return {
            "weight_ih_l0": (hidden_size, input_size),
            "weight_hh_l0": (0, hidden_size),
            "skew_l0": (hidden_size * (hidden_size - 1) // 2,),
            "b_l0": (hidden_size,),
        }

    def derive(self, parameters: Parameters) -> Parameters:
        """Return Q as the recurrent matrix, and biases of 0."""
        threshold = parameters["b_l0"]
        size = len(threshold)
        row, column = torch.triu_indices(size, size, 1, device=threshold.device)
        upper = threshold.new_zeros(size, size).index_put((row, column), parameters["skew_l0"])
        skew, identity = upper - upper.T, torch.eye(size).to(threshold)
        signs = torch.ones_like(threshold)
        signs[size - round(self.negatives * size) :] = -1
        nothing = torch.zeros_like(threshold)
        return {
            "weight_ih_l0": parameters["weight_ih_l0"],
            "weight_hh_l0": torch.linalg.solve(identity + skew, identity - skew) * signs,
            "bias_ih_l0": nothing,
            "bias_hh_l0": nothing,
            "b_l0": threshold,
        }

    def update(self, u: Tensor, h: Tensor, b: Tensor) -> Tensor:
        return torch.sign(u) * relu(torch.abs(u) + b)

    def published(self, parameters: Parameters, generator: Generator, gap: int) -> None:
        """Draw S block-diagonal, of angles from U[0, pi/2]; W is U[-0.01, 0.01], b is 0.

        As the authors' code does (github.com/SpartinStuff/scoRNN, scoRNN.py): an angle t sets units
        2 j and 2 j + 1 of S, and Q D turns them by t.
        """
        uniform_(parameters["weight_ih_l0"], 0.01, generator)
        parameters["b_l0"].zero_()
        size = len(parameters["b_l0"])
        angles = torch.empty(size // 2)
        uniform_(angles, torch.pi / 4, generator)
        row, column = torch.triu_indices(size, size, 1)
        pairs = (row % 2 == 0) & (column == row + 1)
        parameters["skew_l0"].zero_()
        # -sqrt((1 - cos t) / (1 + cos t)) is -tan(t / 2).
        parameters["skew_l0"][pairs] = -torch.tan((angles + torch.pi / 4) / 2).to(
            parameters["skew_l0"]
        )
