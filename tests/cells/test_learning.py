"""Each shipped cell learns a short task, on most seeds.

How far back each can learn is the benchmark's to say; a cell that does not learn this is broken.
"""

from typing import NamedTuple

import pytest

import rnnbench.cells
from rnnbench.cells.sequence import SequenceCell
from rnnbench.experiment.condition import Replica
from rnnbench.training.trainer import Recipe, Trainer
from tasks.delayed_recall import DelayedRecall

SEEDS, LEARNED = 4, 0.9  # of the score, where chance is 0


class Known(NamedTuple):
    """Recall over `gap` that 32 units learn in `steps`, on at least so many of four seeds."""

    gap: int
    rate: float
    steps: int
    seeds: int = 4
    kind: str = "long"  # slow: one of each kind


# A cell a line, by name; behind the point, an argument of the LSTM family.
KNOWN = {
    "BRC": Known(20, 1e-2, 700, kind="slow"),
    "CoRNN": Known(10, 1e-2, 700),
    "GRU": Known(20, 1e-2, 600),
    "IndRNN": Known(20, 3e-3, 700, kind="slow"),
    "JANET": Known(20, 3e-3, 500, kind="slow"),
    "LEM": Known(10, 1e-2, 600),
    "LRU": Known(10, 1e-2, 700, kind="slow"),
    "LSTM": Known(10, 1e-2, 700),
    "LSTMVariant.coupled": Known(20, 1e-2, 700),
    "LSTMVariant.full_gate_recurrence": Known(10, 1e-2, 500),
    "LSTMVariant.no_forget_gate": Known(10, 1e-2, 700, seeds=3),
    "LSTMVariant.no_input_activation": Known(10, 1e-2, 600),
    "LSTMVariant.no_input_gate": Known(10, 1e-2, 700, seeds=3),
    "LSTMVariant.no_output_activation": Known(10, 1e-2, 600),
    "LSTMVariant.no_output_gate": Known(10, 1e-2, 600),
    "LSTMVariant.peepholes": Known(10, 1e-2, 600),
    "LinOSS": Known(5, 3e-3, 700),
    "MGU": Known(20, 1e-2, 600),
    "MinGRU": Known(20, 2e-2, 1000),
    "MinLSTM": Known(20, 2e-2, 1000),
    "MinMax": Known(20, 1e-2, 500),
    "NBRC": Known(20, 1e-2, 500),
    "Orthogonal": Known(20, 3e-3, 500, kind="slow"),
    "PublishedGRU": Known(10, 1e-2, 600),
    "RGLRU": Known(20, 1e-2, 500),
    "RNN": Known(5, 3e-3, 800),
    "S6": Known(20, 1e-2, 300),
    "SLSTM": Known(20, 1e-2, 600),
    "STAR": Known(20, 3e-3, 500),
    "UGRNN": Known(20, 1e-2, 800, seeds=3),
    "UnICORNN": Known(20, 1e-2, 800, kind="slow"),
}
CASES = [pytest.param(name, marks=getattr(pytest.mark, KNOWN[name].kind)) for name in KNOWN]


def test_every_shipped_cell_is_among_them():
    kinds = [getattr(rnnbench.cells, name) for name in rnnbench.cells.__all__]
    steps = {kind.__name__ for kind in kinds if not issubclass(kind, SequenceCell)}
    assert {name.partition(".")[0] for name in KNOWN} == steps


@pytest.mark.parametrize("name", CASES)
def test_a_cell_learns_what_it_is_known_to_learn(name):
    known, (kind, _, variant) = KNOWN[name], name.partition(".")
    cell = getattr(rnnbench.cells, kind)(**({"variant": variant} if variant else {}))
    recipe = Recipe(
        hidden_size=32,
        steps=known.steps,
        batch_size=64,
        clip_norm=1.0,
        eval_every=100,
        eval_size=512,
        engine="compiled",
    )
    replicas = [Replica(seed, known.rate) for seed in range(SEEDS)]
    trainer = Trainer(DelayedRecall(gap=known.gap), cell, recipe, replicas)
    scores = sorted(outcome.score for outcomes in trainer.run() for outcome in outcomes)
    assert sum(score >= LEARNED for score in scores) >= known.seeds, scores
