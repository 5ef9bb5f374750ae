"""The one training loop, from random streams to records, checkpoints and weights."""
