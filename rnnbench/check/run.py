"""Run all checks in order; one whose prerequisites fail is not applicable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from rnnbench.check.behaviour import (
    check_batch,
    check_causality,
    check_determinism,
    check_endurance,
    check_learning,
    check_purity,
    check_stepping,
    check_use,
)
from rnnbench.check.declaration import check_declaration, check_shapes, check_size, check_start
from rnnbench.check.engines import check_compiled, check_gradient, check_stacking
from rnnbench.check.problem import (
    FAILED,
    NOT_APPLICABLE,
    PASSED,
    CheckResult,
    Failure,
    Measured,
    NotApplicable,
    Subject,
)
from rnnbench.console import describe


class Check(NamedTuple):
    """Name a check's function, and the checks that must have passed before it means anything."""

    run: Callable[[Subject], Measured]
    needs: tuple[str, ...] = ()


# What a check needs has needs of its own, so a single mistake fails a single check.
CHECKS = {
    "declaration": Check(check_declaration),
    "shapes": Check(check_shapes, ("declaration",)),
    "purity": Check(check_purity, ("shapes",)),
    "determinism": Check(check_determinism, ("purity",)),
    "causality": Check(check_causality, ("determinism",)),
    "stepping": Check(check_stepping, ("causality",)),
    "batch": Check(check_batch, ("determinism",)),
    "size": Check(check_size, ("shapes",)),
    "use": Check(check_use, ("size",)),
    "gradient": Check(check_gradient, ("determinism",)),
    "compiled": Check(check_compiled, ("gradient",)),
    "stacking": Check(check_stacking, ("gradient",)),
    "start": Check(check_start, ("shapes",)),
    "endurance": Check(check_endurance, ("start",)),
    "learning": Check(check_learning, ("gradient", "start")),
}


def run_checks(subject: Subject) -> Iterator[CheckResult]:
    """Yield the result of every check; whatever a cell raises is a failure with one line."""
    passed: set[str] = set()
    for name, check in CHECKS.items():
        missing = [need for need in check.needs if need not in passed]
        if missing:
            found = CheckResult(name, NOT_APPLICABLE, f"{' and '.join(missing)} must pass first")
        else:
            found = _run(name, check, subject)
        if found.result == PASSED:
            passed.add(name)
        yield found


def _run(name: str, check: Check, subject: Subject) -> CheckResult:
    try:
        measured = check.run(subject)
    except NotApplicable as reason:
        return CheckResult(name, NOT_APPLICABLE, str(reason))
    except Failure as failure:
        return CheckResult(name, FAILED, str(failure), failure.value)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a user's cell may raise anything, SystemExit too
        return CheckResult(name, FAILED, describe(error))
    return CheckResult(name, PASSED, measured.text, measured.value)
