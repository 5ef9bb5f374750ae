"""Hydra's launcher plugin: it takes all jobs of a sweep at once and trains none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

_jobs: list[dict[str, Any]] = []


class CollectingLauncher(Launcher):
    """Compose every job and put its plain values aside, to be checked before anything starts."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.loader, self.config = hydra_context.config_loader, config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        returns = []
        for overrides in job_overrides:
            configuration = self.loader.load_sweep_config(self.config, list(overrides))
            _jobs.append(plain(configuration))
            returns.append(JobReturn(overrides=list(overrides), cfg=configuration))
            returns[-1].status, returns[-1].return_value = JobStatus.COMPLETED, None
        return returns


def plain(configuration: DictConfig) -> dict[str, Any]:
    """Return a job's own configuration as nested dicts and lists, without Hydra's part."""
    own = OmegaConf.masked_copy(
        configuration, [str(key) for key in configuration if key != "hydra"]
    )
    values = OmegaConf.to_container(own, resolve=True, throw_on_missing=True)
    return {str(key): value for key, value in dict(values).items()}  # type: ignore[arg-type]


def collected() -> list[dict[str, Any]]:
    """Return the jobs put aside since the last call."""
    jobs = list(_jobs)
    _jobs.clear()
    return jobs


@dataclass
class LauncherConfiguration:
    """The choice `hydra/launcher: rnnbench`."""

    _target_: str = "rnnbench.cli.plugin.CollectingLauncher"


def register() -> None:
    """Make the launcher known to Hydra."""
    accepts = getattr(Plugins, "is_in_toplevel_plugins_module", None)
    if accepts is not None:  # Hydra 1.3 takes plugins from its own namespace alone
        own = staticmethod(lambda name: name.startswith("rnnbench.") or accepts(name))
        Plugins.is_in_toplevel_plugins_module = own  # type: ignore[method-assign, assignment]
    Plugins.instance().register(CollectingLauncher)
    store = ConfigStore.instance()
    store.store(group="hydra/launcher", name="rnnbench", node=LauncherConfiguration)
