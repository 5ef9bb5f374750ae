"""How large things may be: more is a slip of the finger, or a file made to take for ever."""

from __future__ import annotations

from typing import Final

BLOCK_BITS: Final = 20  # of a random stream's blocks, see `rnnbench.training.streams`
MAX_BLOCK: Final = 2**BLOCK_BITS - 1
# Drawn numbers depend on how many are drawn at once: constants of the suite, not settings.
STEPS_PER_BLOCK: Final = 16  # of training
SEQUENCES_PER_CHUNK: Final = 256  # of fixed data
MAX_STEPS: Final = STEPS_PER_BLOCK * MAX_BLOCK
MAX_SET: Final = SEQUENCES_PER_CHUNK * MAX_BLOCK
# Far beyond any machine; and a plan of more would take for ever to say so.
MAX_SIZE, MAX_LAYERS = 2**20, 2**10
