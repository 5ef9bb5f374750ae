"""All checks in order, and what each of them takes for granted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from rnnbench.check.batch import check_batch
from rnnbench.check.causality import check_causality
from rnnbench.check.compiled import check_compiled
from rnnbench.check.declaration import check_declaration
from rnnbench.check.determinism import check_determinism
from rnnbench.check.endurance import check_endurance
from rnnbench.check.gradient import check_gradient
from rnnbench.check.learning import check_learning
from rnnbench.check.outcome import (
    FAILED,
    NOT_APPLICABLE,
    PASSED,
    Failure,
    Measured,
    NotApplicable,
    Outcome,
)
from rnnbench.check.purity import check_purity
from rnnbench.check.shapes import check_shapes
from rnnbench.check.size import check_size
from rnnbench.check.stacking import check_stacking
from rnnbench.check.start import check_start
from rnnbench.check.stepping import check_stepping
from rnnbench.check.subject import Subject
from rnnbench.check.use import check_use
from rnnbench.errors import describe


class Check(NamedTuple):
    """A check, and those before that must have passed for it to mean anything."""

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


def run_checks(subject: Subject) -> Iterator[Outcome]:
    """Yield the outcome of every check; whatever a cell raises is a failure with one line."""
    passed: set[str] = set()
    for name, check in CHECKS.items():
        missing = [need for need in check.needs if need not in passed]
        if missing:
            outcome = Outcome(name, NOT_APPLICABLE, f"{' and '.join(missing)} must pass first")
        else:
            outcome = _run(name, check, subject)
        if outcome.result == PASSED:
            passed.add(name)
        yield outcome


def _run(name: str, check: Check, subject: Subject) -> Outcome:
    try:
        measured = check.run(subject)
    except NotApplicable as reason:
        return Outcome(name, NOT_APPLICABLE, str(reason))
    except Failure as failure:
        return Outcome(name, FAILED, str(failure), failure.value)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a user's cell may raise anything, SystemExit too
        return Outcome(name, FAILED, describe(error))
    return Outcome(name, PASSED, measured.text, measured.value)
