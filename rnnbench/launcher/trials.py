"""Keep an engine from a job until it has proven itself on the job's device.

What must prove itself is told by `rnnbench.check.gate`. It is tried once before the training, in a
worker process, as a kernel may end its process or hang; the verdict is then remembered.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Any

from rnnbench.experiment.sweep import Job
from rnnbench.launcher.backends import ENDS, CannotRun, overdue_message
from rnnbench.store.settings import digest

if TYPE_CHECKING:
    from rnnbench.check.gate import Trial

AUTO = "auto"
TRIAL_SECONDS = 120.0  # most of it to compile
# Runs `try_engine` on jobs, and notifies of their ends.
Run = Callable[[Sequence[Job], Callable[[int, str, Any], None]], object]


def check_here(engine: str, job: Job) -> None:
    """Check that there is such an engine, and that it can run a job; nothing is computed.

    Raises:
        ValueError: it cannot.
    """
    from rnnbench.engine import check_engine, get_engine

    get_engine(engine)
    check_engine(engine, job.condition.build_cell(), job.device)


def check_usable(engine: str, job: Job) -> None:
    """Check that an engine can run a job, and is proven on this process's device.

    One that was never tried is tried now. Where `auto` chose it, all of the machine must be proven.

    Raises:
        ValueError: it cannot, or nothing or something else is proven; one line.
    """
    from rnnbench.check.gate import is_gated

    check_here(engine, job)
    if is_gated(engine, job.device):
        reason = next(filter(None, _objections(engine, job)), None)
        if reason is not None:
            raise ValueError(f"{engine} {reason}")


def _objections(engine: str, job: Job) -> Iterator[str | None]:
    """Yield what speaks against an engine, or None, proof by proof."""
    from rnnbench.check.verdicts import proof_lacks, verdict_on

    if job.condition.engine == AUTO:
        yield proof_lacks(engine, job.device)
    yield from map(verdict_on, trials_of(engine, job))


def trials_of(engine: str, job: Job) -> list[Trial]:
    """Return the trials that a job asks of an engine: by stack, and by size of a layer's inputs."""
    from rnnbench.check.gate import Trial
    from rnnbench.layers import Layers

    condition = job.condition
    cell, hidden = condition.build_cell(), condition.model["hidden_size"]
    layers, features = Layers.of(condition.model), condition.build_task().input_size
    return [
        Trial(
            engine,
            cell,
            replicas=replicas,
            batch=batch,
            hidden=hidden,
            features=size,
            device=job.device,
            dtype=condition.dtype,
            precision=condition.model.get("precision", "strict"),
        )
        for size in dict.fromkeys(layers.input_sizes(cell, features, hidden))
        for replicas, batch in _stacks(engine, job)
    ]


def _stacks(engine: str, job: Job) -> Iterable[tuple[int, int]]:
    """Return replicas and batch of the job's own stack, and of a stack for each other kernel.

    An engine's kernel may be compiled anew for smaller stacks, which are left when replicas leave
    or memory is too small, for evaluations and for levels of a tree. Of those that share one, the
    least proves it.
    """
    from rnnbench.engine import tile_of

    hidden, most = job.condition.model["hidden_size"], len(job.replicas)
    own = (most, job.condition.trainer["batch_size"])
    others = itertools.product(range(1, most + 1), sorted(_batches(job)))
    found = {tile_of(engine, *own, hidden): own}
    for stack in sorted(others, key=math.prod):
        found.setdefault(tile_of(engine, *stack, hidden), stack)
    return found.values()


def _batches(job: Job) -> set[int]:
    """Return all numbers of sequences that a cell reads at once in training and evaluations."""
    from rnnbench.layers import Layers
    from rnnbench.training.data import chunk_sizes, possible_gaps

    condition, task = job.condition, job.condition.build_task()
    layers = Layers.of(condition.model)
    scheduled = layers.is_tree and condition.gap_schedule != "fixed"
    tasks = [task.at_gap(gap) for gap in possible_gaps(task)] if scheduled else [task]
    nodes = {node for each in tasks for node in layers.nodes(each.sequence_length)}
    sequences = [condition.trainer["batch_size"], *chunk_sizes(condition.trainer["eval_size"])]
    return {node * number for node in nodes for number in sequences}


def try_engine(job: Job, report: Callable[[Any], None], stop: Event) -> str | None:
    """Try a job's engine, and return what speaks against it, or None; `report` what is tried."""
    from rnnbench.check.verdicts import identity_of

    report([identity_of(trial) for trial in trials_of(job.engine, job)])
    return next(filter(None, _objections(job.engine, job)), None)


def prove(jobs: Iterable[Job], engines: Iterable[str], run: Run) -> None:
    """Try each engine that must prove itself before jobs may come to it; remember the verdicts.

    Args:
        engines: from which `auto` chooses.
        run: where to try them, with a limit of TRIAL_SECONDS for each.

    Raises:
        CannotRun: something speaks against an engine that is asked for by its name; one line.
    """
    asked = _asked(jobs, engines)
    if not asked:
        return
    for job, reason in zip(asked, _try(asked, run), strict=True):
        if reason is not None and job.condition.engine != AUTO:
            rule = f"engine must be auto or reference for {job.condition.cell['name']} here"
            raise CannotRun(f"{rule}, got {job.engine}, which {reason}")


def _asked(jobs: Iterable[Job], engines: Iterable[str]) -> list[Job]:
    """Return the jobs, each with an engine to try; those that ask for the same trials once."""
    from rnnbench.check.gate import STARTS, is_gated
    from rnnbench.engine import ENGINES

    found: dict[str, Job] = {}
    for job in jobs:
        cell = {key: value for key, value in job.condition.cell.items() if key not in STARTS}
        for engine in engines if job.engine == AUTO else [job.engine]:
            if engine in ENGINES and is_gated(engine, job.device) and _runs(engine, job):
                sizes = [list(trial)[2:] for trial in trials_of(engine, job)]
                key = digest([engine, sizes, cell, job.condition.engine])
                found.setdefault(key, replace(job, engine=engine))
    return list(found.values())


def _runs(engine: str, job: Job) -> bool:
    try:
        check_here(engine, job)
    except ValueError:
        return False
    return True


def _try(jobs: Sequence[Job], run: Run) -> list[str | None]:
    """Return what speaks against each job's engine.

    A verdict that a process did not live to give is remembered here.
    """
    found: list[str | None] = [None] * len(jobs)
    tried: dict[int, list[str]] = {}

    def notify(index: int, kind: str, value: Any) -> None:
        if kind == "progress":
            tried[index] = value
        elif kind in ENDS:
            found[index] = value if kind == "done" else _cause(kind, value)
        if kind == "died" and "SIGKILL" not in value:  # which tells nothing of the engine
            _remember(tried.get(index, []), found[index])

    try:
        run(jobs, notify)
    except CannotRun as error:  # a script that repeats its call in each worker
        return [f"cannot be tried: {error}"] * len(jobs)
    return found


def _cause(kind: str, value: str) -> str:
    if kind == "error":
        return f"cannot be tried: {value}"
    overdue = value == overdue_message(TRIAL_SECONDS)
    return f"does not end in {TRIAL_SECONDS:.0f} s" if overdue else f"fails: {value}"


def _remember(identities: Iterable[str], reason: str | None) -> None:
    from rnnbench.check.verdicts import recall, remember

    for identity in identities:
        if recall(identity) is None:  # the trials before it in the same process have a verdict
            remember(identity, reason)
