"""Run the conditions of a sweep in worker processes, and show how far it is and what it has."""

from rnnbench.experiment.tuning import with_chosen_rates, with_told_rates
from rnnbench.launcher.run import launch, launch_here

__all__ = ["launch", "launch_here", "with_chosen_rates", "with_told_rates"]
