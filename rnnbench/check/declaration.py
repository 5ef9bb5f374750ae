"""Check what a cell declares: its parts, the shapes it gives, its size, and how it starts."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from rnnbench.cell import INITIALIZATIONS, Cell
from rnnbench.cells.sequence import SequenceCell
from rnnbench.check import Failure, Measured, Subject
from rnnbench.check.problem import INPUT_SIZE, make_problem, run
from rnnbench.engine import get_engine
from rnnbench.training.streams import INITIALIZATION, stream

SIZES: tuple[dict[str, Any], ...] = (
    {"replicas": 1, "batch": 1, "steps": 1},
    {"replicas": 2, "batch": 3, "steps": 4},
)
GAP = 20  # at which initial values are drawn
KEEP_BIAS = 2.5


def check_declaration(subject: Subject) -> Measured:
    """Check gates, states, vectors and the signature of `update` or `step`; nothing is run."""
    cell = subject.build()
    if isinstance(cell, SequenceCell):
        return _check_sequence(cell, subject.hidden_size)
    if not hasattr(cell, "init"):
        raise Failure(f"{type(cell).__name__}.__init__ must call super().__init__(init=init)")
    _check_names("states", cell.states)
    if not isinstance(cell.gates, Mapping):
        raise Failure(f"gates must map each gate to x, h, xh or a tuple, got {cell.gates!r}")
    if not cell.states:
        raise Failure("states must name at least one state, got none")
    _check_names("outputs", cell.outputs)
    own_step = type(cell).step is not Cell.step
    if cell.gates and own_step:
        raise Failure("a cell must have either gates or a step of its own, got both")
    if not cell.gates and not own_step:
        raise Failure("a cell must have gates and update, or a step of its own, got neither")
    if own_step:
        return _check_step(cell, subject.hidden_size)
    _check_names("gates", tuple(cell.gates))
    _check_names("vectors", cell.vectors)
    for gate in cell.gates:
        _check_sources(cell, gate)
    for role in ("keep_gate", "input_gate"):
        _check_role(cell, role)
    _check_update(cell)
    parts = {"gates": cell.gates, "states": cell.states, "outputs": cell.outputs}
    parts |= {"values": cell.values, "vectors": cell.vectors}
    told = [f"{what} {', '.join(names)}" for what, names in parts.items() if names]
    return Measured("; ".join(told))


def _check_sequence(cell: SequenceCell, hidden_size: int) -> Measured:
    shapes = cell.shapes(INPUT_SIZE, hidden_size)
    kept = [cell.count_state(hidden_size, steps) for steps in (1, 100)]
    if not all(type(count) is int and count >= 0 for count in kept):
        raise Failure(f"count_state must return a whole number, got {kept}")
    return Measured(f"whole sequences; {kept[1]} values kept of 100; {', '.join(shapes)}")


def _check_names(what: str, names: Any) -> None:
    if not isinstance(names, tuple | list):
        raise Failure(f"{what} must be a tuple of names, got {names!r}")
    for name in names:
        if not (isinstance(name, str) and name.isidentifier()):
            raise Failure(f"{what} must be names, got {name!r}")
    if len(set(names)) < len(names):
        raise Failure(f"{what} must have different names, got {', '.join(names)}")


def _check_sources(cell: Cell, gate: str) -> None:
    """Check what feeds a gate: x, h, xh, or different names, of states and values of `prepare`."""
    fed = cell.gates[gate]
    if isinstance(fed, str) and fed not in ("x", "h", "xh") or not fed:
        raise Failure(f"gate {gate} must be fed by x, h or xh, or a tuple of names, got {fed!r}")
    _check_names(f"sources of gate {gate}", cell.sources(gate))
    if "h" in cell.states[1:] and "h" in fed:
        raise Failure(
            f"h must be the first state, which it names in gate {gate}, got {cell.states}"
        )
    if cell.values and type(cell).prepare is Cell.prepare:
        found = ", ".join(cell.values)
        raise Failure(f"gates must be fed by x, h, states or what prepare computes, got {found}")


def _check_role(cell: Cell, role: str) -> None:
    gate = getattr(cell, role)
    if gate is None:
        return
    fed = [name for name in cell.gates if {"x", "h"} & set(cell.sources(name))]
    if gate not in fed:
        known = ", ".join(fed) or "none"
        raise Failure(f"{role} must be a gate that x or h feeds ({known}), got {gate!r}")


def _check_update(cell: Cell) -> None:
    """Check that `update` and `prepare` take what is declared, in its order."""
    if type(cell).update is Cell.update:
        raise Failure("a cell with gates must have update, got none")
    arguments = [*cell.gates, *cell.states, *cell.values, *cell.vectors]
    _check_names("gates, states, values and vectors", arguments)
    _check_order("update", cell.update, arguments)
    if cell.values:
        _check_order("prepare", cell.prepare, [*cell.early_gates, *cell.states, *cell.vectors])


def _check_order(name: str, method: Callable[..., Any], declared: list[str]) -> None:
    given = list(_bind(name, method, declared).parameters)
    if set(given) == set(declared) and given != declared:
        order = ", ".join(declared)
        raise Failure(f"{name} must take gates, states, vectors in order: {order}, got {given}")


def _bind(name: str, method: Callable[..., Any], arguments: list[str]) -> inspect.Signature:
    """Return the signature of a method; fail unless it takes so many arguments."""
    signature = inspect.signature(method)
    try:
        signature.bind(*arguments)
    except TypeError as error:
        wanted = ", ".join(arguments)
        raise Failure(f"{name} must take ({wanted}), got {signature}: {error}") from error
    return signature


def _check_step(cell: Cell, hidden_size: int) -> Measured:
    if type(cell).shapes is Cell.shapes:
        raise Failure("a cell with a step of its own must declare its shapes, got none")
    shapes = cell.shapes(INPUT_SIZE, hidden_size)
    recurrent = shapes.get("weight_hh_l0", ())
    if not recurrent or recurrent[-1] != hidden_size:
        rule = f"have a weight_hh_l0 (..., {hidden_size}), which tells the hidden size"
        raise Failure(f"shapes must {rule}, got {recurrent or 'none'}")
    _bind("step", cell.step, ["parameters", "inputs", "states"])
    return Measured(f"a step of its own; states {', '.join(cell.states)}; {', '.join(shapes)}")


def check_shapes(subject: Subject) -> Measured:
    """Check shapes and types of one update, and of whole sequences, in float32 and float64."""
    cell, size = subject.build(), subject.hidden_size
    for dtype in (torch.float32, torch.float64):
        if cell.states:
            _check_states(cell, step_once(cell, size, dtype), size, dtype)
        for sizes in SIZES:
            problem = make_problem(cell, hidden=size, dtype=dtype, **sizes)
            with torch.no_grad():
                outputs, finals = get_engine("reference")(cell, *problem, 1)
            state = (sizes["replicas"], sizes["batch"], size)
            width = size * len(cell.output_names)
            _expect("outputs", outputs, (state[0], 1, state[1], width), dtype)
            for name, final in zip(cell.states, finals, strict=True):
                _expect(f"state {name}", final, state, dtype)
    return Measured(f"({size},) per state and sequence, float32 and float64")


def arguments_of_update(cell: Cell, size: int, dtype: torch.dtype) -> list[Tensor]:
    """Return random arguments of `update`: vectors `(2, 1, H)`, all others `(2, 3, H)`."""
    generator = torch.Generator().manual_seed(0)
    count = len(cell.gates) + len(cell.states) + len(cell.values)
    shapes = [(2, 3, size)] * count + [(2, 1, size)] * len(cell.vectors)
    return [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]


def step_once(cell: Cell, size: int, dtype: torch.dtype) -> object:
    """Return what one `update` or `step` returns, as it is."""
    with torch.no_grad():
        if cell.declared:
            return cell.update(*arguments_of_update(cell, size, dtype))
        problem = make_problem(cell, hidden=size, features=INPUT_SIZE, dtype=dtype)
        return cell.step(problem.parameters, problem.inputs[:, 0], problem.states)


def _check_states(cell: Cell, new: object, size: int, dtype: torch.dtype) -> None:
    method = "update" if cell.declared else "step"
    names = ", ".join(cell.results)
    several = len(cell.results) > 1 or not cell.declared
    if several and not isinstance(new, tuple):
        raise Failure(f"{method} must return a tuple ({names},), got {type(new).__name__}")
    states = new if isinstance(new, tuple) else (new,)
    if len(states) != len(cell.results):
        rule = f"return {len(cell.results)} states ({names})"
        raise Failure(f"{method} must {rule}, got {len(states)}")
    for name, state in zip(cell.results, states, strict=True):
        _expect(f"{method}'s state {name}", state, (2, 3, size), dtype)


def _expect(what: str, found: object, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if not isinstance(found, Tensor):
        raise Failure(f"{what} must be a tensor, got {type(found).__name__}")
    if tuple(found.shape) != shape:
        raise Failure(f"{what} must have shape {shape}, got {tuple(found.shape)}")
    if found.dtype != dtype:
        raise Failure(f"{what} must be {dtype} where all that goes in is, got {found.dtype}")


def check_size(subject: Subject) -> Measured:
    """Check that parameters and states have as many numbers as the declaration says."""
    cell, size = subject.build(), subject.hidden_size
    shapes = cell.shapes(INPUT_SIZE, size)
    count = sum(map(math.prod, shapes.values()))
    # Each gate has a matrix for each of its sources, and a bias for x and for h.
    declared = len(cell.gates_fed_by("x")) * size * (INPUT_SIZE + 1) + len(cell.vectors) * size
    declared += len(cell.gates_fed_by("h")) * size * (size + 1)
    others = [gates for source, gates in cell.links().items() if source != "h"]
    declared += sum(map(len, others)) * size * size
    if cell.declared and type(cell).derive is Cell.derive and count != declared:
        wanted = f"{declared}, as gates and vectors make"
        raise Failure(f"parameters must be {wanted}, got {count} in shapes", count)
    _, *finals = run(cell, make_problem(cell, hidden=size))
    carried = sum(state[0, 0].numel() for state in finals)
    if carried != size * len(cell.states):
        rule = f"{size * len(cell.states)} values, {size} for each of {len(cell.states)}"
        raise Failure(f"states must carry {rule}, got {carried}", carried)
    return Measured(f"{count} parameters for {INPUT_SIZE} inputs, {carried} values of state", count)


def check_start(subject: Subject) -> Measured:
    """Check that initial values are finite and depend on the seed alone, and check keep_bias."""
    inits = _initializations(subject)
    for name, cell in inits.items():
        first, again, other = (draw(cell, subject.hidden_size, seed) for seed in (0, 0, 1))
        for parameter, drawn in first.items():
            if not bool(drawn.isfinite().all()):
                raise Failure(f"initial values must be finite, got others in {parameter} ({name})")
            if not torch.equal(drawn, again[parameter]):
                rule = "initial values must depend on the seed alone"
                raise Failure(f"{rule}, got others in {parameter} at a second draw ({name})")
        if all(torch.equal(drawn, other[key]) for key, drawn in first.items()):
            raise Failure(f"seeds must draw different initial values, got the same ({name})")
    _check_keep_bias(subject)
    return Measured(f"by seed alone: {', '.join(inits)}")


def draw(cell: Cell, size: int, seed: int = 0, gap: int = GAP) -> dict[str, Tensor]:
    """Return the initial parameters of one replica, drawn over NaN so that a gap shows.

    Torch's global generator moves on at every call, so that a cell which draws from it gives
    other values at a second call.
    """
    shapes = cell.shapes(INPUT_SIZE, size)
    parameters = {name: torch.full(shape, torch.nan) for name, shape in shapes.items()}
    torch.rand(7)
    cell.initialize(parameters, stream(INITIALIZATION, seed), gap=gap)
    return parameters


def _initializations(subject: Subject) -> dict[str, Cell]:
    """Return a cell for each initialisation that its constructor takes."""
    if not subject.takes("init"):
        return {subject.build().init: subject.build()}
    cells = {}
    for name in INITIALIZATIONS:
        try:
            cells[name] = subject.build(init=name)
        except ValueError:  # the cell has no such start, and says so
            continue
    return cells


def _check_keep_bias(subject: Subject) -> None:
    """Check that keep_bias is added once, to the keep gate's bias and to nothing else."""
    gate = subject.build().keep_gate
    if gate is None or not (subject.takes("keep_bias") and subject.takes("init")):
        return
    plain, helped = (subject.build(init="torch", keep_bias=bias) for bias in (0.0, KEEP_BIAS))
    start, moved = draw(plain, subject.hidden_size), draw(helped, subject.hidden_size)
    expected = {name: tensor.clone() for name, tensor in start.items()}
    plain.start_bias(gate, expected).add_(KEEP_BIAS)
    for name, tensor in moved.items():
        if not torch.allclose(tensor, expected[name]):
            rule = f"keep_bias must be added once to the bias of gate {gate}"
            raise Failure(f"{rule}, got {name} otherwise")
