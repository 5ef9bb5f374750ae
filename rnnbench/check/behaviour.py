"""Check how a cell behaves when it is run: alone, step by step, for long, and in training."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import torch
from torch import Tensor

from rnnbench.cell import Cell, weight_of
from rnnbench.check import Failure, Measured, NotApplicable, Subject
from rnnbench.check.declaration import arguments_of_update, draw
from rnnbench.check.problem import INPUT_SIZE, Problem, difference, make_problem, run
from rnnbench.engine import get_engine
from rnnbench.experiment.class_path import find_class
from rnnbench.experiment.condition import Replica
from rnnbench.task import Task
from rnnbench.training.recipe import Recipe
from rnnbench.training.trainer import Trainer

# Stepping: the greatest difference, in float64.
STEPPING_BOUND = 1e-12
# Endurance: time steps of noise, and what no state may exceed.
STEPS_OF_NOISE, STATE_BOUND = 1000, 1e6
# Learning: a very small recall, and the score to be reached (chance is 0, all right is 1).
TASK = "tasks.delayed_recall.DelayedRecall"
ARGUMENTS = {"gap": 3, "alphabet_size": 4, "distractors": "blank"}
SEEDS, RATES, TRAINING_STEPS, LEAST_SCORE = range(3), (3e-3, 1e-2), 300, 0.25


def check_purity(subject: Subject) -> Measured:
    """Check that one update or step changes none of its arguments in place."""
    cell = _with_states(subject)
    given = _run_declared(cell, subject) if cell.declared else _run_step(cell, subject)
    for name, (tensor, before) in given.items():
        if not torch.equal(tensor, before):
            method = "update" if cell.declared else "step"
            raise Failure(f"{method} must leave {name} as it is, got it changed in place")
    return Measured(f"{len(given)} arguments as they were")


def _with_states(subject: Subject) -> Cell:
    """Build the cell; the check does not apply where it reads sequences as a whole."""
    cell = subject.build()
    if not cell.states:
        raise NotApplicable("a cell that reads whole sequences has no time step")
    return cell


def _run_declared(cell: Cell, subject: Subject) -> dict[str, tuple[Tensor, Tensor]]:
    arguments = arguments_of_update(cell, subject.hidden_size, torch.float64)
    before = [tensor.clone() for tensor in arguments]
    cell.update(*arguments)
    names = [*cell.gates, *cell.states, *cell.values, *cell.vectors]
    return dict(zip(names, zip(arguments, before, strict=True), strict=True))


def _run_step(cell: Cell, subject: Subject) -> dict[str, tuple[Tensor, Tensor]]:
    problem = make_problem(cell, hidden=subject.hidden_size)
    given = {name: tensor.detach() for name, tensor in problem.leaves().items()}
    before = {name: tensor.clone() for name, tensor in given.items()}
    parameters = {name: given[name] for name in problem.parameters}
    states = tuple(given[f"initial state {index}"] for index in range(len(problem.states)))
    cell.step(parameters, given["inputs"][:, 0], states)
    return {name: (given[name], before[name]) for name in given}


def check_determinism(subject: Subject) -> Measured:
    """Check that a second run, and a second cell built alike, give the same bits.

    A cell that draws random numbers while it runs, or keeps something beside its declared states,
    does not.
    """
    cell = subject.build()
    problem = make_problem(cell, hidden=subject.hidden_size)
    first = run(cell, problem)
    torch.rand(7)
    for what, other in (("run", cell), ("cell built alike", subject.build())):
        again = run(other, problem)
        if not all(map(torch.equal, first, again)):
            cause = "random numbers, or a memory beside its states"
            raise Failure(f"a second {what} must give the same numbers, got others: {cause}?")
    return Measured("bitwise the same in 3 runs")


def check_causality(subject: Subject) -> Measured:
    """Change the inputs from each time step on, and check that no earlier output changes."""
    cell = subject.build()
    problem = make_problem(cell, hidden=subject.hidden_size)
    outputs = run(cell, problem)[0]
    steps = problem.inputs.shape[1]
    for step in range(1, steps):
        inputs = problem.inputs.detach().clone()
        inputs[:, step:] += 1
        changed = run(cell, problem._replace(inputs=inputs))[0]
        if not torch.equal(changed[:, :step], outputs[:, :step]):
            moved = (changed[:, :step] - outputs[:, :step]).abs().amax((0, 2, 3)).nonzero()
            early = int(moved[0])
            text = f"got time step {early} changed by {step}"
            raise Failure(f"an output must not depend on later inputs, {text}")
    return Measured(f"{steps - 1} changes of later inputs, no output moved", 0.0)


def check_stepping(subject: Subject) -> Measured:
    """Check that calls of one time step each give what one call of all time steps gives."""
    cell = _with_states(subject)
    problem = make_problem(cell, hidden=subject.hidden_size)
    outputs, *finals = run(cell, problem)
    states, stepped = problem.states, []
    for x in problem.inputs.unbind(1):
        alone = x[:, None].detach().clone()
        output, *new = run(cell, problem._replace(inputs=alone, states=states))
        states = tuple(new)
        stepped.append(output[:, 0])
    pairs = [(torch.stack(stepped, 1), outputs), *zip(states, finals, strict=True)]
    found = max(difference(own, whole) for own, whole in pairs)
    if not found <= STEPPING_BOUND:
        rule = f"be the whole sequence, to {STEPPING_BOUND:g}"
        raise Failure(f"time steps one after the other must {rule}, got {found:.1e} apart", found)
    return Measured(f"{found:.1e} apart", found)


def check_batch(subject: Subject) -> Measured:
    """Change all other sequences and their states, and check that a sequence's results stay."""
    cell = subject.build()
    problem = make_problem(cell, hidden=subject.hidden_size)
    before = run(cell, problem)
    batch = problem.inputs.shape[2]
    for own in range(batch):
        others = torch.arange(batch) != own
        inputs = problem.inputs.detach().clone()
        inputs[:, :, others] += 1
        states = tuple(state.detach().clone() for state in problem.states)
        for state in states:
            state[:, others] += 1
        after = run(cell, problem._replace(inputs=inputs, states=states))
        pairs = zip(before, after, strict=True)
        if not all(torch.equal(a.select(-2, own), b.select(-2, own)) for a, b in pairs):
            raise Failure(f"a sequence must not depend on the others, got sequence {own} changed")
    return Measured(f"{batch} sequences, none moved by the others", 0.0)


def check_use(subject: Subject) -> Measured:
    """Change each state and each part of a parameter, and check that the outputs change."""
    cell = subject.build()
    problem = make_problem(cell, hidden=subject.hidden_size)
    outputs = run(cell, problem)[0]
    changes = dict(_changes(cell, problem, subject.hidden_size))
    unused = [what for what, new in changes.items() if torch.equal(run(cell, new)[0], outputs)]
    if unused:
        raise Failure(f"all that is declared must be used, got no use of {', '.join(unused)}")
    return Measured(f"{len(changes)} states and parts of parameters, all used")


def _changes(cell: Cell, problem: Problem, size: int) -> Iterator[tuple[str, Problem]]:
    """Yield for each state and part of a parameter its name, and the problem with it changed."""
    for index, name in enumerate(cell.states):
        states = list(problem.states)
        states[index] = states[index].detach() + 1
        yield f"state {name}", problem._replace(states=tuple(states))
    for name, tensor in problem.parameters.items():
        for part, rows in _parts(cell, name, tensor.shape[1], size):
            changed = tensor.detach().clone()
            changed[:, rows] += 1
            parameters = {**problem.parameters, name: changed}
            yield part, problem._replace(parameters=parameters)


def _parts(cell: Cell, name: str, rows: int, size: int) -> Iterator[tuple[str, slice]]:
    """Yield a name and the rows of each gate in a parameter; all rows where gates share none."""
    source = {"bias_ih_l0": "x", "bias_hh_l0": "h"}
    source |= {weight_of(name): name for name in ("x", *cell.links())}
    gates = cell.gates_fed_by(source[name]) if cell.declared and name in source else []
    if len(gates) * size != rows:  # a cell with `derive` may train another form of it, or none
        gates = []
    if rows and not gates:
        yield name, slice(None)
    for index, gate in enumerate(gates):
        yield f"gate {gate} ({name})", slice(index * size, (index + 1) * size)


def check_endurance(subject: Subject) -> Measured:
    """Run an untrained cell over normal noise, in float32, and check that its states stay small."""
    cell, size = _with_states(subject), subject.hidden_size
    drawn = draw(cell, size, gap=STEPS_OF_NOISE)
    parameters = {name: tensor[None] for name, tensor in drawn.items()}
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, STEPS_OF_NOISE, 4, INPUT_SIZE, generator=generator)
    states = tuple(torch.zeros(1, 4, size) for _ in cell.states)
    most = 0.0
    with torch.no_grad():
        for step, x in enumerate(noise.unbind(1)):
            _, states = get_engine("reference")(cell, parameters, x[:, None], states, None)
            for name, state in zip(cell.states, states, strict=True):
                reached = float(state.abs().max())
                if not reached <= STATE_BOUND:
                    rule = f"stay below {STATE_BOUND:g} over {STEPS_OF_NOISE} time steps of noise"
                    found = f"got {reached:g} in {name} at {step}"
                    raise Failure(f"states must {rule}, {found}", reached)
                most = max(most, reached)
    return Measured(f"at most {most:.2g} over {STEPS_OF_NOISE} time steps of noise", most)


def check_learning(subject: Subject) -> Measured:
    """Train on a very small recall; the median seed at the better of two rates must beat chance."""
    task: Task = find_class(TASK, Task, "task")(**ARGUMENTS)
    recipe = Recipe(
        hidden_size=subject.hidden_size,
        steps=TRAINING_STEPS,
        batch_size=32,
        clip_norm=1.0,
        eval_every=100,
        eval_size=512,
    )
    replicas = [Replica(seed, rate) for rate in RATES for seed in SEEDS]
    scores: dict[float | None, list[float]] = {}
    for outcomes in Trainer(task, subject.build(), recipe, replicas).run():
        for outcome in outcomes:
            scores.setdefault(outcome.state.replica.lr, []).append(outcome.score)
    best = max(median(own) for own in scores.values())
    chance, accuracy = task.chance.accuracy, _accuracy(task, best)
    text = f"accuracy {accuracy:.2f}, the median of {len(SEEDS)} seeds"
    text += f", after {TRAINING_STEPS} steps"
    least = f"{_accuracy(task, LEAST_SCORE):.2f} (chance {chance:.2f})"
    if not best >= LEAST_SCORE:
        raise Failure(f"recall over {task.gap} time steps must reach {least}, got {text}", accuracy)
    return Measured(f"{text}; it must reach {least}", accuracy)


def _accuracy(task: Task, score: float) -> float:
    """Return the accuracy at a chance-corrected score."""
    return task.chance.accuracy + score * (1 - task.chance.accuracy)
