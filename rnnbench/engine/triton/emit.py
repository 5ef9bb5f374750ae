"""Write a cell as two Triton kernels: one walks forward over all time steps, one walks back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from torch.fx import Node

from rnnbench.engine.operations import written
from rnnbench.engine.trace import Trace
from rnnbench.engine.triton.language import triton
from rnnbench.engine.triton.layout import Layout
from rnnbench.engine.triton.template import KERNELS, PLACES


def emit(layout: Layout) -> str:
    """Write a cell's kernels, `forward` and `backward`, as the text of a module.

    Raises:
        ValueError: the cell has an operation for which there is no text.
    """
    blocks = {
        "places": PLACES.split("\n")[1:-1],
        "load_vectors": _load_vectors(layout),
        **_forward(layout),
        **_forward_products(layout),
        **_backward(layout),
        **_backward_products(layout),
    }
    lines = []
    for line in KERNELS.splitlines():
        word, indent = line.strip(), line[: len(line) - len(line.lstrip())]
        lines += [indent + each for each in blocks.get(word[1:-1], [word])]
    text = "\n".join(lines) + "\n"
    for name, number in layout.sizes.items():
        text = text.replace(f"{{{name}}}", str(number))
    return text


def _load_vectors(layout: Layout) -> list[str]:
    """Return the lines that load vectors, and compute once what follows from them alone."""
    stages = {"u": layout.update} | ({"p": layout.prepare} if layout.prepare else {})
    # Broadcast, as an update may return one.
    load = "tl.broadcast_to(tl.load(vectors_p + {} * H, mask=real, other=0.0)[None, :], {})"
    names = [f"vector{i}" for i in range(len(layout.cell.vectors))]
    return [
        *(f"{name} = {load.format(i, '(ROWS, UNITS)')}" for i, name in enumerate(names)),
        *(line for stage, t in stages.items() for line in _bind(stage, t.vectors, names)),
        *_written("u", layout.update.fixed),
    ]


def _forward(layout: Layout) -> dict[str, list[str]]:
    """Return the blocks of the kernel that walks forward, but for the products."""
    cell, place, row, update = layout.cell, layout.place, layout.row, layout.update
    states, prepare = range(len(cell.states)), []
    if layout.prepare is not None:
        prepare += _bind("p", layout.prepare.gates, _numbered("gate", cell.early_gates, place))
        prepare += [*_arguments("p", layout.prepare), *_written("p", layout.prepare.forward)]
        for i, (name, node) in enumerate(zip(cell.values, layout.prepare.results, strict=True)):
            prepare.append(f"value{i} = p_{node}")
            prepare.append(_store(_state(row[name], "step + 1"), f"value{i}"))
    results = [f"u_{node}" for node in update.results]
    return {
        "load_biases": [
            f"bias{place[gate]} = tl.load(biases_p + {i} * H, mask=real, other=0.0)[None, :]"
            for i, gate in enumerate(layout.fed_by_h_alone)
        ],
        "load_initial": [
            *(_load(f"old{i}", _at("initial_p", i)) for i in states),
            *(_store(_state(i, "0"), f"old{i}") for i in states),
        ],
        "load_inputs": [
            _load(f"input{place[gate]}", f"gate_at + {place[gate]} * H")
            for gate in layout.fed_by("x")
        ],
        "early_gates": [_gate(layout, gate) for gate in cell.early_gates],
        "prepare": prepare,
        "late_gates": [_gate(layout, gate) for gate in layout.late],
        "update": [
            *_bind("u", update.gates, _numbered("gate", cell.gates, place)),
            *_arguments("u", update),
            *_written("u", update.forward),
        ],
        "store_saved": [_store(f"saved_at + {i} * H", name) for i, name in enumerate(layout.saved)],
        "store_results": [
            *(_store(_state(i, "step + 1"), name) for i, name in enumerate(results)),
            *(f"old{i} = {results[i]}" for i in states),
        ],
    }


def _forward_products(layout: Layout) -> dict[str, list[str]]:
    """Return what states and values add to gates, to what these have of the input or so far."""
    place, row, values = layout.place, layout.row, layout.cell.values
    from_x = {place[gate] for gate in layout.fed_by("x")}
    blocks, started = {}, set[int]()
    for block, stage, step in (("early", False, "step"), ("late", True, "step + 1")):
        links = [
            (i, row[source], place[gate])
            for i, (source, gate) in enumerate(layout.links)
            if (source in values) == stage
        ]
        sums = {to for _, _, to in links} - started
        started |= sums
        blocks[f"{block}_products"] = _products(
            {f"sum{to}": f"input{to}" if to in from_x else "zero" for to in sorted(sums)},
            {f"left{source}": _state(source, step, "first") for _, source, _ in links},
            [(i, f"left{source}", f"sum{to}") for i, source, to in links],
        )
    return blocks


def _backward(layout: Layout) -> dict[str, list[str]]:
    """Return the blocks of the kernel that walks back, but for the products."""
    cell, place, row, update = layout.cell, layout.place, layout.row, layout.update
    states, results = range(len(cell.states)), range(len(cell.results))
    vectors = range(len(cell.vectors))
    stores = {
        gate: _store(f"gate_at + {place[gate]} * H", f"d_gate{place[gate]}") for gate in cell.gates
    }
    d_gates = zip(_numbered("d_gate", cell.gates, place), update.d_gates, strict=True)
    return {
        "load_d_states": [
            *(_load(f"d_old{i}", _at("d_states_p", i)) for i in states),
            *(f"d_vector{i} = zero" for i in vectors),
        ],
        "start_d_results": [
            f"d_result{i} = {f'd_old{i}' if i in states else 'zero'}" for i in results
        ],
        "add_d_outputs": [
            f"d_result{i} += tl.load(seen_at + {n} * H, mask=mine, other=0.0)"
            for n, i in enumerate(cell.output_places)
        ],
        "load_saved": [_load(name, f"saved_at + {i} * H") for i, name in enumerate(layout.saved)],
        "load_results": [
            *(_load(f"old{i}", _state(i, "step")) for i in states),
            *(_load(f"u_{x}", _state(i, "step + 1")) for i, x in enumerate(update.results)),
            *(
                _load(f"value{i}", _state(row[name], "step + 1"))
                for i, name in enumerate(cell.values)
            ),
        ],
        "back_through_update": [
            *_arguments("u", update),
            *_bind("u", update.d_results, [f"d_result{i}" for i in results]),
            *_written("u", update.backward),
            *(f"{name} = u_{node}" for name, node in d_gates),
            *(stores[gate] for gate in layout.late),
        ],
        "back_through_prepare": [
            *_back_through_prepare(layout),
            *(stores[gate] for gate in cell.early_gates),
        ],
        "add_gradients": _add_gradients(layout),
        "store_gradients": [
            *(_store(_at("d_states_p", i), f"d_old{i}") for i in states),
            *(_store(f"d_vectors_p + {i} * H", f"d_vector{i}") for i in vectors),
        ],
    }


def _back_through_prepare(layout: Layout) -> list[str]:
    """Return the lines that add to the gradients of the early gates what comes by the values."""
    cell, update, prepare = layout.cell, layout.update, layout.prepare
    if prepare is None:
        return []
    from_gates = [f"back{layout.row[name]}" for name in cell.values]
    d_values = zip(prepare.d_results, update.d_values, from_gates, strict=True)
    d_gates = zip(_numbered("d_gate", cell.early_gates, layout.place), prepare.d_gates, strict=True)
    return [
        *(f"p_{node} = value{i}" for i, node in enumerate(prepare.results)),
        *(f"p_{node} = u_{own} + {back}" for node, own, back in d_values),
        *_arguments("p", prepare),
        *_written("p", prepare.backward),
        *(f"{name} += p_{node}" for name, node in d_gates),
    ]


def _add_gradients(layout: Layout) -> list[str]:
    """Return the lines that add up the gradients of old states, and of vectors over time."""
    update, prepare = layout.update, layout.prepare
    d_states = [[f"u_{node}"] for node in update.d_states]
    d_vectors = [[f"u_{node}"] for node in update.d_vectors]
    if prepare is not None:
        for terms, node in zip(d_states, prepare.d_states, strict=True):
            terms.append(f"p_{node}")
        for terms, node in zip(d_vectors, prepare.d_vectors, strict=True):
            terms.append(f"p_{node}")
    for i, name in enumerate(["h", *layout.cell.states[1:]]):
        if name in layout.cell.links():
            d_states[i].append(f"back{i}")
    return [
        *(f"d_old{i} = {' + '.join(terms)}" for i, terms in enumerate(d_states)),
        *(f"d_vector{i} += {' + '.join(terms)}" for i, terms in enumerate(d_vectors)),
    ]


def _backward_products(layout: Layout) -> dict[str, list[str]]:
    """Return what the gradients of gates add to those of values, then to those of states."""
    values, step = layout.cell.values, "gates_p + step * batch * {GATES} * H + first * {GATES}"
    blocks = {}
    for block, stage in (("early", False), ("late", True)):
        links = [
            (i, layout.row[source], layout.place[gate])
            for i, (source, gate) in enumerate(layout.links)
            if (source in values) == stage
        ]
        blocks[f"{block}_back_products"] = _products(
            {f"back{to}": "zero" for to in sorted({to for _, to, _ in links})},
            {f"left{gate}": f"{step} + {gate} * H" for _, _, gate in links},
            [(i, f"left{gate}", f"back{to}") for i, to, gate in links],
        )
    return blocks


def _products(
    sums: Mapping[str, str], lefts: Mapping[str, str], links: Sequence[tuple[int, str, str]]
) -> list[str]:
    """Return the lines that multiply left factors with matrices and add up, a chunk at a time.

    Args:
        sums: what each sum that starts here starts from, by its name.
        lefts: where each left factor starts, by its name.
        links: the number of a matrix, its left factor, and the sum that the product goes to.
    """
    if not links:
        return []
    lines = [
        "tl.debug_barrier()  # the left factors have been written",
        *(f"{name} = {start}" for name, start in sums.items()),
        "for start in range(0, H, CHUNK):",
        "    k = start + chunk",
        "    inside = (row < batch)[:, None] & (k < H)[None, :]",
        "    square = (k < H)[:, None] & real[None, :]",
        *(
            f"    {name} = tl.load({at} + k[None, :], mask=inside, other=0.0)"
            for name, at in lefts.items()
        ),
    ]
    for number, left, into in links:
        at = f"weights_p + {number} * H * H + k[:, None] * H + unit[None, :]"
        load = f'tl.load({at}, mask=square, other=0.0, cache_modifier=".ca")'
        product = f"tl.dot({left}, matrix, {into}, input_precision=PRECISION, out_dtype=DTYPE)"
        lines += [f"    matrix = {load}", f"    {into} = {product}"]
    return lines


def _gate(layout: Layout, gate: str) -> str:
    place = layout.place[gate]
    fed_by_x_alone = set(layout.cell.sources(gate)) == {"x"}
    bias = f" + bias{place}" if gate in layout.fed_by_h_alone else ""
    return f"gate{place} = {'input' if fed_by_x_alone else 'sum'}{place}{bias}"


def _arguments(stage: str, t: Trace) -> list[str]:
    """Return the lines that name old states and values as the trace does."""
    groups = (("old", t.states), ("value", t.values))
    return [f"{stage}_{x} = {word}{i}" for word, nodes in groups for i, x in enumerate(nodes)]


def _written(stage: str, nodes: Sequence[Node]) -> list[str]:
    return [f"{stage}_{node} = {text}" for node, text in written(nodes, triton(stage))]


def _bind(stage: str, nodes: Sequence[Node], names: Sequence[str]) -> list[str]:
    return [f"{stage}_{node} = {name}" for node, name in zip(nodes, names, strict=True)]


def _numbered(word: str, gates: Iterable[str], place: Mapping[str, int]) -> list[str]:
    return [f"{word}{place[gate]}" for gate in gates]


def _state(row: int, step: str, to: str = "place") -> str:
    return f"states_p + (({row} * replicas + replica) * (steps + 1) + {step}) * batch * H + {to}"


def _at(pointer: str, state: int) -> str:
    return f"{pointer} + ({state} * replicas + replica) * batch * H + place"


def _load(name: str, at: str) -> str:
    return f"{name} = tl.load({at}, mask=mine, other=0.0)"


def _store(at: str, value: str) -> str:
    return f"tl.store({at}, {value}, mask=mine)"
