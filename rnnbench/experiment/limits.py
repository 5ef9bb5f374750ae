"""Say what each setting of a condition may be, for the command line, records and plans alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, get_args

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

# More is a slip of the finger, or a file made to take for ever or all memory.
STEPS = Range(1, STEPS_PER_BLOCK * MAX_BLOCK)
SET = Range(1, SEQUENCES_PER_CHUNK * MAX_BLOCK)
SIZE = Range(1, 2**20)
LAYERS = Range(1, 2**10)

Engine = Literal["auto", "reference", "compiled", "torch"]
Device = Literal["auto", "cpu", "cuda"]
Dtype = Literal["float32", "float64"]
Optimizer = Literal["adam", "rmsprop", "sgd"]
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
}
OPTIONAL: dict[str, Rules] = {
    "task": {"gap_schedule": one_of(SCHEDULES)},
    "trainer": {
        "optimizer": one_of(get_args(Optimizer)),
        "clip_norm": ABOVE_0.or_none,
        "clip_value": ABOVE_0.or_none,
        "train_set_size": SET.rule.or_none,
    },
}

# Settings that came after results were stored, with their defaults, which stay for good; those of
# the condition itself are under "". At its default one is left out of a condition's id, which so
# is the one from before it came. What came to a class is in its `added`.
LATER: Mapping[str, Mapping[str, Any]] = {
    "": {"tuned": False},
    "task": {"gap_schedule": SCHEDULES[0]},
    "cell": {},
    "model": {},
    "trainer": {},
}
