"""Define a cell: its gates, states and parameters, and the ways to draw initial parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Generator, Tensor

Initialization = Literal["torch", "glorot", "orthogonal", "chrono"]
Shapes = dict[str, tuple[int, ...]]
Parameters = Mapping[str, Tensor]
States = tuple[Tensor, ...]


class Cell:
    """Base class of all cells.

    A cell declares its gates and what feeds each, its states, and how pre-activations and old
    states become new states. The engines derive the rest. Parameters have torch.nn's names and
    layout: `weight_ih_l0` `(gates * H, F)` and `bias_ih_l0` hold, one below the other, the gates
    that the input feeds; `weight_hh_l0` and `bias_hh_l0` those that the hidden state feeds; each
    per-unit vector is a `(H,)` parameter of its own.

    A gate's pre-activation is `W x + b_ih` ("x"), `U h + b_hh` ("h") or their sum ("xh").

    A cell that cannot be declared so (with two matrix products in a row, say) overrides `shapes`
    and `step` instead; it runs on the reference engine alone. Its shapes include a
    `weight_hh_l0` `(..., H)`, which tells the hidden size.

    Attributes:
        gates: a gate's name to what feeds it: "x", "h" or "xh".
        states: names of the states; the first is the output h.
        vectors: names of per-unit parameters, `(H,)` each, handed to `update` last.
        keep_gate: the gate that keeps the old state, to which `keep_bias` is added; or None.
        input_gate: the gate that lets the new value in, where it is not the keep gate; or None.
        version: raised whenever the numbers that a cell gives change.
        added: arguments that the constructor got after results were stored. At its default, which
            stays for good, one is left out of a condition's id; those of base classes are, too.
    """

    gates: ClassVar[Mapping[str, str]] = {}
    states: ClassVar[tuple[str, ...]] = ("h",)
    vectors: ClassVar[tuple[str, ...]] = ()
    keep_gate: ClassVar[str | None] = None
    input_gate: ClassVar[str | None] = None
    version: ClassVar[int] = 1
    added: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, init: Initialization = "torch", keep_bias: float = 0.0) -> None:
        """Check and keep the settings that every cell has.

        Args:
            init: how weights are drawn, see INITIALIZATIONS.
            keep_bias: added once to `bias_hh` of the keep gate (torch's default: 0); chrono draws
                that bias itself, and nothing is added.

        Raises:
            ValueError: the initialisation is unknown or does not fit the cell.
        """
        if init not in INITIALIZATIONS:
            raise ValueError(f"init must be one of {', '.join(INITIALIZATIONS)}, got {init}")
        if self.keep_gate is None and init == "chrono":
            rule = "torch, glorot or orthogonal for a cell without a keep gate"
            raise ValueError(f"init must be {rule}, got {init}")
        if self.keep_gate is None and keep_bias:
            raise ValueError(f"keep_bias must be 0 without a keep gate, got {keep_bias}")
        self.init = init
        self.keep_bias = keep_bias

    def update(self, *arguments: Any) -> Any:
        """Compute the new state from gate pre-activations and old states, for a cell with gates.

        Return a tuple where there are several states.

        Args:
            arguments: pre-activations in the order of `gates`, old states in the order of
                `states`, then `vectors`; each `(..., B, H)`, vectors broadcastable to it.
        """
        raise NotImplementedError(f"{type(self).__name__} declares neither update nor step")

    def step(self, parameters: Parameters, inputs: Tensor, states: States) -> States:
        """Compute R replicas' states `(R, B, H)` after one time step, for a cell without gates.

        Args:
            parameters: as declared by `shapes`, each with a leading axis R.
            inputs: `(R, B, F)`.
            states: `(R, B, H)` each.
        """
        raise NotImplementedError(f"{type(self).__name__} is declared by its gates")

    @property
    def declared(self) -> bool:
        """Return whether the cell is defined by gates and `update`, rather than by `step`."""
        return bool(self.gates)

    def gates_fed_by(self, source: str) -> list[str]:
        """Return the gates that the input ("x") or the hidden state ("h") feeds, in order."""
        return [name for name, sources in self.gates.items() if source in sources]

    def shapes(self, input_size: int, hidden_size: int) -> Shapes:
        """Return the shape of each parameter of one replica."""
        rows_x = len(self.gates_fed_by("x")) * hidden_size
        rows_h = len(self.gates_fed_by("h")) * hidden_size
        return {
            "weight_ih_l0": (rows_x, input_size),
            "weight_hh_l0": (rows_h, hidden_size),
            "bias_ih_l0": (rows_x,),
            "bias_hh_l0": (rows_h,),
            **{f"{name}_l0": (hidden_size,) for name in self.vectors},
        }

    def initialize(self, parameters: Parameters, generator: Generator, *, gap: int) -> None:
        """Draw one replica's parameters in place, by `init`, from `generator` alone.

        Add `keep_bias` to the keep gate's bias, unless `init` is chrono.
        """
        INITIALIZATIONS[self.init](self, parameters, generator, gap)
        if self.keep_gate is not None and self.init != "chrono":
            self.bias_of(self.keep_gate, parameters["bias_hh_l0"], "h").add_(self.keep_bias)

    def bias_of(self, gate: str, bias: Tensor, source: str) -> Tensor:
        """Return the view of one gate's rows in `bias_ih_l0` ("x") or `bias_hh_l0` ("h")."""
        gates = self.gates_fed_by(source)
        return bias.view(len(gates), -1)[gates.index(gate)]


def uniform_(tensor: Tensor, bound: float, generator: Generator) -> None:
    """Fill with U[-bound, bound], drawn in float32 whatever the tensor's type."""
    draw = torch.rand(tensor.shape, generator=generator, dtype=torch.float32)
    tensor.copy_((2 * draw - 1) * bound)


def torch_default(cell: Cell, parameters: Parameters, generator: Generator, gap: int) -> None:
    """Draw every parameter from U[-1/sqrt(H), 1/sqrt(H)], as torch.nn.RNNBase does."""
    bound = 1 / math.sqrt(_hidden_size(parameters))
    for tensor in parameters.values():
        uniform_(tensor, bound, generator)


def glorot(cell: Cell, parameters: Parameters, generator: Generator, gap: int) -> None:
    """Draw each gate's matrices from U[-b, b], b = sqrt(6 / (inputs + outputs)); biases are 0.

    Glorot & Bengio (2010, AISTATS). Per-unit vectors, which have no fan, are torch's default.
    """
    torch_default(cell, parameters, generator, gap)
    size = _hidden_size(parameters)
    for name, tensor in parameters.items():
        if name.startswith("weight_"):
            uniform_(tensor, math.sqrt(6 / (tensor.shape[-1] + size)), generator)
        elif name.startswith("bias_"):
            tensor.zero_()


def orthogonal(cell: Cell, parameters: Parameters, generator: Generator, gap: int) -> None:
    """Draw each gate's recurrent matrix orthogonal (Saxe et al., 2013, arXiv:1312.6120).

    The rest is torch's default. Q of a Gaussian matrix's QR decomposition, its signs fixed by
    R's diagonal so that Q is uniform (Mezzadri, 2007, arXiv:math-ph/0609050).
    """
    torch_default(cell, parameters, generator, gap)
    size = _hidden_size(parameters)
    recurrent = parameters["weight_hh_l0"]
    for block in torch.split(recurrent, size) if len(recurrent) else ():
        gaussian = torch.randn(size, size, generator=generator, dtype=torch.float32)
        q, r = torch.linalg.qr(gaussian.double())
        block.copy_((q * r.diagonal().sign()).float())


def chrono(cell: Cell, parameters: Parameters, generator: Generator, gap: int) -> None:
    """Draw the keep gate's bias as log U[1, gap - 1] (Tallec & Ollivier, 2018, arXiv:1804.11188).

    The input gate, where there is one, gets the opposite bias; both gates'
    `bias_ih` is 0. The paper's T_max is the declared gap. The rest is torch's default.
    """
    torch_default(cell, parameters, generator, gap)
    draw = torch.rand(_hidden_size(parameters), generator=generator, dtype=torch.float32)
    bias = (1 + draw * max(gap - 2, 0)).log()
    for gate, value in ((cell.keep_gate, bias), (cell.input_gate, -bias)):
        if gate is not None:
            cell.bias_of(gate, parameters["bias_hh_l0"], "h").copy_(value)
            cell.bias_of(gate, parameters["bias_ih_l0"], "x").zero_()


def _hidden_size(parameters: Parameters) -> int:
    return parameters["weight_hh_l0"].shape[-1]


INITIALIZATIONS: dict[str, Callable[[Cell, Parameters, Generator, int], None]] = {
    "torch": torch_default,
    "glorot": glorot,
    "orthogonal": orthogonal,
    "chrono": chrono,
}
