"""What runs the conditions of a sweep: plan, worker processes, progress, closing table."""

from rnnbench.launcher.run import launch, launch_here
from rnnbench.launcher.tuning import settle

__all__ = ["launch", "launch_here", "settle"]
