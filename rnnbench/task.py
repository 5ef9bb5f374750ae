"""Define a task: its sequences, the answers to give, and what remembering nothing gets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import torch
from torch import Generator, Tensor
from torch.nn import functional

__all__ = ["UNASKED", "Batch", "Chance", "ClassificationTask", "RegressionTask", "Task"]
__all__ += ["draw_orders", "draw_places", "require", "require_choice"]

UNASKED = -1  # a target that is none: left out of loss and accuracy
NEVER = -100  # torch's own default: no target has it


class Batch(NamedTuple):
    """Hold sequences and their answers.

    Attributes:
        inputs: `(T, B, F)`, float32.
        targets: `(K, B)`: class indices (int64), UNASKED where a sequence has no such answer; or
            values (float32) for a regression.
    """

    inputs: Tensor
    targets: Tensor


@dataclass(frozen=True)
class Chance:
    """Say what a predictor that remembers nothing gets, exactly, by a formula.

    Attributes:
        loss: in the unit of the task's loss (nats, or squared error).
        accuracy: share of right answers, in [0, 1].
    """

    loss: float
    accuracy: float


class Task(ABC):
    """Base class of all tasks.

    A subclass takes keyword-only arguments, checks them, and sets every attribute below. An
    illegal argument raises `ValueError("<argument> must <rule>, got <value>")`.

    Attributes:
        gap: dependency distance, in time steps from the oldest input that an answer needs to the
            step where that answer is read. Where it varies from sequence to sequence
            (`distances`), the least, or what the task's docstring says.
        input_size: features per time step, F.
        output_size: classes, or 1 for a regression.
        sequence_length: time steps, T.
        answer_length: scored time steps K, the last of the sequence.
        chance: exact loss and accuracy of remembering nothing.
        load_bits: bits to be carried over the gap; NaN where the answer is a real number.
        asks_all: every answer of every sequence is asked; otherwise a target may be UNASKED, and
            loss, accuracy and chance are those of the answers that are asked.
        solved_accuracy: a run that stays at this accuracy is solved.
        plateaus: losses of known partial solutions, by name, for the figures.
        version: raised whenever the task's numbers change.
        added: arguments that the constructor got after results were stored. At its default, which
            stays for good, one is left out of a condition's id; those of base classes are, too.
    """

    version: int = 1
    added: tuple[str, ...] = ()
    gap: int
    input_size: int
    output_size: int
    sequence_length: int
    answer_length: int
    chance: Chance
    load_bits: float
    asks_all: bool = True
    solved_accuracy: float = 0.99
    plateaus: Mapping[str, float] = {}
    _arguments: Mapping[str, Any]

    def __new__(cls, *_: Any, **arguments: Any) -> Self:
        """Keep the arguments, for `at_gap`."""
        task = super().__new__(cls)
        task._arguments = arguments
        return task

    def at_gap(self, gap: int) -> Self:
        """Return the same task, with all its other arguments, at another gap.

        Raises:
            ValueError: the task has no such gap.
        """
        return type(self)(**{**self._arguments, "gap": gap})

    @property
    def distances(self) -> tuple[int, int]:
        """Return the least and the greatest distance; both are `gap` where it does not vary."""
        return self.gap, self.gap

    @property
    def span(self) -> int:
        """Return the distance that an initialisation is made for (chrono's T_max)."""
        return self.gap

    @abstractmethod
    def sample(self, batch_size: int, generator: Generator) -> Batch:
        """Draw fresh sequences from `generator` alone, on its device."""

    @abstractmethod
    def dependencies(self) -> Tensor:
        """Return, for each scored answer, the time steps whose inputs it needs.

        Returns:
            `(K, 2)`, int64: the time step of the oldest input that answer k needs, and the time
            step at which it is read. Their difference is `gap`, but where the answers of a sequence
            have distances of their own. Where distances vary from sequence to sequence, the row is
            that of a sequence with distance `gap`. A row (-1, t) is an answer that needs no memory,
            or that not every sequence has.
        """

    def ages(self, batch: Batch) -> Tensor:
        """Return the distance of each answer in each sequence.

        Where distances vary, one run so gives a curve over them.

        Returns:
            `(K, B)`, int64: time steps from the oldest input that the answer needs to the step
            where it is read; 0 needs no memory. What stands at an answer that is not asked
            (UNASKED) has no meaning.
        """
        needed, read = self.dependencies().to(batch.targets.device).unbind(1)
        return torch.where(needed < 0, 0, read - needed)[:, None].expand(batch.targets.shape)

    def cue(self, batch: Batch) -> Tensor | None:
        """Return what the answer of the greatest distance needs of its oldest input.

        Of several the first; the distances are those of `dependencies`.

        `rnnbench.diagnose` measures how much of it a network's state still holds.

        Returns:
            `(B,)`: a class (int64) or a value (float) for each sequence; None where the task does
            not say.
        """
        return None

    @abstractmethod
    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss over answers and sequences.

        Args:
            outputs: `(..., K, B, output_size)`.
            targets: `(..., K, B)`.

        Returns:
            `(...)`: the leading (replica) axes; a scalar tensor without them.
        """

    @abstractmethod
    def accuracy(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the share of right answers; shapes as in `loss`."""

    @abstractmethod
    def score(self, loss: float, accuracy: float) -> float:
        """Return the chance-corrected result: 0 remembers nothing, 1 is perfect, not clipped."""


class ClassificationTask(Task):
    """Base class of tasks whose answers are classes: cross-entropy in nats, accuracy by argmax."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        flat = outputs.reshape(-1, outputs.shape[-1])
        classes = targets.reshape(-1)
        # Where all is asked, torch refuses it as it does any other number that is no class.
        left_out = NEVER if self.asks_all else UNASKED
        loss = functional.cross_entropy(flat, classes, reduction="none", ignore_index=left_out)
        return self._mean(loss.view(targets.shape), targets)

    def accuracy(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self._mean((outputs.argmax(-1) == targets).to(outputs.dtype), targets)

    def _mean(self, values: Tensor, targets: Tensor) -> Tensor:
        """Reduce `(..., K, B)` to `(...)`, over the answers that are asked."""
        if self.asks_all:
            return _mean_over_answers(values)
        asked = (targets != UNASKED).to(values.dtype)
        share = _mean_over_answers(asked)
        return _mean_over_answers(values * asked) / torch.where(share > 0, share, 1.0)

    def score(self, loss: float, accuracy: float) -> float:
        return (accuracy - self.chance.accuracy) / (1 - self.chance.accuracy)


class RegressionTask(Task):
    """Base class of tasks whose answers are numbers: squared error, accuracy within `tolerance`.

    Attributes:
        tolerance: an answer is right when its absolute error is below this.
    """

    tolerance: float

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return _mean_over_answers((outputs.squeeze(-1) - targets).square())

    def accuracy(self, outputs: Tensor, targets: Tensor) -> Tensor:
        right = (outputs.squeeze(-1) - targets).abs() < self.tolerance
        return _mean_over_answers(right.to(outputs.dtype))

    def score(self, loss: float, accuracy: float) -> float:
        return 1 - loss / self.chance.loss


def _mean_over_answers(values: Tensor) -> Tensor:
    """Reduce `(..., K, B)` to `(...)`; flat, so that a replica is summed alike alone or stacked."""
    return values.reshape(*values.shape[:-2], -1).mean(-1)


def require(argument: str, rule: str, holds: bool, value: object) -> None:
    """Raise `ValueError("<argument> must <rule>, got <value>")` unless the rule holds."""
    if not holds:
        raise ValueError(f"{argument} must {rule}, got {value}")


def require_choice(argument: str, choices: Sequence[str], value: object) -> None:
    """Raise `ValueError("<argument> must be <one> or <another>, got <value>")` unless it is one."""
    *others, last = choices
    require(argument, f"be {', '.join(others)} or {last}", value in choices, value)


def draw_places(count: int, length: int, batch_size: int, generator: Generator) -> Tensor:
    """Return `count` different time steps below `length`, ascending, `(count, B)`; one is 0."""
    later = draw_orders(length - 1, batch_size, generator)
    places = later[: count - 1].sort(0).values + 1
    return torch.cat([places.new_zeros(1, batch_size), places])


def draw_orders(count: int, batch_size: int, generator: Generator) -> Tensor:
    """Return `count` numbers from 0 on in an order drawn for each sequence, `(count, B)`."""
    drawn = torch.rand(count, batch_size, generator=generator, device=generator.device)
    return drawn.T.contiguous().argsort().T  # numbers that lie apart take three times as long
