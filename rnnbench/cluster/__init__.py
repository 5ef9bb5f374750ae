"""Where the conditions of a sweep run if not on this machine: as tasks of SLURM or of Ray."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnbench.launcher.runners import Runner


def make_runner(cluster: Mapping[str, Any]) -> Runner:
    """Return what runs jobs on a cluster; nothing is started yet.

    Args:
        cluster: checked settings, see conf/cluster.

    Raises:
        CannotRun: an extra, a command or the cluster itself is not to be had here.
    """
    if cluster["kind"] == "slurm":
        from rnnbench.cluster.slurm import SlurmRunner

        return SlurmRunner(cluster)
    from rnnbench.cluster.on_ray import RayRunner

    return RayRunner(cluster)
