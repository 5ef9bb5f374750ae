"""Random streams never meet, and depend on their three numbers alone."""

import pytest
import torch

from rnnbench.experiment.limits import LAST_SEED
from rnnbench.training.streams import (
    MAX_BLOCK,
    TEST,
    TRAINING,
    diagnosing,
    guessing,
    mix,
    scheduling,
    shuffling,
    stream,
)


def draw(*key):
    return torch.rand(4, generator=stream(*key)).tolist()


def test_a_stream_is_repeatable_and_ignores_the_global_seed():
    torch.manual_seed(1)
    first = draw(TRAINING, 3, 5)
    torch.manual_seed(2)
    assert draw(TRAINING, 3, 5) == first


def test_neighbouring_streams_differ():
    keys = [(k, s, b) for k in range(4) for s in (0, 1, 2, LAST_SEED) for b in (0, 1, MAX_BLOCK)]
    assert len({tuple(draw(*key)) for key in keys}) == len(keys)


def test_what_has_a_stream_of_its_own_meets_no_seed_s():
    own = [guessing(n) for n in range(40)] + [scheduling(n) for n in range(40)]
    own += [diagnosing(n) for n in range(40)]
    own += [shuffling(seed, n) for seed in (0, 1, 2) for n in range(40)]
    others = [stream(k, s, b) for k in range(4) for s in (0, 3, LAST_SEED) for b in (0, MAX_BLOCK)]
    drawn = [tuple(torch.rand(4, generator=each).tolist()) for each in (*own, *others)]
    assert len(set(drawn)) == len(drawn)


def test_mixing_is_one_to_one_and_stays_within_32_bits():
    numbers = [*range(50_000), *(2**32 - 1 - n for n in range(50_000)), *range(0, 2**32, 65_537)]
    mixed = {mix(number) for number in set(numbers)}
    assert len(mixed) == len(set(numbers))
    assert all(0 <= number < 2**32 for number in mixed)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ((TEST, LAST_SEED + 1, 0), "seed must be from 0 to 1023, got 1024"),
        ((TEST, -1, 0), "seed must be from 0 to 1023, got -1"),
        ((TEST, 0, MAX_BLOCK + 1), "block must be from 0 to 1048575, got 1048576"),
    ],
)
def test_a_number_out_of_range_is_refused(key, message):
    with pytest.raises(ValueError, match=message):
        stream(*key)
