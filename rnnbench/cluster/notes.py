"""What a launcher tells of tasks that it cannot hear: their news, and how often they were lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rnnbench.launcher.plan import Job
from rnnbench.launcher.pool import Notify
from rnnbench.news import News

RERUNS = 3


class Notes:
    """Turns what becomes of tasks into the notifications of `rnnbench.launcher.pool.run`."""

    def __init__(self, jobs: Sequence[Job], notify: Notify) -> None:
        self._notify = notify
        self._news = [News(job["output_dir"], job["condition"].condition_id) for job in jobs]
        self._started: set[int] = set()
        self._lost: Counter[int] = Counter()

    def look(self, indices: Iterable[int]) -> None:
        """Tell the news of the tasks that have some."""
        for index in indices:
            news = self._news[index].read()
            if news is not None:
                self._start(index)
                self._notify(index, "progress", news)

    def end(self, index: int, kind: str, value: object) -> None:
        """Tell how a task ended."""
        self._start(index)
        self._notify(index, kind, value)

    def lose(self, index: int, cause: str) -> bool:
        """Note that a task has left no result; return whether it is to run again."""
        self._lost[index] += 1
        if self._lost[index] <= RERUNS:
            return True
        self.end(index, "died", f"{cause}, {self._lost[index]} times")
        return False

    def _start(self, index: int) -> None:
        if index not in self._started:
            self._started.add(index)
            self._notify(index, "started", None)
