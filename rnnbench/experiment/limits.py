"""Say what each setting of a condition may be, for the command line, records and plans alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, get_args

from rnnbench.store import rules
from rnnbench.store.rules import ABOVE_0, NAME, SECTION, TRUTH, Rule, Rules, one_of, whole


class Range(NamedTuple):
    """The least and the greatest whole number that a setting may be."""

    least: int
    most: int

    @property
    def rule(self) -> Rule:
        return whole(self.least, self.most)


BLOCK_BITS: Final = 20  # of a random stream's blocks, see `rnnbench.training.streams`
MAX_BLOCK: Final = 2**BLOCK_BITS - 1
# Drawn numbers depend on how many are drawn at once: constants of the suite, not settings.
STEPS_PER_BLOCK: Final = 16  # of training
SEQUENCES_PER_CHUNK: Final = 256  # of fixed data
SEED_BITS: Final = 10  # of a random stream's seeds
LAST_SEED: Final = 2**SEED_BITS - 1

# More is a slip of the finger, or a file made to take for ever or all memory.
STEPS = Range(1, STEPS_PER_BLOCK * MAX_BLOCK)
SET = Range(1, SEQUENCES_PER_CHUNK * MAX_BLOCK)
SIZE = Range(1, 2**20)
LAYERS = Range(1, 2**10)
WINDOW = Range(1, 2**10)
# Tuning has the last seeds to itself: so many at a rate, and as many again for the two best.
TUNERS = Range(1, 8)
GREATEST_SEED: Final = LAST_SEED - 2 * TUNERS.most  # that a user may ask for
RATES = Rule(
    "a list of different numbers above 0",
    lambda value: rules.list_of(ABOVE_0).holds(value) and 0 < len(value) == len(set(value)),
)

Engine = Literal["auto", "reference", "compiled", "torch", "triton"]
Device = Literal["auto", "cpu", "cuda"]
Dtype = Literal["float32", "float64"]
Optimizer = Literal["adam", "rmsprop", "sgd"]
Per = Literal["gap", "task"]
Block = Literal["plain", "residual"]
Precision = Literal["strict", "tf32", "tf32x3"]
Wiring = Literal["chain", "balanced"]
SCHEDULES: Final = ("fixed", "uniform", "growing")

# What a condition's settings must have, and what of each part; then what a part may have.
SETTINGS: Rules = {
    "task": SECTION,
    "cell": SECTION,
    "model": SECTION,
    "trainer": SECTION,
    "dtype": one_of(get_args(Dtype)),
    "engine": one_of(get_args(Engine)),
    "device": one_of(get_args(Device)),
}
NEEDED: dict[str, Rules] = {
    "task": {"_target_": NAME, "name": NAME, "gap": SIZE.rule},
    "cell": {"_target_": NAME, "name": NAME},
    "model": {"hidden_size": SIZE.rule, "num_layers": LAYERS.rule, "bidirectional": TRUTH},
    "trainer": {
        "steps": STEPS.rule,
        "batch_size": SIZE.rule,
        "eval_every": STEPS.rule,
        "eval_size": SET.rule,
    },
    "tuning": {},
}
OPTIONAL: dict[str, Rules] = {
    "task": {"gap_schedule": one_of(SCHEDULES)},
    "model": {
        "block": one_of(get_args(Block)),
        "window": WINDOW.rule,
        "precision": one_of(get_args(Precision)),
        "wiring": one_of(get_args(Wiring)),
    },
    "trainer": {
        "optimizer": one_of(get_args(Optimizer)),
        "clip_norm": ABOVE_0.or_none,
        "clip_value": ABOVE_0.or_none,
        "train_set_size": SET.rule.or_none,
    },
    "tuning": {"rates": RATES, "per": one_of(get_args(Per)), "seeds": TUNERS.rule},
}

# Settings that came after results were stored, with their defaults, which stay for good; those of
# the condition itself are under "". At its default one is left out of a condition's id, which so
# is the one from before it came. What came to a class is in its `added`.
LATER: Mapping[str, Mapping[str, Any]] = {
    "": {"tuned": False},
    "task": {"gap_schedule": SCHEDULES[0]},
    "cell": {},
    "model": {"block": "plain", "window": 1, "precision": "strict", "wiring": "chain"},
    "trainer": {},
    "tuning": {"rates": [3e-4, 1e-3, 3e-3, 1e-2, 3e-2], "per": "gap", "seeds": 3},
}
