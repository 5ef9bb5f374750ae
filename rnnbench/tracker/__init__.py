"""Mirror what is trained to Weights & Biases."""

from rnnbench.tracker.mirror import open_tracker
from rnnbench.tracker.reach import choose_mode, prepare
from rnnbench.tracker.summary import mirror_summary

__all__ = ["choose_mode", "mirror_summary", "open_tracker", "prepare"]
