"""Share this machine's GPUs among workers: by memory, and by what they train together.

Workers of one GPU take turns on it: while one draws data or looks at its losses, another computes.
How much that brings is measured before the first training of a kind, and remembered for it on this
machine, in the user's cache (`shares`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple

from rnnbench.console import say
from rnnbench.experiment.limits import STEPS, STEPS_PER_BLOCK
from rnnbench.experiment.sweep import Job
from rnnbench.launcher.backends import ENDS, overdue_message
from rnnbench.launcher.engines import key_of
from rnnbench.store.files import private_directory, read_object, write_atomically
from rnnbench.store.rules import AT_LEAST_0
from rnnbench.store.settings import digest

if TYPE_CHECKING:
    from rnnbench.training.trainer import Outcome, Trainer

COUNTS = (1, 2, 4)  # of workers on one GPU
RATES = dict.fromkeys(map(str, COUNTS), AT_LEAST_0)  # in a file
NEARLY = 0.95  # of the best rate, with which fewer workers do
WINDOW = 2.0  # seconds for which so many train
MEET_SECONDS = 20.0  # that one waits for the others to be ready
POLL_SECONDS = 0.02
SHARE_SECONDS = 40.0  # that a process may take for all of it
# Numbers that training keeps for a unit, sequence and time step, by gate and state: the reference
# engine kept 1 to 3 of a dozen cells (counted by torch's hooks), and the backward pass adds some.
KEPT = 3
CONTEXT = 2**30  # bytes of CUDA itself, its libraries and kernels, of each process
PLANNED = 0.8  # of a GPU's memory


def stack_bytes(job: Job) -> int:
    """Estimate the memory of a job's training step and of a block of its data."""
    from rnnbench.layers import Layers

    condition, model = job.condition, job.condition.model
    cell, layers = condition.build_cell(), Layers.of(model)
    kept = KEPT * (max(1, len(cell.gates)) + len(cell.states))
    units = model["hidden_size"] * layers.num_layers * layers.directions
    task = condition.build_task()
    inputs = condition.trainer["batch_size"] * task.sequence_length  # of all time steps
    steps = inputs * (2 if layers.is_tree else 1)  # a tree has about as many nodes as leaves
    drawn = len({replica.seed for replica in job.replicas}) * STEPS_PER_BLOCK * task.input_size
    size = 8 if condition.dtype == "float64" else 4
    return int((len(job.replicas) * kept * units * steps + drawn * inputs) * size)


def room_for(jobs: Sequence[Job]) -> int:
    """Return for how many workers one GPU has memory, at least 1."""
    import torch

    total = torch.cuda.get_device_properties(0).total_memory
    return max(1, int(PLANNED * total) // (CONTEXT + max(map(stack_bytes, jobs))))


class Part(NamedTuple):
    """One process's part in measuring what workers of a GPU train together.

    Attributes:
        number: of the process, from 0.
        counts: ascending; the first so many processes train at once, for a window each.
        directory: in which the processes meet.
        window: seconds.
    """

    job: Job
    number: int
    counts: Sequence[int]
    directory: Path
    window: float = WINDOW


# Runs `train_together` on parts, all at once on one GPU, and notifies of their ends.
Run = Callable[[Sequence[Part], Callable[[int, str, Any], None]], object]


def choose_share(job: Job, limit: int, run: Run) -> int:
    """Return how many workers a GPU is to have for jobs like this one, and say why.

    They are the fewest with which nearly as much is trained as with any number tried. Where that
    cannot be measured it is one.

    Args:
        limit: of use on a GPU, by memory, cores and jobs.
    """
    counts = [count for count in COUNTS if count <= limit]
    identity = _identity(job)
    rates = recall(identity)
    if not rates.keys() >= set(counts):
        try:
            rates = time_shares(job, counts, run)
        except ValueError as error:
            say(f"workers: 1 on each GPU; what more would bring cannot be told: {error}")
            return 1
        remember(identity, rates)
    own = {count: rates[count] for count in counts}
    best = next(count for count in counts if own[count] >= NEARLY * max(own.values()))
    told = ", ".join(f"{rate:.3g} with {count}" for count, rate in own.items())
    say(f"workers: {best} on each GPU (steps a second together: {told}; room for {limit})")
    return best


def time_shares(job: Job, counts: Sequence[int], run: Run) -> dict[int, float]:
    """Return how many steps a second so many workers train together.

    Raises:
        ValueError: one of them could not, or took too long; one line.
    """
    found, failed = dict[int, list[float]](), list[str]()

    def notify(index: int, kind: str, value: Any) -> None:
        if kind == "done":
            found[index] = value
        elif kind in ENDS:
            overdue = value == overdue_message(SHARE_SECONDS)
            failed.append(f"it takes longer than {SHARE_SECONDS:g} s" if overdue else value)

    with TemporaryDirectory() as directory:
        place = Path(directory)
        run([Part(job, number, counts, place) for number in range(counts[-1])], notify)
    if len(found) < counts[-1]:
        raise ValueError(next(iter(failed), "it was interrupted"))
    rates = [sum(window) for window in zip(*found.values(), strict=True)]
    if not max(rates):
        raise ValueError(f"no {STEPS_PER_BLOCK} steps take less than {WINDOW:g} s")
    return dict(zip(counts, rates, strict=True))


def train_together(part: Part, report: Callable[[Any], None], stop: Event) -> list[float]:
    """Return this process's own steps a second in each window; 0 in those in which it rests.

    Raises:
        InterruptedError: it was told to stop.
        TimeoutError: other processes were not ready in time.
    """
    from rnnbench.launcher.worker import trainer_to_time

    trainer = trainer_to_time(part.job, part.job.engine, STEPS.most)
    training = trainer.run()
    next(training)  # kernels are compiled, and a graph is captured
    begin, found = _meet(part, stop), []
    for place, count in enumerate(part.counts):
        start, end = (begin + part.window * windows for windows in (place, place + 1))
        if part.number < count and not stop.wait(max(0.0, start - time.time())):
            found.append(_rate(trainer, training, end))
        else:
            found.append(0.0)
    if stop.is_set():
        raise InterruptedError("it was told to stop")
    return found


def _meet(part: Part, stop: Event) -> float:
    """Wait till all processes are ready; return the same moment for all, by the system's clock."""
    (part.directory / f"{part.number} {time.time()}").touch()
    for _ in range(round(MEET_SECONDS / POLL_SECONDS)):
        ready = [path.name.split() for path in part.directory.iterdir()]
        if len(ready) == part.counts[-1] or stop.wait(POLL_SECONDS):
            return max(float(moment) for _, moment in ready) + 2 * POLL_SECONDS
    raise TimeoutError("other processes were not ready in time")


def _rate(trainer: Trainer, training: Iterator[list[Outcome]], end: float) -> float:
    """Train up to a moment; return the steps a second of the blocks that were done by then."""
    steps, seconds = 0, 0.0
    while (now := time.time()) < end:
        before = trainer.step
        next(training, None)  # none where all have diverged
        if (later := time.time()) <= end:
            steps, seconds = steps + trainer.step - before, seconds + later - now
    return steps / seconds if seconds else 0.0


def _identity(job: Job) -> str:
    """Return what the rates hold for: engine and machine, cell, shape and number of replicas."""
    from rnnbench.check.verdicts import proof_of

    return digest(["shares", proof_of(job.engine, job.device), key_of(job), len(job.replicas)])


def remember(identity: str, rates: Mapping[int, float]) -> None:
    """Store rates; where there is no directory for them, they are measured again next time."""
    directory = private_directory("shares")
    with suppress(OSError):  # a full disk
        if directory is not None:
            content = json.dumps({str(count): rate for count, rate in rates.items()})
            write_atomically(directory / f"{identity}.json", content.encode())


def recall(identity: str) -> dict[int, float]:
    """Return stored rates by the number of workers; none where there are none."""
    directory = private_directory("shares")
    with suppress(OSError, ValueError):  # damaged
        if directory is not None:
            path = directory / f"{identity}.json"
            found = read_object(path, {}, "rates of workers", RATES)
            return {count: found[str(count)] for count in COUNTS if str(count) in found}
    return {}
