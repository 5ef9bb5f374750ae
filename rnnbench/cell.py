"""Define a cell: its gates, states and parameters, and the ways to draw initial parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Generator, Tensor

Initialization = Literal["torch", "glorot", "orthogonal", "identity", "chrono", "published"]
Shapes = dict[str, tuple[int, ...]]
Parameters = Mapping[str, Tensor]
States = tuple[Tensor, ...]


class Cell:
    """Base class of all cells.

    A cell declares its gates and what feeds each, its states, and how pre-activations and old
    states become new states. The engines work out the rest. Parameters have torch.nn's names and
    layout: `weight_ih_l0` `(gates * H, F)` and `bias_ih_l0` hold, one below the other, the gates
    that the input feeds; `weight_hh_l0` and `bias_hh_l0` those that the hidden state feeds; each
    per-unit vector is a `(H,)` parameter of its own.

    A gate's pre-activation is `W x + b_ih` ("x"), `U h + b_hh` ("h") or their sum ("xh"). A tuple
    names other sources: ("x", "c") adds `weight_c_l0` times the old state c; a name that is
    neither x, h nor a state is a value that `prepare` computes from the gates that need none, as
    the published GRU's `r * h`.

    A cell that cannot be declared so (with three matrix products in a row, say) overrides `shapes`
    and `step` instead; it runs on the reference engine alone. Its shapes include a
    `weight_hh_l0` `(..., H)`, which tells the hidden size.

    All is declared by the class, or set before `Cell.__init__` where arguments decide; what only
    some arguments have (a keep gate) the class declares, and the others set to None.

    Attributes:
        gates: a gate's name to what feeds it: "x", "h" (the first state), "xh", or a tuple.
        states: names of the states, what a time step hands to the next.
        outputs: names of what the read-out and the next layer see, side by side: states, or values
            that `update` returns behind the new states. Where empty, the first state.
        vectors: names of per-unit parameters, `(H,)` each, handed to `update` last.
        keep_gate: the gate that keeps the old state, to which `keep_bias` is added; or None.
        input_gate: the gate that lets the new value in, where it is not the keep gate; or None.
        version: raised whenever the numbers that a cell gives change.
        added: arguments that the constructor got after results were stored. At its default, which
            stays for good, one is left out of a condition's id; those of base classes are, too.
    """

    gates: Mapping[str, str | tuple[str, ...]] = {}
    states: tuple[str, ...] = ("h",)
    outputs: tuple[str, ...] = ()
    vectors: tuple[str, ...] = ()
    keep_gate: str | None = None
    input_gate: str | None = None
    version: ClassVar[int] = 1
    added: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, init: Initialization = "torch", keep_bias: float = 0.0) -> None:
        """Check and keep the settings that every cell has.

        Args:
            init: how weights are drawn, see INITIALIZATIONS.
            keep_bias: added once to the keep gate's `bias_hh`, or `bias_ih` where the input alone
                feeds it (torch's default: 0); chrono draws that bias itself, nothing is added.

        Raises:
            ValueError: the initialisation is unknown or does not fit the cell.
        """
        known = [name for name in INITIALIZATIONS if self.can_start(name)]
        if init not in known:
            raise ValueError(f"init must be one of {', '.join(known)}, got {init}")
        if self.keep_gate is None and keep_bias:
            raise ValueError(f"keep_bias must be 0 without a keep gate, got {keep_bias}")
        self.init = init
        self.keep_bias = keep_bias

    def update(self, *arguments: Any) -> Any:
        """Compute the new state from gate pre-activations and old states, for a cell with gates.

        Return a tuple where there are several states, and behind them each output that is none.

        Args:
            arguments: pre-activations in the order of `gates`, old states in the order of
                `states`, what `prepare` has returned, in the order of `values`, then `vectors`;
                each `(..., B, H)`, vectors broadcastable to it.
        """
        raise NotImplementedError(f"{type(self).__name__} declares neither update nor step")

    def prepare(self, *arguments: Any) -> Mapping[str, Tensor]:
        """Compute by name the values that feed further gates, elementwise.

        Args:
            arguments: pre-activations of `early_gates`, old states, then `vectors`.
        """
        raise NotImplementedError(f"{type(self).__name__} declares no prepare")

    def derive(self, parameters: Parameters) -> Parameters:
        """Compute the parameters that the gates use, from those that are trained.

        A cell that trains others than `Cell.shapes` declares them by a `shapes` of its own. Called
        once a pass for each replica, differentiably.

        Args:
            parameters: of one replica, as `shapes` declares them.
        """
        return parameters

    def step(self, parameters: Parameters, inputs: Tensor, states: States) -> States:
        """Compute R replicas' states `(R, B, H)` after one time step, for a cell without gates.

        Args:
            parameters: as declared by `shapes`, each with a leading axis R.
            inputs: `(R, B, F)`.
            states: `(R, B, H)` each.
        """
        raise NotImplementedError(f"{type(self).__name__} is declared by its gates")

    def count_state(self, hidden_size: int, steps: int) -> int:
        """Return how many numbers of a sequence are kept after so many time steps."""
        return hidden_size * len(self.states)

    @property
    def written_in(self) -> type:
        """Return the class whose text tells what is computed."""
        return type(self)

    @property
    def declared(self) -> bool:
        """Return whether the cell is defined by gates and `update`, rather than by `step`."""
        return bool(self.gates)

    @property
    def output_names(self) -> tuple[str, ...]:
        """Return the names of what the read-out sees."""
        return self.outputs or self.states[:1]

    @property
    def results(self) -> tuple[str, ...]:
        """Return the names of what `update` returns: the states, then outputs that are none."""
        others = (name for name in self.output_names if name not in self.states)
        return (*self.states, *others)

    @property
    def output_places(self) -> list[int]:
        """Return which of `results` the read-out sees."""
        return [self.results.index(name) for name in self.output_names]

    @property
    def values(self) -> tuple[str, ...]:
        """Return the names of the values that `prepare` computes, in the order of the gates."""
        known = {"x", "h", *self.states}
        fed = (source for gate in self.gates for source in self.sources(gate))
        return tuple(dict.fromkeys(source for source in fed if source not in known))

    @property
    def early_gates(self) -> list[str]:
        """Return the gates that need no value of `prepare`, in order."""
        return [gate for gate in self.gates if not set(self.sources(gate)) & set(self.values)]

    def sources(self, gate: str) -> tuple[str, ...]:
        """Return what feeds a gate; the first state is "h", whatever its name."""
        fed = self.gates[gate]
        names = tuple(fed) if fed == "xh" or not isinstance(fed, str) else (fed,)
        return tuple("h" if name == self.states[0] else name for name in names)

    def gates_fed_by(self, source: str) -> list[str]:
        """Return the gates that a source feeds, in order."""
        return [gate for gate in self.gates if source in self.sources(gate)]

    def links(self) -> dict[str, list[str]]:
        """Return the gates fed by each source but the input: h, other states, then values."""
        fed = {name: self.gates_fed_by(name) for name in ("h", *self.states[1:], *self.values)}
        return {name: gates for name, gates in fed.items() if gates}

    def shapes(self, input_size: int, hidden_size: int) -> Shapes:
        """Return the shape of each parameter of one replica."""
        rows_x = len(self.gates_fed_by("x")) * hidden_size
        rows_h = len(self.gates_fed_by("h")) * hidden_size
        return {
            "weight_ih_l0": (rows_x, input_size),
            "weight_hh_l0": (rows_h, hidden_size),
            "bias_ih_l0": (rows_x,),
            "bias_hh_l0": (rows_h,),
            **{
                weight_of(source): (len(gates) * hidden_size, hidden_size)
                for source, gates in self.links().items()
                if source != "h"
            },
            **{f"{name}_l0": (hidden_size,) for name in self.vectors},
        }

    def initialize(self, parameters: Parameters, generator: Generator, *, gap: int) -> None:
        """Draw one replica's parameters in place, by `init`, from `generator` alone.

        Add `keep_bias` to the keep gate's bias, unless `init` is chrono.
        """
        INITIALIZATIONS[self.init](self, parameters, generator, gap)
        if self.keep_gate is not None and self.init != "chrono":
            self.start_bias(self.keep_gate, parameters).add_(self.keep_bias)

    @classmethod
    def can_start(cls, init: str) -> bool:
        """Return whether an initialisation fits the cell."""
        needs = {
            "chrono": cls.keep_gate is not None,
            "published": cls.published is not Cell.published,
        }
        return needs.get(init, True)

    def published(self, parameters: Parameters, generator: Generator, gap: int) -> None:
        """Draw one replica's parameters in place, as the cell's source does."""
        raise NotImplementedError(f"{type(self).__name__} has no start of its own")

    def start_bias(self, gate: str, parameters: Parameters) -> Tensor:
        """Return the view of the bias by which a gate starts open: of h, where it has a bias."""
        if "h" in self.sources(gate) and "bias_hh_l0" in parameters:
            return self.bias_of(gate, parameters["bias_hh_l0"], "h")
        return self.bias_of(gate, parameters["bias_ih_l0"], "x")

    def bias_of(self, gate: str, bias: Tensor, source: str) -> Tensor:
        """Return the view of one gate's rows in `bias_ih_l0` ("x") or `bias_hh_l0` ("h")."""
        gates = self.gates_fed_by(source)
        return bias.view(len(gates), -1)[gates.index(gate)]


def weight_of(source: str) -> str:
    """Return the name of the matrix from a source to the gates."""
    return {"x": "weight_ih_l0", "h": "weight_hh_l0"}.get(source, f"weight_{source}_l0")


def uniform_(tensor: Tensor, bound: float, generator: Generator) -> None:
    """Fill with U[-bound, bound], drawn in float32 whatever the tensor's type."""
    draw = torch.rand(tensor.shape, generator=generator, dtype=torch.float32)
    tensor.copy_((2 * draw - 1) * bound)


def normal_(tensor: Tensor, deviation: float, generator: Generator) -> None:
    """Fill with N(0, deviation), drawn in float32 whatever the tensor's type."""
    tensor.copy_(torch.randn(tensor.shape, generator=generator, dtype=torch.float32) * deviation)


def orthogonal_(matrix: Tensor, generator: Generator) -> None:
    """Fill with orthonormal rows or columns, whichever are fewer.

    Q of a Gaussian matrix's QR decomposition, its signs fixed by R's diagonal so that Q is uniform
    (Mezzadri, 2007, arXiv:math-ph/0609050).
    """
    few, many = sorted(matrix.shape)
    gaussian = torch.randn(many, few, generator=generator, dtype=torch.float32)
    q, r = torch.linalg.qr(gaussian.double())
    columns = (q * r.diagonal().sign()).float()
    matrix.copy_(columns if matrix.shape[0] == many else columns.T)


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

    The rest is torch's default.
    """
    torch_default(cell, parameters, generator, gap)
    size = _hidden_size(parameters)
    for name in dict.fromkeys(["weight_hh_l0", *map(weight_of, cell.links())]):
        for matrix in torch.split(parameters[name], size) if len(parameters[name]) else ():
            orthogonal_(matrix, generator)


def chrono(cell: Cell, parameters: Parameters, generator: Generator, gap: int) -> None:
    """Draw the keep gate's bias as log U[1, gap - 1] (Tallec & Ollivier, 2018, arXiv:1804.11188).

    The input gate, where there is one, gets the opposite bias; the other bias of both gates is 0.
    The paper's T_max is the declared gap. The rest is torch's default.
    """
    torch_default(cell, parameters, generator, gap)
    draw = torch.rand(_hidden_size(parameters), generator=generator, dtype=torch.float32)
    bias = (1 + draw * max(gap - 2, 0)).log()
    for gate, value in ((cell.keep_gate, bias), (cell.input_gate, -bias)):
        if gate is not None:
            if "x" in cell.sources(gate):
                cell.bias_of(gate, parameters["bias_ih_l0"], "x").zero_()
            cell.start_bias(gate, parameters).copy_(value)


def identity(cell: Cell, parameters: Parameters, generator: Generator, gap: int) -> None:
    """Draw each gate's recurrent matrix as the identity (Le et al., 2015, arXiv:1504.00941).

    Input weights are N(0, 0.001), a standard deviation; biases are 0; vectors torch's default.
    """
    torch_default(cell, parameters, generator, gap)
    size = _hidden_size(parameters)
    for name, tensor in parameters.items():
        if name.startswith("bias_"):
            tensor.zero_()
        elif name == "weight_ih_l0":
            normal_(tensor, 0.001, generator)
        elif name.startswith("weight_"):
            for block in torch.split(tensor, size) if len(tensor) else ():
                block.copy_(torch.eye(size))


def _hidden_size(parameters: Parameters) -> int:
    return parameters["weight_hh_l0"].shape[-1]


INITIALIZATIONS: dict[str, Callable[[Cell, Parameters, Generator, int], None]] = {
    "torch": torch_default,
    "glorot": glorot,
    "orthogonal": orthogonal,
    "identity": identity,
    "chrono": chrono,
    "published": lambda cell, *given: cell.published(*given),
}
