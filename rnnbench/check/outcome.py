"""What comes of a check: passed with a figure, failed with what is wrong, or not applicable."""

from __future__ import annotations

from dataclasses import dataclass

PASSED, FAILED, NOT_APPLICABLE = "pass", "fail", "not applicable"


@dataclass(frozen=True)
class Measured:
    """What a check found that a cell passes.

    Attributes:
        text: the figure in words.
        value: the figure alone, where it is a number.
    """

    text: str
    value: float | None = None


class Failure(Exception):
    """A cell does not keep what it must; the text is one line that names what is wrong."""

    def __init__(self, reason: str, value: float | None = None) -> None:
        super().__init__(reason)
        self.value = value


class NotApplicable(Exception):
    """A check does not concern a cell; the text says why."""


@dataclass(frozen=True)
class Outcome:
    """One line of the table.

    Attributes:
        check: its name.
        result: pass, fail or not applicable.
        text: the measured figure, or the reason.
        value: the figure as a number, where it is one.
    """

    check: str
    result: str
    text: str
    value: float | None = None
