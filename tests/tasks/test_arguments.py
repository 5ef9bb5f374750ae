"""A bad argument is named, with the rule and the value."""

import re

import pytest

from rnnbench.tasks.adding import Adding
from rnnbench.tasks.brackets import Brackets
from rnnbench.tasks.copying import Copying
from rnnbench.tasks.delay import Delay
from rnnbench.tasks.delayed_recall import DelayedRecall
from rnnbench.tasks.flip_flop import FlipFlop
from rnnbench.tasks.keys import Keys
from rnnbench.tasks.language import Language
from rnnbench.tasks.order import Order
from rnnbench.tasks.selective import Selective
from rnnbench.tasks.tracking import Tracking


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (Copying, {"gap": 10}, "gap must be at least num_symbols + 1 = 11, got 10"),
        (Copying, {"gap": -5}, "gap must be at least num_symbols + 1 = 11, got -5"),
        (Copying, {"gap": 3, "num_symbols": 3}, "gap must be at least num_symbols + 1 = 4, got 3"),
        (Copying, {"gap": 20, "num_symbols": 0}, "num_symbols must be at least 1, got 0"),
        (Copying, {"gap": 20, "alphabet_size": 1}, "alphabet_size must be at least 2, got 1"),
        (Copying, {"gap": 20, "score_on": "x"}, "score_on must be answers or all, got x"),
        (Copying, {"gap": 20, "encoding": "x"}, "encoding must be onehot or scalar, got x"),
        (
            Copying,
            {"gap": 20, "longest_gap": 19},
            "longest_gap must be null or at least gap = 20, got 19",
        ),
        (Adding, {"gap": 1}, "gap must be at least 2, got 1"),
        (Adding, {"gap": 9, "layout": "x"}, "layout must be exact, half, anywhere or hs97, got x"),
        (
            Adding,
            {"gap": 11, "layout": "hs97"},
            "gap must be at least 12 in layout hs97, got 11",
        ),
        (
            Adding,
            {"gap": 12, "layout": "hs97", "tolerance": 0.6},
            "tolerance must be above 0 and at most 0.5 in layout hs97, got 0.6",
        ),
        (Adding, {"gap": 1, "layout": "anywhere"}, "gap must be at least 2, got 1"),
        (Adding, {"gap": 9, "tolerance": 0}, "tolerance must be above 0 and at most 1, got 0"),
        (Adding, {"gap": 9, "tolerance": 2}, "tolerance must be above 0 and at most 1, got 2"),
        (DelayedRecall, {"gap": 0}, "gap must be at least 1, got 0"),
        (DelayedRecall, {"gap": 9, "alphabet_size": 1}, "alphabet_size must be at least 2, got 1"),
        (
            DelayedRecall,
            {"gap": 9, "distractors": "x"},
            "distractors must be noise, blank or lure, got x",
        ),
        (
            DelayedRecall,
            {"gap": 9, "longest_gap": 8},
            "longest_gap must be null or at least gap = 9, got 8",
        ),
        (Copying, {"gap": 20, "order": "x"}, "order must be forward or reverse, got x"),
        (Adding, {"gap": 9, "operation": "x"}, "operation must be sum or product, got x"),
        (Adding, {"gap": 9, "markers": 0}, "markers must be at least 1, got 0"),
        (Adding, {"gap": 3, "markers": 4}, "gap must be at least 4, got 3"),
        (
            Adding,
            {"gap": 9, "markers": 3, "layout": "half"},
            "markers must be 2 in layout half, got 3",
        ),
        (
            Adding,
            {"gap": 12, "operation": "product", "layout": "hs97"},
            "operation must be sum in layout hs97, got product",
        ),
        (Selective, {"gap": 3}, "gap must be at least num_symbols = 4, got 3"),
        (Selective, {"gap": 9, "num_symbols": 0}, "num_symbols must be at least 1, got 0"),
        (Selective, {"gap": 9, "alphabet_size": 1}, "alphabet_size must be at least 2, got 1"),
        (FlipFlop, {"gap": 0}, "gap must be at least 1, got 0"),
        (FlipFlop, {"gap": 9, "steps_before": -1}, "steps_before must be at least 0, got -1"),
        (FlipFlop, {"gap": 9, "ask": "x"}, "ask must be end or random, got x"),
        (Order, {"gap": 9, "num_events": 0}, "num_events must be 1 to 10, got 0"),
        (Order, {"gap": 9, "num_events": 11}, "num_events must be 1 to 10, got 11"),
        (Order, {"gap": 2, "num_events": 3}, "gap must be at least num_events = 3, got 2"),
        (Brackets, {"gap": 20}, "gap must be odd and at least 1, got 20"),
        (Brackets, {"gap": -1}, "gap must be odd and at least 1, got -1"),
        (Brackets, {"gap": 9, "num_types": 1}, "num_types must be at least 2, got 1"),
        (Brackets, {"gap": 9, "depth": 1}, "depth must be at least 2, got 1"),
        (Brackets, {"gap": 9, "ask": "x"}, "ask must be outer or every, got x"),
        (Language, {"gap": 20, "about": "x"}, "about must be country or agreement, got x"),
        (Language, {"gap": 20, "lures": "x"}, "lures must be true or false, got x"),
        (Language, {"gap": 0}, "gap must be at least 1, got 0"),
        (Language, {"gap": 2}, "gap must be filled by whole sentences, as 11 is, got 2"),
        (Language, {"gap": 12}, "gap must be filled by whole sentences, as 14 is, got 12"),
        (
            Language,
            {"gap": 5, "about": "agreement"},
            "gap must be filled by whole sentences, as 6 is, got 5",
        ),
        (Tracking, {"gap": 0}, "gap must be at least 1, got 0"),
        (Tracking, {"gap": 9, "group": "z3"}, "group must be z2, z5, s3, a5 or s5, got z3"),
        (Tracking, {"gap": 9, "ask": "x"}, "ask must be every_step or end, got x"),
        (Tracking, {"gap": 9, "updates": 0}, "updates must be null or 1 to 10, got 0"),
        (Tracking, {"gap": 9, "updates": 11}, "updates must be null or 1 to 10, got 11"),
        (
            Tracking,
            {"gap": 9, "updates": 10, "ask": "end"},
            "updates must be null or 1 to 9, got 10",
        ),
        (Keys, {"gap": 0}, "gap must be at least 1, got 0"),
        (Keys, {"gap": 9, "num_keys": 0}, "num_keys must be at least 1, got 0"),
        (Keys, {"gap": 9, "alphabet_size": 1}, "alphabet_size must be at least 2, got 1"),
        (Delay, {"gap": 0}, "gap must be at least 1, got 0"),
        (Delay, {"gap": 9, "alphabet_size": 1}, "alphabet_size must be at least 2, got 1"),
        (Delay, {"gap": 9, "num_answers": 0}, "num_answers must be null or at least 1, got 0"),
    ],
)
def test_bad_argument(kind, arguments, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        kind(**arguments)


LEAST_GAPS = {
    **{Copying: 11, Adding: 2, DelayedRecall: 1, Tracking: 1, Keys: 1, Delay: 1},
    **{Selective: 4, FlipFlop: 1, Order: 2, Brackets: 1, Language: 11},
}


@pytest.mark.parametrize("kind", LEAST_GAPS)
def test_arguments_are_given_by_name(kind):
    with pytest.raises(TypeError):
        kind(20)


@pytest.mark.parametrize(("kind", "least"), LEAST_GAPS.items())
def test_the_least_gap_works(kind, least):
    assert kind(gap=least).gap == least


@pytest.mark.parametrize(("layout", "least"), [("half", 2), ("anywhere", 2), ("hs97", 12)])
def test_the_least_gap_of_every_layout_of_adding_works(layout, least):
    assert Adding(gap=least, layout=layout).gap == least
