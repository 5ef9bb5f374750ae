"""Run the conditions of a sweep in worker processes, and show how far it is and what it has."""

from rnnbench.launcher.run import launch, launch_here
from rnnbench.launcher.tuning import with_chosen_rates

__all__ = ["launch", "launch_here", "with_chosen_rates"]
