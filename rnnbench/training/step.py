"""Train a stack by one step, in a form that a CUDA graph can repeat.

A graph repeats operations on the same memory, and knows Python's numbers as they were when it was
captured. What differs from step to step is therefore read from the device: a counter picks the
sequences and the optimiser's corrections. What comes of a step is left there too: inside a step
nothing waits for the device, and nothing is copied to or from it.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from rnnbench.console import message_of, warn
from rnnbench.experiment.limits import STEPS_PER_BLOCK
from rnnbench.model import SequenceModel
from rnnbench.task import Task
from rnnbench.training.data import StackData
from rnnbench.training.optimizer import FlatStack, Optimizer, clip

_warn_once = cache(warn)
WARM_UPS = 2  # kernels are compiled and libraries take their memory: not in a capture


class TrainingStep:
    """Train a stack's replicas by one step at a time; on a GPU, the step is captured in a graph.

    Attributes:
        losses: on the last batch, `(R,)`.
        norms: of the last gradients, before clipping, `(R,)`.
        clipped: steps whose gradient was changed, `(R,)`.
        idle: steps in which a replica stayed as it was, after one with a loss that was not finite,
            `(R,)`.
        seen_late: whether there may be such steps, for the host does not look at every loss.
    """

    def __init__(
        self,
        task: Task,
        model: SequenceModel,
        stack: FlatStack,
        optimizer: Optimizer,
        data: StackData,
        *,
        clip_norm: float | None,
        clip_value: float | None,
        seen_late: bool,
    ) -> None:
        self.task, self.model, self.stack = task, model, stack
        self.optimizer, self.data, self.seen_late = optimizer, data, seen_late
        self.bounds = clip_norm, clip_value
        self.device = stack.buffer.device
        self.norms = torch.zeros_like(stack.buffer[:, 0])
        # Exact, whatever type a task has for its loss.
        self.losses = torch.zeros_like(self.norms, dtype=torch.float64)
        self.clipped, self.idle = self.norms.long(), self.norms.long()
        self._position = torch.zeros(1, dtype=torch.int64, device=self.device)  # in the block
        self._corrections = self._corrections_of(0).to(self.device)
        self._block = -1
        self._graphs: dict[tuple[object, ...], torch.cuda.CUDAGraph | None] = {}
        self._renew_views()

    def take(self, step: int) -> None:
        """Train by one step, which counts from 0; a GPU may still be at it afterwards."""
        block, position = divmod(step, STEPS_PER_BLOCK)
        if not block == self._block == self.data.block:
            self._start(block, position)
        if self.device.type == "cuda":
            self._replay()
        else:
            self._body()

    def _start(self, block: int, position: int) -> None:
        """Put what the steps of a block read on the device."""
        if block != self.data.block:
            self.data.start(block)
        self._corrections.copy_(self._corrections_of(block))
        self._position.fill_(position)
        self._block = block

    def _corrections_of(self, block: int) -> Tensor:
        """Return the optimiser's corrections `(numbers, steps)` in a block."""
        steps = range(block * STEPS_PER_BLOCK + 1, (block + 1) * STEPS_PER_BLOCK + 1)
        rows = [self.optimizer.corrections(step) for step in steps]
        return torch.tensor(rows, dtype=self.stack.buffer.dtype).T

    def _body(self) -> None:
        batch = self.data.at(self._position)
        outputs, _ = self.model(batch.inputs, last=batch.targets.shape[-2])  # of this step's gap
        losses = self.task.loss(outputs, batch.targets)
        gradient, norms, changed = clip(self._gradient(losses), *self.bounds)
        corrections = self._corrections.index_select(1, self._position)
        change = self.optimizer.change(gradient, corrections)
        losses = losses.detach()
        if self.seen_late:
            lost = self.losses.isfinite().logical_not_()
            self.idle.add_(lost)
            change.masked_fill_(lost[:, None], 0.0)
            changed, losses = changed & ~lost, torch.where(lost, self.losses, losses)
        self.stack.buffer.sub_(change)
        self.losses.copy_(losses)
        self.norms.copy_(norms)
        self.clipped.add_(changed)
        self._position.add_(1)

    def _gradient(self, losses: Tensor) -> Tensor:
        """Return the gradient of each replica's loss, `(R, P)`."""
        parameters = self.model.parameters
        leaves = list(parameters.values())  # a cell need not use all: zeros for the others
        each = torch.ones_like(losses)
        gradients = torch.autograd.grad(losses, leaves, each, materialize_grads=True)
        return self.stack.flatten(dict(zip(parameters, gradients, strict=True)))

    def _replay(self) -> None:
        form = self.data.form  # with a schedule blocks differ in length
        if form not in self._graphs:
            self._graphs[form] = self._capture()
        graph = self._graphs[form]
        if graph is None:
            self._body()
        else:
            graph.replay()

    def _capture(self) -> torch.cuda.CUDAGraph | None:
        """Return the body as a graph; None where no graph can hold it.

        An own cell or task may look at its numbers in Python, which is to wait for them.
        """
        self._warm_up()
        graph = torch.cuda.CUDAGraph()
        pools = [other.pool() for other in self._graphs.values() if other is not None]
        memory = pools[0] if pools else None  # one for all: they run one after the other
        try:
            # Threads that draw the next block take pinned memory meanwhile.
            with torch.cuda.graph(graph, pool=memory, capture_error_mode="thread_local"):
                self._body()
        except RuntimeError as error:
            _warn_once(f"steps are slow, as no CUDA graph can hold them: {message_of(error)}")
            return None
        return graph

    def _warm_up(self) -> None:
        """Run the body on another stream, as a capture needs it, and undo what it has changed."""
        numbers = [self.losses, self.norms, self.clipped, self.idle, self._position]
        changed = [self.stack.buffer, *self.optimizer.state.values(), *numbers]
        before = [tensor.clone() for tensor in changed]
        here, side = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(here)
        with torch.cuda.stream(side):
            for _ in range(WARM_UPS):
                self._body()
                for tensor, value in zip(changed, before, strict=True):
                    tensor.copy_(value)
        here.wait_stream(side)

    def keep(self, rows: Tensor) -> None:
        """Keep only the replicas with these row numbers, exactly as they are."""
        self.stack.buffer = self.stack.buffer.index_select(0, rows)
        self.optimizer.keep(rows)
        self.data.keep(rows)
        self.losses, self.norms = (x.index_select(0, rows) for x in (self.losses, self.norms))
        self.clipped, self.idle = (x.index_select(0, rows) for x in (self.clipped, self.idle))
        self._renew_views()
        self._graphs = {}

    def _renew_views(self) -> None:
        self.model.parameters = self.stack.views()
