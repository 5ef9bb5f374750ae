"""Any torch module that reads sequences, by its name: a layer of another library, or one's own."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from rnnbench.cells.sequence import SequenceCell

# What libraries call the one width of a layer that maps H numbers to H.
WIDTHS = ("hidden_size", "d_model", "dim", "embed_dim")

# The extras that install libraries of layers.
EXTRAS = {"torchrecurrent": "cells", "fla": "fla"}


class TorchModule(SequenceCell):
    """A module whose constructor takes `input_size` and `hidden_size`, or one width alone.

    One that takes a width alone sees the inputs through a linear map to that width.

    State: as many numbers as are declared; nothing else tells them.
    """

    def __init__(
        self,
        *,
        module: str = "torch.nn.modules.rnn.GRU",
        arguments: Mapping[str, Any] | None = None,
        batch_first: bool = False,
        states: float = 1.0,
        grows: bool = False,
    ) -> None:
        """Import the module's class.

        Args:
            module: dotted path of the class, of the file that it is written in.
            arguments: further ones of its constructor.
            batch_first: it reads `(B, T, F)`.
            states: numbers kept of a sequence for each hidden unit.
            grows: so many at every time step, as attention does.

        Raises:
            ValueError: there is no such class, or its sizes cannot be given.
        """
        super().__init__()
        if not states > 0:
            raise ValueError(f"states must be positive, got {states}")
        self.kind, self.arguments = _find(module), dict(arguments or {})
        self.batch_first, self.numbers, self.grows = batch_first, states, grows
        self.width = _width(self.kind, module)

    @property
    def written_in(self) -> type:
        found: type = self.kind
        return found

    def build(self, input_size: int, hidden_size: int) -> nn.Module:
        """Build the module.

        Raises:
            ValueError: its class does not take these sizes or arguments.
        """
        sizes = (input_size, hidden_size) if self.width is None else ()
        named = {} if self.width is None else {self.width: hidden_size}
        try:
            module = self.kind(*sizes, **{**named, **self.arguments})
        except (TypeError, ValueError, AssertionError, RuntimeError) as error:
            rule = f"arguments must fit {self.kind.__name__} at hidden size {hidden_size}"
            raise ValueError(f"{rule}, got {self.arguments}: {error}") from error
        embed = None if self.width is None else nn.Linear(input_size, hidden_size)
        return _Reader(embed, module, self.batch_first)

    def count_state(self, hidden_size: int, steps: int) -> int:
        return round(self.numbers * hidden_size * (steps if self.grows else 1))


def _find(path: str) -> Any:
    """Import a class of torch modules.

    Raises:
        ValueError: there is none, or it is written elsewhere: a stored path must lead to its text.
    """
    home, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(home), name)
    except (ImportError, AttributeError, ValueError, RuntimeError, OSError) as error:
        extra = EXTRAS.get(home.partition(".")[0])
        reason = f"pip install 'rnnbench[{extra}]'" if extra else " ".join(str(error).split())
        raise ValueError(
            f"module must be a class that can be imported, got {path}: {reason}"
        ) from error
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise ValueError(f"module must be a class of torch modules, got {path}")
    if (found.__module__, found.__qualname__) != (home, name):
        place = f"{found.__module__}.{found.__qualname__}"
        raise ValueError(f"module must be {place}, where it is written, got {path}")
    return found


def _width(kind: type, path: str) -> str | None:
    """Return what a class calls its one width; None where it takes `input_size` first.

    Raises:
        ValueError: it takes neither.
    """
    taken = inspect.signature(kind).parameters
    if "input_size" in taken:
        return None
    named = next(filter(taken.__contains__, WIDTHS), None)
    if named is None and not any(each.kind is each.VAR_POSITIONAL for each in taken.values()):
        rule = f"must take input_size and hidden_size, or one of {', '.join(WIDTHS)}"
        raise ValueError(f"module {rule}, got {path}")
    return named


class _Reader(nn.Module):
    """Reads `(T, B, F)` through a module."""

    def __init__(self, embed: nn.Module | None, module: nn.Module, batch_first: bool) -> None:
        super().__init__()
        self.embed, self.module, self.batch_first = embed, module, batch_first

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs `(T, B, H)`."""
        hidden = inputs if self.embed is None else self.embed(inputs)
        found = self.module(hidden.transpose(0, 1) if self.batch_first else hidden)
        outputs: Tensor = found[0] if isinstance(found, tuple) else found
        return outputs.transpose(0, 1) if self.batch_first else outputs
