"""The cell that is checked, and how it is made again with other arguments."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnbench.cell import Cell

INPUT_SIZE = 5


@dataclass(frozen=True)
class Subject:
    """A cell's class, and how it is to be built.

    Attributes:
        kind: the class.
        arguments: of its constructor, where they are not the defaults.
        hidden_size: units to check it with.
    """

    kind: type[Cell]
    arguments: Mapping[str, Any]
    hidden_size: int

    def build(self, **others: Any) -> Cell:
        """Build the cell anew, with other arguments in place of the given ones."""
        return self.kind(**{**self.arguments, **others})

    def takes(self, argument: str) -> bool:
        """Return whether the constructor has an argument of this name."""
        parameters = inspect.signature(self.kind).parameters.values()
        any_name = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
        return any_name or any(parameter.name == argument for parameter in parameters)
