"""Stackable recurrent cell: a candidate of the input alone, and a gate squashed once more."""

from __future__ import annotations

from torch import Generator, Tensor, sigmoid, tanh

from rnnbench.cell import Cell, Initialization, Parameters, orthogonal_
from rnnbench.cells.janet import chrono_


class STAR(Cell):
    """Stackable recurrent cell (Turkoglu et al., 2021, arXiv:1911.11033).

        z = tanh(W_z x)                 f = sigmoid(W_f x + U_f h)
        h' = tanh(f * h + (1 - f) * z)

    The paper's gate is k = 1 - f, which lets in; f is declared here, so that keep_bias and chrono
    open what keeps (as in the authors' code). Both are the same function, W_k being -W_f. Keeps two
    biases for f, of which the paper has one. State: h (B, H).
    """

    gates = {"z": "x", "f": "xh"}
    keep_gate = "f"

    def __init__(self, *, init: Initialization = "published", keep_bias: float = 0.0) -> None:
        super().__init__(init=init, keep_bias=keep_bias)

    def update(self, z: Tensor, f: Tensor, h: Tensor) -> Tensor:
        z = tanh(z)
        return tanh(z + sigmoid(f) * (h - z))

    def published(self, parameters: Parameters, generator: Generator, gap: int) -> None:
        """Draw the chrono bias of f; matrices are orthogonal, other biases 0.

        As the authors' code does (github.com/0zgur0/STAckable-Recurrent-network, star.py), whose
        T_max is the length of a sequence.
        """
        for matrix in (*parameters["weight_ih_l0"].chunk(2), parameters["weight_hh_l0"]):
            orthogonal_(matrix, generator)
        parameters["bias_ih_l0"].zero_()
        parameters["bias_hh_l0"].zero_()
        chrono_(self.start_bias("f", parameters), generator, gap)
