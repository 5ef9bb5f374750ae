"""Run any cell in plain torch with autograd, and say what every engine must do.

A replica's numbers are bitwise the same alone and in any stack (on one machine, in one thread).
Plain batched tensors do not give this. A matrix product may round differently where a replica does
not start on a 64-byte boundary, where its rows lie apart, or where a factor has one column (MKL
picks its method by processor, address, shape and number of matrices); and sigmoid takes another
path for the last elements of a tensor whose size is not a multiple of 32. Hidden units are
therefore padded to a multiple of `PADDING`, by copies of units that are there: `update` is a
number for them wherever it is one for the cell, which zeros would not grant (1 / v), and a NaN in
the padding would reach all units through the products. Nothing reads a copy and its gradient is
zero. Inputs of which any of this holds, and all of a cell with a step of its own, are multiplied
replica by replica, from aligned copies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import pad

from rnnbench.cell import Cell, Parameters, States, weight_of
from rnnbench.cells.sequence import SequenceCell

PADDING = 32
BOUNDARY = 64  # bytes


# What runs a cell over whole sequences, for a stack of replicas, differentiably.
Engine = Callable[[Cell, Parameters, Tensor, States | None, int | None], tuple[Tensor, States]]


def run_reference(
    cell: Cell, parameters: Parameters, inputs: Tensor, states: States | None, last: int | None
) -> tuple[Tensor, States]:
    """Run a cell time step by time step.

    Args:
        cell: gives gates and update, or step.
        parameters: as `cell.shapes` declares them, each with a leading axis R.
        inputs: `(R, T, B, F)`.
        states: `(R, B, H)` each; zeros where None.
        last: return the outputs of the last so many time steps only; all where None.

    Returns:
        Outputs `(R, last, B, H * outputs)`, and the final states.
    """
    if isinstance(cell, SequenceCell):
        return _run_whole(cell, parameters, inputs, last), ()
    size = parameters["weight_hh_l0"].shape[-1]
    if states is None:
        states = tuple(inputs.new_zeros(len(inputs), inputs.shape[2], size) for _ in cell.states)
    run = _run_declared if cell.declared else _run_steps
    outputs, states = run(cell, parameters, inputs, states)
    keep = outputs if last is None else outputs[len(outputs) - last :]
    by_name = [torch.stack(each, 1)[..., :size] for each in zip(*keep, strict=True)]
    together = by_name[0] if len(by_name) == 1 else torch.cat(by_name, -1)
    return together, tuple(state[..., :size] for state in states)


def _run_whole(
    cell: SequenceCell, parameters: Parameters, inputs: Tensor, last: int | None
) -> Tensor:
    """Run a cell that reads whole sequences on one replica after the other."""
    outputs = []
    for replica, x in enumerate(inputs.unbind(0)):
        own = {name: value[replica].clone() for name, value in parameters.items()}
        outputs.append(cell.run(own, x.clone()))
    whole = torch.stack(outputs)
    return whole if last is None else whole[:, whole.shape[1] - last :]


def _run_steps(
    cell: Cell, parameters: Parameters, inputs: Tensor, states: States
) -> tuple[list[States], States]:
    """Run a cell's own step on one replica after the other: its products may have any shape."""
    runs = []
    for replica, x in enumerate(inputs.unbind(0)):
        own = {name: value[replica, None].clone() for name, value in parameters.items()}
        begin = tuple(state[replica, None].clone() for state in states)
        runs.append(_run_step(cell, own, x[None].clone(), begin))
    by_step, finals = (zip(*each, strict=True) for each in zip(*runs, strict=True))
    outputs = [tuple(map(torch.cat, zip(*each, strict=True))) for each in by_step]
    return outputs, tuple(map(torch.cat, finals))


def _run_step(
    cell: Cell, parameters: Parameters, inputs: Tensor, states: States
) -> tuple[list[States], States]:
    outputs, places = [], cell.output_places
    for x in inputs.unbind(1):
        new = cell.step(parameters, x, states)
        states = new[: len(cell.states)]
        outputs.append(tuple(new[place] for place in places))
    return outputs, states


def _run_declared(
    cell: Cell, parameters: Parameters, inputs: Tensor, states: States
) -> tuple[list[States], States]:
    size = states[0].shape[-1]
    padded = -(-size // PADDING) * PADDING
    states = tuple(_fill(state, -1, padded) for state in states)
    vectors = [_fill(parameters[f"{v}_l0"], -1, padded)[:, None] for v in cell.vectors]
    recurrent, from_h, from_x = _project(cell, parameters, inputs, size, padded)
    links = _links(cell, parameters, size, padded)
    outputs, places, values = [], cell.output_places, States()
    names_x, names_h, early = _without_h(cell), cell.gates_fed_by("h"), cell.early_gates
    prepared, results = cell.values, cell.results  # worked out once, not at every time step
    for h_part, x_part in zip(from_h, from_x, strict=True):
        gates = dict(zip(names_x, x_part, strict=True))
        if names_h:
            fed = torch.split(torch.baddbmm(h_part, states[0], recurrent), padded, -1)
            gates.update(zip(names_h, fed, strict=True))
        if links:
            _feed(gates, links, cell.states[1:], states[1:])
        if prepared:
            values = run_prepare(cell, *(gates[name] for name in early), *states, *vectors)
            _feed(gates, links, prepared, values)
        new = cell.update(*(gates[name] for name in cell.gates), *states, *values, *vectors)
        new = new if isinstance(new, tuple) else (new,)
        if len(new) != len(results):
            raise ValueError(f"update must return {', '.join(results)}, got {len(new)} values")
        states = new[: len(states)]
        outputs.append(tuple(new[place] for place in places))
    return outputs, states


def run_prepare(cell: Cell, *arguments: Tensor) -> States:
    """Return the values that `prepare` computes, in the order of `cell.values`.

    Raises:
        ValueError: one is missing.
    """
    found = cell.prepare(*arguments)
    if not isinstance(found, Mapping):
        raise ValueError(f"prepare must return values by name, got {type(found).__name__}")
    if absent := [name for name in cell.values if name not in found]:
        raise ValueError(f"prepare must return {', '.join(absent)}, got {', '.join(found)}")
    return tuple(found[name] for name in cell.values)


def _links(
    cell: Cell, parameters: Parameters, size: int, padded: int
) -> dict[str, tuple[list[str], Tensor]]:
    """Return for each source beside x and h the gates it feeds, and its matrix `(R, Hp, N)`."""
    links = {}
    for source, gates in cell.links().items():
        if source != "h":
            blocks = _by_gate(gates, parameters[weight_of(source)], size, padded).values()
            links[source] = gates, pad(torch.cat([*blocks], 1), (0, padded - size)).transpose(1, 2)
    return links


def _feed(
    gates: dict[str, Tensor],
    links: Mapping[str, tuple[list[str], Tensor]],
    names: tuple[str, ...],
    sources: States,
) -> None:
    """Add to gates what sources `(R, B, Hp)` feed to them."""
    for name, source in zip(names, sources, strict=True):
        if name in links:
            fed, matrix = links[name]
            parts = torch.split(torch.bmm(source, matrix), source.shape[-1], -1)
            for gate, part in zip(fed, parts, strict=True):
                gates[gate] = gates[gate] + part if gate in gates else part


def _project(
    cell: Cell, parameters: Parameters, inputs: Tensor, size: int, padded: int
) -> tuple[Tensor, tuple[Tensor, ...], list[tuple[Tensor, ...]]]:
    """Compute what the input adds to each gate, for all time steps at once.

    Returns:
        The recurrent weights `(R, Hp, gates * Hp)`; for each time step what the input adds to the
        gates fed by the hidden state `(R, B, gates * Hp)`; and for each time step the gates fed by
        the input but not by it `(R, B, Hp)`.
    """
    rows_x, rows_h = cell.gates_fed_by("x"), cell.gates_fed_by("h")
    weight_x = _by_gate(rows_x, parameters["weight_ih_l0"], size, padded)
    weight_h = _by_gate(rows_h, parameters["weight_hh_l0"], size, padded)
    bias_x = _by_gate(rows_x, parameters["bias_ih_l0"][..., None], size, padded)
    bias_h = _by_gate(rows_h, parameters["bias_hh_l0"][..., None], size, padded)
    nothing = inputs.new_zeros(len(inputs), padded, inputs.shape[-1])
    # Empty, where the hidden state reaches the gates through vectors alone.
    weight = torch.cat([nothing[:, :0], *(weight_x.get(gate, nothing) for gate in rows_h)], 1)
    biases = [bias_h[gate] + bias_x[gate] if gate in bias_x else bias_h[gate] for gate in rows_h]
    bias = torch.cat([nothing[:, :0, :1], *biases], 1)
    empty = weight.new_zeros(len(inputs), 0, size)
    square = torch.cat([empty, *(weight_h[gate] for gate in rows_h)], 1)
    recurrent = pad(square, (0, padded - size))
    from_h = _affine(inputs, weight, bias).unbind(1)
    alone = [_affine(inputs, weight_x[gate], bias_x[gate]).unbind(1) for gate in _without_h(cell)]
    from_x = list(zip(*alone, strict=True)) or [()] * len(from_h)
    return recurrent.transpose(1, 2), from_h, from_x


def _without_h(cell: Cell) -> list[str]:
    """Return the gates that the input feeds, but not the hidden state."""
    return [name for name in cell.gates_fed_by("x") if "h" not in cell.sources(name)]


def _by_gate(gates: list[str], rows: Tensor, size: int, padded: int) -> dict[str, Tensor]:
    """Split `(R, gates * H, N)` into one `(R, Hp, N)` per gate."""
    blocks = torch.split(rows, size, 1) if gates else ()
    return {gate: _fill(block, 1, padded) for gate, block in zip(gates, blocks, strict=True)}


def _fill(units: Tensor, axis: int, padded: int) -> Tensor:
    """Repeat hidden units along an axis, without their gradients, up to a padded number."""
    size = units.shape[axis]
    if size == padded:
        return units.clone()
    again = torch.arange(size, padded, device=units.device) % size
    return torch.cat([units, units.detach().index_select(axis, again)], axis)


def _affine(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Map `(R, T, B, F)` to `(R, T, B, N)` with each replica's own weight and bias.

    Replicas that would start off a boundary, or have one feature, are copied and multiplied one by
    one.
    """
    _, length, batch, features = inputs.shape
    if features > 1 and length * batch * features * inputs.itemsize % BOUNDARY == 0:
        return _multiply(inputs, weight, bias)
    own = zip(*(torch.split(each, 1) for each in (inputs, weight, bias)), strict=True)
    plain = torch.contiguous_format
    return torch.cat([_multiply(x.clone(memory_format=plain), w, b) for x, w, b in own])


def _multiply(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    replicas, length, batch, features = inputs.shape
    flat = inputs.reshape(replicas, length * batch, features)
    product = torch.baddbmm(bias.transpose(1, 2), flat, weight.transpose(1, 2))
    return product.view(replicas, length, batch, -1)
