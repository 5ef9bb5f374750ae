"""Check that a cell keeps what every cell must: the cell to check, and the results of checks."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnbench.cell import Cell

PASSED, FAILED, NOT_APPLICABLE = "pass", "fail", "not applicable"


@dataclass(frozen=True)
class Subject:
    """Name the cell to check: its class, arguments of its constructor, and a hidden size."""

    kind: type[Cell]
    arguments: Mapping[str, Any]
    hidden_size: int

    def build(self, **others: Any) -> Cell:
        """Build a new cell; `others` replace the given arguments."""
        return self.kind(**{**self.arguments, **others})

    def takes(self, argument: str) -> bool:
        """Return whether the constructor has an argument of this name."""
        parameters = inspect.signature(self.kind).parameters.values()
        any_name = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
        return any_name or any(parameter.name == argument for parameter in parameters)


@dataclass(frozen=True)
class Measured:
    """Hold what a passed check found: in words, and as a number where it is one."""

    text: str
    value: float | None = None


class Failure(Exception):
    """Say that a cell fails a check; the text names in one line what is wrong."""

    def __init__(self, reason: str, value: float | None = None) -> None:
        super().__init__(reason)
        self.value = value


class NotApplicable(Exception):
    """Say that a check does not apply to a cell; the text says why."""


@dataclass(frozen=True)
class CheckResult:
    """Hold one line of the table: PASSED, FAILED or NOT_APPLICABLE, and what was found, or why."""

    check: str
    result: str
    text: str
    value: float | None = None
