"""What must hold after a fault: the same command ends complete, and every number is the same."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.faults.command import Ended
from tests.faults.sweep import Run, runs
from tests.faults.trial import Trial
from tests.faults.whole import half_written


@dataclass(frozen=True)
class Verdict:
    """What is held against the suite after one fault.

    Attributes:
        lost: finished work that was lost or done again, or a sweep that does not complete.
        wrong: numbers that differ, something broken that was taken, a traceback, or no message.
    """

    lost: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


def conclude(trial: Trial) -> Verdict:
    """Run the same command again, undisturbed, and compare."""
    broken = () if trial.damaged else half_written(trial.output_dir)
    trial.wrong.extend(broken)
    kept = len(trial.known)
    again = trial.run()
    found, expected = runs(trial.output_dir), trial.bench.numbers[trial.engine]
    lost = [*trial.lost, *(f"{run} has no result" for run in expected if run not in found)]
    lost += _incomplete(again, kept)
    wrong = [*trial.wrong, *_differences(trial, expected, found)]
    wrong += [f"a traceback: {ended.err[-600:]}" for ended in trial.ended if _broke(ended)]
    if trial.wants and not re.search(trial.wants, again.err):
        wrong.append(f"nothing was said like {trial.wants!r}, but {again.err[-400:]!r}")
    return Verdict(tuple(lost), tuple(wrong))


def _incomplete(again: Ended, kept: int) -> list[str]:
    """Return what keeps a run from being complete; its closing table counts what it skipped."""
    if again.code != 0:
        return [f"run again, the command ends with {again.code}: {again.err[-400:]!r}"]
    row = re.search(r"^all +(\d+) +(\d+) +(\d+)$", again.out, re.MULTILINE)
    if row is None:
        return [f"no closing table, but {again.out!r}"]
    skipped, failed = int(row[2]), int(row[3])
    # More may be skipped: a worker whose launcher was killed ends what it is at.
    lost = [f"{skipped} runs skipped, of {kept} that were finished"] if skipped < kept else []
    return lost + ([f"{failed} runs failed"] if failed else [])


def _differences(trial: Trial, expected: dict[str, Run], found: dict[str, Run]) -> list[str]:
    lines = [f"there is a run {run} that nobody asked for" for run in found.keys() - expected]
    for run, numbers in expected.items():
        if run not in trial.spoiled and run in found and found[run] != numbers:
            lines.append(f"{run} differs in {_what_differs(found[run], numbers)}")
    return lines


def _what_differs(found: Run, expected: Run) -> str:
    keys = found.record.keys() | expected.record.keys()
    differing = [key for key in keys if found.record.get(key) != expected.record.get(key)]
    if found.weights != expected.weights:
        differing.append("weights")
    return ", ".join(sorted(differing)) or "the presence of a key"


def _broke(ended: Ended) -> bool:
    return "Traceback (most recent call last)" in ended.out + ended.err
