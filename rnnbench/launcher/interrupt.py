"""Note Ctrl-C and SIGTERM, so that work can be put away before the process leaves."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# `timeout`, `make` and others pass on a signal that the whole group got already.
SAME_SIGNAL_SECONDS = 0.5


class Terminated(KeyboardInterrupt):
    """Ends the process after SIGTERM, where there is nothing to put away."""


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM raise `Terminated`, as Ctrl-C raises KeyboardInterrupt; in the main thread."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def raise_again(exit_code: int) -> NoReturn:
    """Hand a signal that was noted on: to the caller's own handler, and then as an exception."""
    number = signal.Signals(exit_code - 128)
    if callable(signal.getsignal(number)):
        signal.raise_signal(number)
    raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


class Interrupt:
    """Notes SIGINT and SIGTERM while it is entered; the old handlers come back afterwards.

    After a second Ctrl-C a third raises KeyboardInterrupt; unless patient, the second does.

    Attributes:
        stop: set by the first signal: put the work away and leave.
        insists: a second Ctrl-C came: leave at once.
        exit_code: 130 after SIGINT, 143 after SIGTERM, None without a signal.
    """

    def __init__(self, *, patient: bool = True) -> None:
        self.stop = threading.Event()
        self.insists = False
        self.exit_code: int | None = None
        self._patient = patient
        self._noted = 0.0
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupt:
        """Take over the signals; outside the main thread there are none to take over."""
        if threading.current_thread() is threading.main_thread():
            self._handlers = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        """Give the signals back."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        repeated = time.monotonic() - self._noted < SAME_SIGNAL_SECONDS
        self._noted = time.monotonic()
        if self.exit_code is None:
            self.exit_code = 128 + number
            self.stop.set()
        elif number == signal.SIGINT and not repeated:
            if self.insists or not self._patient:
                raise KeyboardInterrupt
            self.insists = True
