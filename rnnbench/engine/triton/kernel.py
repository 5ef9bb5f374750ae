"""Run a cell's Triton kernels, forward and backward, as one operation of autograd."""

from __future__ import annotations

import linecache
import os
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from rnnbench.cell import Cell, Parameters, States, weight_of
from rnnbench.engine.triton.emit import emit
from rnnbench.engine.triton.layout import Layout

STRICT = "strict"
# Triton's word for how the factors of a time step's products are rounded: not at all; to the 10
# bits of TF32; or each to a sum of two such, which is nearly as exact as float32.
PRECISIONS = {STRICT: "ieee", "tf32": "tf32", "tf32x3": "tf32x3"}
CHUNK = 16
# A processor has one program as a rule: it may have all registers of a thread.
LAUNCH = {"num_stages": 2, "enable_fp_fusion": True, "maxnreg": 255}
LEAST_ROWS, MOST_ROWS, TILE = 4, 32, 4096
PROCESSORS = 132  # of an H100 or H200: so many programs run at once
MOST = 2**31 - 1  # offsets within a replica are whole numbers of 32 bits


class Kernels:
    """Hold the two functions generated for a cell, and the layout of their arrays.

    Attributes:
        identity: the same for the same text and the same version of Triton.
    """

    def __init__(self, cell: Cell) -> None:
        self.layout = Layout(cell)
        text = emit(self.layout)
        used = Path(__file__).with_name("functions.py").read_text(encoding="utf-8")
        content = f"{text}{used}{version('triton')}"
        self.identity = sha256(content.encode()).hexdigest()[:32]
        name = f"<triton {type(cell).__name__} {self.identity}>"
        # Triton reads a function's text through linecache: no file need be written.
        linecache.cache[name] = len(text), None, text.splitlines(True), name
        module: dict[str, Any] = {"__name__": name}
        exec(compile(text, name, "exec"), module)
        self.forward, self.backward = module["forward"], module["backward"]


_kernels: WeakKeyDictionary[Cell, Kernels] = WeakKeyDictionary()


def kernels_of(cell: Cell) -> Kernels:
    """Return the kernels of a cell, written at its first use and kept as long as the cell is.

    Raises:
        ValueError: the cell cannot be written so.
    """
    if cell not in _kernels:
        _kernels[cell] = Kernels(cell)
    return _kernels[cell]


def interpreted() -> bool:
    """Return whether Triton runs kernels step by step on the CPU."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def check_triton(cell: Cell, device: str) -> None:
    """Check that the kernels of a cell can run on a device.

    Raises:
        ValueError: they cannot.
    """
    if device == "cpu" and not interpreted():
        raise ValueError("engine must be auto, reference, compiled or torch on cpu, got triton")
    if find_spec("triton") is None:
        rule = "must be auto, reference or torch without pip install 'rnnbench[triton]'"
        raise ValueError(f"engine {rule}, got triton")
    kernels_of(cell)


def run_triton(
    cell: Cell,
    parameters: Parameters,
    inputs: Tensor,
    states: States | None,
    last: int | None,
    precision: str = STRICT,
) -> tuple[Tensor, States]:
    """Run a cell's kernels; see `run_reference`.

    Args:
        precision: of the products of float32 at each time step, see `PRECISIONS`.

    Raises:
        ValueError: the cell cannot be written so, or a replica's arrays are too large.
    """
    kernels = kernels_of(cell)
    (replicas, steps, batch, _), size = inputs.shape, parameters["weight_hh_l0"].shape[-1]
    _check_offsets(kernels.layout, steps * batch * size)
    others = [parameters[weight_of(name)] for name in cell.links() if name != "h"]
    vectors = [parameters[f"{name}_l0"] for name in cell.vectors]
    nothing = inputs.new_empty(replicas, 0, size)
    zeros = inputs.new_zeros(len(cell.states), replicas, batch, size)
    arguments = (
        inputs,
        parameters["weight_ih_l0"],
        torch.cat([parameters["weight_hh_l0"], *others], 1),
        parameters["bias_ih_l0"],
        parameters["bias_hh_l0"],
        torch.stack(vectors, 1) if vectors else nothing,
        zeros if states is None else torch.stack(states),
    )
    keep = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in arguments)
    scored = steps if last is None else last
    options = _options(replicas, batch, size, inputs.dtype, precision)
    outputs, finals = _Recurrence.apply(kernels, options, scored, keep, *arguments)  # type: ignore[no-untyped-call]
    return outputs, finals.unbind(0)


def _check_offsets(layout: Layout, numbers: int) -> None:
    most = max(layout.sizes[name] for name in ("GATES", "SAVED", "OUTPUTS"))
    if numbers * most > MOST:
        rule = f"time steps * batch * hidden_size must be at most {MOST // most} on engine triton"
        raise ValueError(f"{rule}, got {numbers}")


def rows_for(replicas: int, batch: int, size: int) -> int:
    """Return how many sequences a program has: as few as let all programs run at once."""
    most = max(LEAST_ROWS, min(MOST_ROWS, TILE // units_for(size), _power(batch)))
    rows = LEAST_ROWS
    while rows < most and replicas * -(-batch // rows) > PROCESSORS:
        rows *= 2
    return rows


def warps_for(rows: int, size: int) -> int:
    """Return by how many warps a program is run; found by compiling, see docs/performance.md."""
    return 8 if rows >= 16 and units_for(size) >= 128 else 4


def units_for(size: int) -> int:
    """Return the number of units to which a product pads, a power of two."""
    return max(16, _power(size))


def _power(number: int) -> int:
    return 1 << (number - 1).bit_length()


def _options(
    replicas: int, batch: int, size: int, dtype: torch.dtype, precision: str
) -> dict[str, Any]:
    import triton.language as tl

    rows = rows_for(replicas, batch, size)
    options = {
        "H": size,
        "UNITS": units_for(size),
        "ROWS": rows,
        "CHUNK": CHUNK,
        "PRECISION": PRECISIONS[precision],  # of no effect on float64
        "DTYPE": {torch.float32: tl.float32, torch.float64: tl.float64}[dtype],
    }
    if interpreted():
        return options
    return options | LAUNCH | {"num_warps": warps_for(rows, size)}


class _Recurrence(torch.autograd.Function):
    """Wrap the kernels as one differentiable operation of torch."""

    @staticmethod
    def forward(
        ctx: Any,
        kernels: Kernels,
        options: dict[str, Any],
        scored: int,
        keep: bool,
        inputs: Tensor,
        weight_x: Tensor,
        weights: Tensor,
        bias_x: Tensor,
        *others: Tensor,
    ) -> tuple[Tensor, Tensor]:
        layout, (replicas, steps, batch, _) = kernels.layout, inputs.shape
        inputs, size = inputs.contiguous(), weights.shape[-1]
        # One replica's biases may lie anywhere in its row of parameters. Of an address that is no
        # multiple of 16 bytes Triton would compile another kernel, which no trial has run.
        bias_h = others[0].clone(memory_format=torch.contiguous_format)
        vectors, initial = (tensor.contiguous() for tensor in others[1:])
        squares = weights.contiguous().view(replicas, -1, size, size)
        biases = _by_gate(bias_h, layout.cell.gates_fed_by("h"), layout.fed_by("h"))
        gates = inputs.new_empty(replicas, steps, batch, len(layout.order), size)
        _project(layout, gates, inputs, weight_x, bias_x, biases)
        saved = inputs.new_empty(replicas, steps if keep else 0, batch, len(layout.saved), size)
        states = inputs.new_empty(len(layout.row), replicas, steps + 1, batch, size)
        grid = (replicas, -(-batch // options["ROWS"]))
        arrays = (gates, saved, squares.mT.contiguous(), vectors, states, biases, initial)
        kernels.forward[grid](*arrays, replicas, steps, batch, KEEP=keep, **options)
        ctx.kernels, ctx.options, ctx.scored, ctx.grid = kernels, options, scored, grid
        ctx.arrays = (inputs, weight_x, squares, vectors, gates, saved, states)
        seen = [states[row, :, steps + 1 - scored :] for row in layout.cell.output_places]
        outputs = seen[0] if len(seen) == 1 else torch.cat(seen, -1)
        return outputs, states[: len(initial), :, -1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_finals: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight_x, squares, vectors, gates, saved, states = ctx.arrays
        layout, (replicas, steps, batch, _) = ctx.kernels.layout, inputs.shape
        d_states = d_finals.clone(memory_format=torch.contiguous_format)
        d_vectors = inputs.new_empty(replicas, batch, *vectors.shape[1:])
        arrays = (gates, saved, squares, vectors, states, d_outputs.contiguous(), d_states)
        ctx.kernels.backward[ctx.grid](
            *arrays, d_vectors, replicas, steps, batch, ctx.scored, **ctx.options
        )
        d_gates = gates.flatten(1, 2).flatten(2)
        d_x, d_h = (_columns(layout, d_gates, source) for source in "xh")
        d_inputs = None
        if ctx.needs_input_grad[4]:
            in_memory = _by_gate(weight_x, layout.cell.gates_fed_by("x"), layout.fed_by("x"))
            d_inputs = torch.bmm(d_x, in_memory).view(inputs.shape)
        return (
            *(None, None, None, None),
            d_inputs,
            _declared(layout, torch.bmm(d_x.mT, inputs.flatten(1, 2)), "x"),
            _d_weights(layout, d_gates, states),
            _declared(layout, d_x.sum(1), "x"),
            _declared(layout, d_h.sum(1), "h"),
            d_vectors.sum(1),
            d_states,
        )


def _project(
    layout: Layout,
    gates: Tensor,
    inputs: Tensor,
    weight_x: Tensor,
    bias_x: Tensor,
    biases: Tensor,
) -> None:
    """Write what the input adds to its gates, for all time steps at once, with both biases.

    Args:
        biases: those of h, in the order of memory; the first belong to gates that h alone feeds.
    """
    declared, in_memory = layout.cell.gates_fed_by("x"), layout.fed_by("x")
    if declared:
        weight, bias = (_by_gate(each, declared, in_memory) for each in (weight_x, bias_x))
        from_both = biases[:, len(layout.fed_by_h_alone) * gates.shape[-1] :]
        bias = bias + pad(from_both, (0, bias.shape[1] - from_both.shape[1]))
        into = _columns(layout, gates.view(len(gates), -1, gates[0, 0, 0].numel()), "x")
        torch.baddbmm(bias[:, None], inputs.flatten(1, 2), weight.mT, out=into)


def _d_weights(layout: Layout, d_gates: Tensor, states: Tensor) -> Tensor | None:
    """Return the gradient of all square matrices, by one product a source over T * B."""
    found = []
    for source in layout.cell.links():
        # A value is of the same time step, a state of the one before.
        own = states[layout.row[source]]
        read = own[:, 1:] if source in layout.cell.values else own[:, :-1]
        product = torch.bmm(_columns(layout, d_gates, source).mT, read.flatten(1, 2))
        found.append(_declared(layout, product, source))
    return torch.cat(found, 1) if found else None


def _columns(layout: Layout, by_place: Tensor, source: str) -> Tensor:
    """Return of `(R, N, GATES * H)` the gates that a source feeds: a view where they lie together.

    Those of x and of h always do.
    """
    size = by_place.shape[-1] // len(layout.order)
    blocks = by_place.view(*by_place.shape[:2], len(layout.order), size)
    places = [layout.place[gate] for gate in layout.fed_by(source)]
    start = places[0] if places else 0
    together = places == list(range(start, start + len(places)))
    own = blocks[:, :, start : start + len(places)] if together else blocks[:, :, places]
    return own.flatten(2)


def _declared(layout: Layout, rows: Tensor, source: str) -> Tensor:
    """Put what belongs to the gates of a source, in the order of memory, in that of the cell."""
    return _by_gate(rows, layout.fed_by(source), layout.cell.gates_fed_by(source))


def _by_gate(rows: Tensor, have: Sequence[str], wanted: Sequence[str]) -> Tensor:
    """Put the gates of `(R, gates * H, ...)` in another order."""
    if list(have) == list(wanted):
        return rows
    blocks = rows.view(len(rows), len(have), rows.shape[1] // len(have), *rows.shape[2:])
    return blocks[:, [have.index(gate) for gate in wanted]].flatten(1, 2)
