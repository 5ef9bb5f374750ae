"""Run all checks in order; one whose prerequisites fail is not applicable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from rnnbench import check
from rnnbench.check import behaviour, declaration, engines
from rnnbench.console import describe


class Check(NamedTuple):
    """Name a check's function, and the checks that must have passed before it means anything."""

    run: Callable[[check.Subject], check.Measured]
    needs: tuple[str, ...] = ()


# What a check needs has needs of its own, so a single mistake fails a single check.
CHECKS = {
    "declaration": Check(declaration.check_declaration),
    "shapes": Check(declaration.check_shapes, ("declaration",)),
    "purity": Check(behaviour.check_purity, ("shapes",)),
    "determinism": Check(behaviour.check_determinism, ("purity",)),
    "causality": Check(behaviour.check_causality, ("determinism",)),
    "stepping": Check(behaviour.check_stepping, ("causality",)),
    "batch": Check(behaviour.check_batch, ("determinism",)),
    "size": Check(declaration.check_size, ("shapes",)),
    "use": Check(behaviour.check_use, ("size",)),
    "gradient": Check(engines.check_gradient, ("determinism",)),
    "compiled": Check(engines.check_compiled, ("gradient",)),
    "stacking": Check(engines.check_stacking, ("gradient",)),
    "start": Check(declaration.check_start, ("shapes",)),
    "endurance": Check(behaviour.check_endurance, ("start",)),
    "learning": Check(behaviour.check_learning, ("gradient", "start")),
}


def run_checks(subject: check.Subject) -> Iterator[check.CheckResult]:
    """Yield the result of every check; whatever a cell raises is a failure with one line."""
    passed: set[str] = set()
    for name, (run, needs) in CHECKS.items():
        missing = " and ".join(need for need in needs if need not in passed)
        if missing:
            found = check.CheckResult(name, check.NOT_APPLICABLE, f"{missing} must pass first")
        else:
            found = check.CheckResult(name, *_run(run, subject))
        if not missing and found.result != check.FAILED:  # what cannot fail stands in no one's way
            passed.add(name)
        yield found


def _run(
    run: Callable[[check.Subject], check.Measured], subject: check.Subject
) -> tuple[str, str, float | None]:
    try:
        measured = run(subject)
    except check.NotApplicable as reason:
        return check.NOT_APPLICABLE, str(reason), None
    except check.Failure as failure:
        return check.FAILED, str(failure), failure.value
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a user's cell may raise anything, SystemExit too
        return check.FAILED, describe(error), None
    return check.PASSED, measured.text, measured.value
