"""The LSTM family: long short-term memory with one part left out, changed or added."""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor, sigmoid, tanh

from rnnbench.cell import Cell, Initialization

Variant = Literal[
    "no_input_gate",
    "no_forget_gate",
    "no_output_gate",
    "no_input_activation",
    "no_output_activation",
    "coupled",
    "peepholes",
    "full_gate_recurrence",
    "state_to_output",
]
LEFT_OUT = {
    "no_input_gate": "i",
    "no_forget_gate": "f",
    "no_output_gate": "o",
    "coupled": "i",
}


class LSTMVariant(Cell):
    """Variants of the LSTM (Greff et al., 2017, arXiv:1503.04069; one of others).

        i = sigmoid(W_i x + U_i h)          g = tanh(W_g x + U_g h)
        f = sigmoid(W_f x + U_f h)          c' = f * c + i * g
        o = sigmoid(W_o x + U_o h)          h' = o * tanh(c')

    no_input_gate: i = 1; no_forget_gate: f = 1; no_output_gate: o = 1; no_input_activation:
    g = W_g x + U_g h; no_output_activation: h' = o * c'; coupled: i = 1 - f (the paper's f = 1 - i
    is the same function); peepholes: the sigmoids of i and f also get p_i * c and p_f * c, that of
    o p_o * c'; full_gate_recurrence: each gate also gets a matrix times each gate's old activation,
    three states more; state_to_output: o also gets V c', a full matrix (Arjovsky et al., 2016,
    arXiv:1511.06464, in their code).

    Here the start is `lstm`'s: without peepholes. The paper starts from the LSTM with them, which
    all its variants but one then have.

    States: h (B, H), c (B, H); under full_gate_recurrence also the three old gates (B, H).
    """

    states: tuple[str, ...] = ("h", "c")
    keep_gate: str | None = "f"
    input_gate: str | None = "i"

    def __init__(
        self,
        *,
        variant: Variant = "coupled",
        init: Initialization = "torch",
        keep_bias: float = 1.0,
    ) -> None:
        """Declare the variant's gates, states and vectors.

        Args:
            variant: what is changed.
            init: how weights are drawn; chrono needs a forget gate.
            keep_bias: added to the forget gate's bias, where there is one.
        """
        if variant not in get_args(Variant):
            known = ", ".join(get_args(Variant))
            raise ValueError(f"variant must be one of {known}, got {variant}")
        if variant == "no_forget_gate" and init == "chrono":
            raise ValueError("init must be another than chrono without a forget gate, got chrono")
        self.variant = variant
        sigmoids = [gate for gate in "ifo" if gate != LEFT_OUT.get(variant)]
        self.gates = {gate: "xh" for gate in "ifgo" if gate in (*sigmoids, "g")}
        if variant == "full_gate_recurrence":
            old = tuple(f"old_{gate}" for gate in sigmoids)
            self.gates |= dict.fromkeys(sigmoids, ("x", "h", *old))
            self.states = ("h", "c", *old)
        if variant == "peepholes":
            self.vectors = tuple(f"p_{gate}" for gate in sigmoids)
        if variant == "state_to_output":
            self.gates["o"] = ("x", "h", "new_c")
        self.keep_gate = "f" if "f" in sigmoids else None
        self.input_gate = "i" if "i" in sigmoids else None
        super().__init__(init=init, keep_bias=keep_bias if self.keep_gate else 0.0)

    def prepare(self, i: Tensor, f: Tensor, g: Tensor, h: Tensor, c: Tensor) -> dict[str, Tensor]:
        return {"new_c": sigmoid(f) * c + sigmoid(i) * tanh(g)}

    def update(self, *arguments: Tensor) -> tuple[Tensor | float, ...]:
        names = (*self.gates, *self.states, *self.values, *self.vectors)
        given = dict(zip(names, arguments, strict=True))
        f, i = self._gate("f", given, given["c"]), self._gate("i", given, given["c"])
        i = 1 - f if self.variant == "coupled" else i
        g = given["g"] if self.variant == "no_input_activation" else tanh(given["g"])
        c = given["new_c"] if self.values else f * given["c"] + i * g
        o = self._gate("o", given, c)
        h = o * (c if self.variant == "no_output_activation" else tanh(c))
        return (h, c, i, f, o)[: len(self.states)]

    def _gate(self, name: str, given: dict[str, Tensor], c: Tensor) -> Tensor | float:
        """Return a gate's activation, open where the variant lacks it."""
        if name not in self.gates:
            return 1.0
        return sigmoid(given[name] + given[f"p_{name}"] * c if self.vectors else given[name])
