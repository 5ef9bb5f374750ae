"""Launch a sweep as a command does, but in this process: its lines and its exit code."""

from rnnbench.launcher import launch
from rnnbench.launcher.backends.pool import run_here


def launch_in_process(sweep):
    return launch([sweep], run_here)
