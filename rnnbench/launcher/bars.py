"""Display bars in a terminal, drawn by rich."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn
from rich.progress import Progress as RichProgress

from rnnbench.console import printable
from rnnbench.launcher.progress import Display


class Bars(Display):
    """A bar for the sweep and one for each condition that is being trained."""

    def __init__(
        self, stream: TextIO, names: Sequence[str], costs: Sequence[float], skipped: int
    ) -> None:
        """Draw on `stream`, a terminal; the others as in `Display`."""
        super().__init__(names, costs, skipped)
        self.display = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TextColumn("{task.fields[text]}", markup=False),
            console=Console(file=stream, highlight=False),
        )
        self.overall = self.display.add_task("all", total=1.0, text=self.summary())
        self.rows: dict[int, TaskID] = {}

    def __enter__(self) -> Display:
        self.display.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.display.stop()

    def say(self, line: str) -> None:
        self.display.console.print(printable(line), markup=False, soft_wrap=True)

    def show_start(self, index: int) -> None:
        row = self.display.add_task(self.names[index], total=1.0, text=self.latest[index])
        self.rows[index] = row

    def show_move(self, index: int) -> None:
        if index not in self.rows:
            self.show_start(index)
        self.display.update(self.rows[index], completed=self.shares[index], text=self.latest[index])
        self._show_overall()

    def show_leave(self, index: int) -> None:
        if index in self.rows:  # a worker may die before it begins
            self.display.remove_task(self.rows.pop(index))

    def show_end(self, index: int, line: str, failed: bool) -> None:
        self.show_leave(index)
        if failed:
            self.say(line)
        self._show_overall()

    def _show_overall(self) -> None:
        self.display.update(self.overall, completed=self.share, text=self.summary())
