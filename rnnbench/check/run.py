"""All checks, one after the other, and what came of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

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

CHECKS: Mapping[str, Callable[[Subject], Measured]] = {
    "declaration": check_declaration,
    "purity": check_purity,
    "shapes": check_shapes,
    "size": check_size,
    "use": check_use,
    "determinism": check_determinism,
    "stepping": check_stepping,
    "causality": check_causality,
    "batch": check_batch,
    "start": check_start,
    "gradient": check_gradient,
    "compiled": check_compiled,
    "stacking": check_stacking,
    "endurance": check_endurance,
    "learning": check_learning,
}
# Where one of these fails, the others would only say the same in worse words.
FIRST = ("declaration", "purity", "shapes")
MOST_LETTERS = 300


def run_checks(subject: Subject) -> Iterator[Outcome]:
    """Yield what comes of each check, as it comes; whatever a cell raises is a failure."""
    broken = None
    for name in CHECKS:
        if broken:
            yield Outcome(name, NOT_APPLICABLE, f"until {broken} passes")
            continue
        outcome = run_check(name, subject)
        if outcome.result == FAILED and name in FIRST:
            broken = name
        yield outcome


def run_check(name: str, subject: Subject) -> Outcome:
    """Return what comes of one check."""
    try:
        measured = CHECKS[name](subject)
    except NotApplicable as reason:
        return Outcome(name, NOT_APPLICABLE, str(reason))
    except Failure as failure:
        return Outcome(name, FAILED, str(failure), failure.value)
    except Exception as error:  # of the cell's own, which its author wants to see as one line
        text = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return Outcome(name, FAILED, text[:MOST_LETTERS])
    return Outcome(name, PASSED, measured.text, measured.value)
