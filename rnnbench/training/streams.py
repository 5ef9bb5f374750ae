"""Make the random generators: every draw depends on (stream, seed, block) and on nothing else.

A CPU generator of torch uses only the low 32 bits of its seed, so the three numbers are packed
into 32 bits and mixed by a bijection: different triples never share a generator.
"""

from __future__ import annotations

import torch
from torch import Generator

from rnnbench.experiment.limits import BLOCK_BITS, LAST_SEED, MAX_BLOCK, SEED_BITS

INITIALIZATION, TRAINING, EVALUATION, TEST = range(4)


def stream(kind: int, seed: int = 0, block: int = 0) -> Generator:
    """Return a fresh generator for one block of one stream of one seed.

    Args:
        kind: INITIALIZATION, TRAINING, EVALUATION or TEST.
        seed: 0 to 1023.
        block: 0 to 1,048,575.

    Raises:
        ValueError: a number is out of its range, so that two streams would be the same.
    """
    for name, value, most in (("seed", seed, LAST_SEED), ("block", block, MAX_BLOCK)):
        if not 0 <= value <= most:
            raise ValueError(f"{name} must be from 0 to {most}, got {value}")
    packed = kind << (SEED_BITS + BLOCK_BITS) | seed << BLOCK_BITS | block
    return torch.Generator().manual_seed(mix(packed))


def shuffling(seed: int, epoch: int) -> Generator:
    """Return a fresh generator for the order of one epoch (from 0) of a fixed training set.

    Initial weights use block 0 of this stream, epochs the others.
    """
    return stream(INITIALIZATION, seed, 1 + epoch)


def scheduling(block: int) -> Generator:
    """Return a fresh generator for the gap of one block of training steps, the same for all seeds.

    Evaluations use seed 0 of this stream.
    """
    return stream(EVALUATION, 1, block)


def diagnosing(block: int) -> Generator:
    """Return a fresh generator for the sequences (block 0) or the noise (1) of a diagnosis.

    They are the same for all runs of a task at a gap. Tests use seed 0 of this stream, so that a
    diagnosis sees sequences that were neither trained nor tested on.
    """
    return stream(TEST, 1, block)


def guessing(number: int) -> Generator:
    """Return a fresh generator for one random network (from 0), the same for all tasks and cells.

    Evaluations use seed 0 of this stream, schedules seed 1.
    """
    return stream(EVALUATION, 2, number)


def mix(number: int) -> int:
    """Map 32 bits onto 32 bits, one to one, so that neighbouring numbers give unrelated ones.

    Xor-shift-multiply, with the constants of C. Wellons' lowbias32.
    """
    number ^= number >> 16
    number = number * 0x21F0AAAD % 2**32
    number ^= number >> 15
    number = number * 0x735A2D97 % 2**32
    return number ^ number >> 15
