"""Weights & Biases as a mirror of what is trained."""

from rnnbench.tracker.mirror import Tracker, WandbTracker, log_summary, open_tracker
from rnnbench.tracker.reach import choose_mode

__all__ = ["Tracker", "WandbTracker", "choose_mode", "log_summary", "open_tracker"]
