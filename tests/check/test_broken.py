"""A cell with one mistake fails one check, which names the mistake; nothing raises."""

from asyncio import CancelledError

import pytest

from rnnbench.check.run import CHECKS
from tests.check import broken_behaviour, broken_declarations  # noqa: F401 (they fill BROKEN)
from tests.check.broken import BROKEN, Plain


@pytest.mark.parametrize("kernel", [False, pytest.param(True, marks=pytest.mark.long)])
@pytest.mark.parametrize(("kind", "check", "words"), BROKEN, ids=[b[0].__name__ for b in BROKEN])
def test_a_mistake_fails_one_check_and_is_named(outcomes, request, kind, check, words, kernel):
    if not kernel and check != "compiled":  # to build one takes most of the time
        request.getfixturevalue("no_compiler")
    found = outcomes(kind)
    failed = {name: outcome.text for name, outcome in found.items() if outcome.result == "fail"}
    assert list(failed) == [check], failed
    assert any(word in failed[check] for word in words.split("|")), failed
    assert "\n" not in failed[check]


def test_every_check_is_failed_by_some_cell():
    assert {check for _, check, _ in BROKEN} == set(CHECKS)


def test_what_rests_on_a_failed_check_is_left_out_with_the_reason(outcomes):
    found = outcomes(broken_declarations.TooFewStates)
    assert found["purity"].result == "not applicable"
    assert found["purity"].text == "shapes must pass first"


class Mute(Exception):
    """An error that cannot even say what it is."""

    def __str__(self):
        raise ValueError


RAISED = [ValueError("a\nb"), SystemExit(3), RecursionError(), GeneratorExit(), AssertionError()]


@pytest.mark.parametrize(
    "error", [*RAISED, CancelledError(), Mute()], ids=lambda error: type(error).__name__
)
@pytest.mark.parametrize("method", ["update", "initialize", "shapes"])
def test_whatever_a_cell_raises_is_one_line(outcomes, error, method):
    def raising(self, *_, **__):
        raise error

    found = outcomes(type("Raising", (Plain,), {method: raising}))
    failed = [outcome.text for outcome in found.values() if outcome.result == "fail"]
    assert failed
    assert all(type(error).__name__ in text and "\n" not in text for text in failed)
