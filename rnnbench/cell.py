"""What a recurrent cell is: a declaration of gates and states, and an elementwise update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from rnnbench.initialization import INITIALIZATIONS, Initialization

if TYPE_CHECKING:
    from torch import Generator, Tensor

Shapes = dict[str, tuple[int, ...]]


class Cell:
    """Base class of all cells.

    A cell declares which gates it has and what feeds each, which states it carries, and how
    pre-activations and old states become new states. The engines derive the rest. Parameters
    have torch.nn's names and layout: gates fed by the input stack, in order, to `weight_ih_l0`
    `(gates * H, F)` and `bias_ih_l0`; gates fed by the hidden state to `weight_hh_l0` and
    `bias_hh_l0`; each per-unit vector is a `(H,)` parameter of its own.

    A gate's pre-activation is `W x + b_ih` ("x"), `U h + b_hh` ("h") or their sum ("xh").

    A cell that does not fit (two matrix products in a row, say) overrides `shapes` and `step`
    instead of declaring gates; it runs on the reference engine alone. Its shapes include a
    `weight_hh_l0` `(..., H)`, which tells the hidden size.

    Attributes:
        gates: a gate's name to what feeds it: "x", "h" or "xh".
        states: names of the states; the first is the output h.
        vectors: names of per-unit parameters, `(H,)` each, handed to `update` last.
        keep_gate: the gate that keeps the old state, to which `keep_bias` is added; or None.
        input_gate: the gate that lets the new value in, where it is not the keep gate; or None.
        version: raised whenever the numbers that a cell gives change.
    """

    gates: ClassVar[Mapping[str, str]] = {}
    states: ClassVar[tuple[str, ...]] = ("h",)
    vectors: ClassVar[tuple[str, ...]] = ()
    keep_gate: ClassVar[str | None] = None
    input_gate: ClassVar[str | None] = None
    version: ClassVar[int] = 1

    def __init__(self, *, init: Initialization = "torch", keep_bias: float = 0.0) -> None:
        """Check and keep the settings that every cell has.

        Args:
            init: how weights are drawn, see `rnnbench.initialization`.
            keep_bias: added once to `bias_hh` of the keep gate; 0 is torch's default. Chrono
                draws that bias itself, and nothing is added.

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
        """Return the new state (a tuple where there are several).

        Args:
            arguments: pre-activations in the order of `gates`, old states in the order of
                `states`, then `vectors`; each `(..., B, H)`, vectors broadcastable to it.
        """
        raise NotImplementedError(f"{type(self).__name__} declares neither update nor step")

    def step(
        self, parameters: Mapping[str, Tensor], inputs: Tensor, states: tuple[Tensor, ...]
    ) -> tuple[Tensor, ...]:
        """Advance one time step; for cells whose recurrence cannot be declared.

        Args:
            parameters: as declared by `shapes`, each with a leading axis R.
            inputs: `(R, B, F)`.
            states: `(R, B, H)` each.

        Returns:
            The new states.
        """
        raise NotImplementedError(f"{type(self).__name__} is declared by its gates")

    @property
    def declared(self) -> bool:
        """Return whether gates and `update` define the cell, rather than `step`."""
        return bool(self.gates)

    def fed_by(self, source: str) -> list[str]:
        """Return the gates that the input ("x") or the hidden state ("h") feeds, in order."""
        return [name for name, sources in self.gates.items() if source in sources]

    def shapes(self, input_size: int, hidden_size: int) -> Shapes:
        """Return the shape of each parameter of one replica."""
        rows_x = len(self.fed_by("x")) * hidden_size
        rows_h = len(self.fed_by("h")) * hidden_size
        return {
            "weight_ih_l0": (rows_x, input_size),
            "weight_hh_l0": (rows_h, hidden_size),
            "bias_ih_l0": (rows_x,),
            "bias_hh_l0": (rows_h,),
            **{f"{name}_l0": (hidden_size,) for name in self.vectors},
        }

    def initialize(
        self, parameters: Mapping[str, Tensor], generator: Generator, *, gap: int
    ) -> None:
        """Fill the parameters of one replica in place; drawn from `generator` alone."""
        INITIALIZATIONS[self.init](self, parameters, generator, gap)
        if self.keep_gate is not None and self.init != "chrono":
            self.bias_of(self.keep_gate, parameters["bias_hh_l0"], "h").add_(self.keep_bias)

    def bias_of(self, gate: str, bias: Tensor, source: str) -> Tensor:
        """Return the view of one gate's rows in `bias_ih_l0` ("x") or `bias_hh_l0` ("h")."""
        gates = self.fed_by(source)
        return bias.view(len(gates), -1)[gates.index(gate)]
