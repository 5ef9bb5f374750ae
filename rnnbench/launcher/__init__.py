"""What runs the conditions of a sweep: plan, worker processes, progress, closing table."""

from rnnbench.experiment.tuning import with_chosen_rates
from rnnbench.launcher.run import launch, launch_here

__all__ = ["launch", "launch_here", "with_chosen_rates"]
