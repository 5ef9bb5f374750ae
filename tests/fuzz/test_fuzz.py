"""Made-up commands and damaged files: each works or is refused in a line, and writes nowhere else.

`make fuzz` runs ten thousand. A fault is told with the command that repeats it.
"""

import pytest

from tests.fuzz.campaign import HANG, OUTSIDE, TRACEBACK, WRONGLY, Campaign, judge
from tests.fuzz.sandbox import Sandbox
from tests.fuzz.words import Input

FEW = [("training", 6, 0), ("reading", 15, 0), ("other", 20, 0)]
MANY = [("training", 100, 1), ("reading", 300, 1), ("other", 200, 1)]


@pytest.mark.filterwarnings("ignore")  # of figures of odd numbers, which are still drawn
@pytest.mark.parametrize(
    ("kind", "count", "start"),
    [*FEW, *(pytest.param(*one, marks=pytest.mark.long) for one in MANY)],
)
def test_no_input_does_what_it_must_not(tmp_path, kind, count, start):
    told = []
    campaign = Campaign(tmp_path, told.append)
    campaign.run(kind, count, start)
    assert campaign.number == count
    assert not told, "\n".join(text[:5000] for text in told)


def fail(words):
    raise KeyError("x")


def escape(words):
    with open("../outside", "w"):
        pass
    return 0


def hang(words):
    while True:
        try:
            while True:
                pass
        except BaseException:
            return 0


def scatter(words):
    with open("stray", "w"):
        pass
    return 0


@pytest.mark.parametrize(
    ("main", "right", "fault"),
    [
        (fail, None, TRACEBACK),
        (escape, None, OUTSIDE),
        (scatter, None, OUTSIDE),
        (hang, None, HANG),
        (lambda words: 0, False, WRONGLY),
        (lambda words: 2, True, TRACEBACK),
        (lambda words: print("\x1b[2J") or 0, None, TRACEBACK),
        (lambda words: print("Traceback (most") or 1, None, TRACEBACK),
        (lambda words: 3, None, TRACEBACK),
        (lambda words: 0, True, None),
    ],
)
def test_a_fault_is_seen(tmp_path, monkeypatch, main, right, fault):
    monkeypatch.setattr("tests.fuzz.sandbox.SECONDS", 0.2)
    outcome = Sandbox(tmp_path).run(main, [], ())
    found = judge(Input("rnnbench", [], right), outcome)
    assert list(found) == ([fault] if fault else [])
