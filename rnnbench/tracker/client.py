"""The W&B client as rnnbench uses it: silent, without a look at the machine, never for long."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.tracker.workspace import check_workspace

if TYPE_CHECKING:
    import wandb

INIT_SECONDS = 5
FINISH_SECONDS = 8


def open_run(settings: Mapping[str, Any], output_dir: Path, **described: Any) -> wandb.Run:
    """Open one of several W&B runs of this process; one that the server has is continued.

    Args:
        settings: mode (online or offline), project, entity.
        output_dir: W&B keeps its files in its `wandb` directory.
        described: id, name, group, job_type, tags, config.
    """
    client = quiet_client()
    (output_dir / "wandb").mkdir(parents=True, exist_ok=True)
    run: wandb.Run = client.init(
        project=settings["project"],
        entity=settings["entity"],
        mode=settings["mode"],
        dir=output_dir,
        resume="allow",
        reinit="create_new",
        settings=client.Settings(
            console="off",
            disable_code=True,
            disable_git=True,
            finish_timeout=FINISH_SECONDS,
            finish_timeout_raises=True,
            host="",
            init_timeout=INIT_SECONDS,
            program="rnnbench",
            silent=True,
            x_disable_machine_info=True,
            x_disable_meta=True,
            x_disable_stats=True,
            x_save_requirements=False,
        ),
        **described,
    )
    return run


def quiet_client() -> Any:
    """Return the client's module, told to print nothing of its own.

    Raises:
        ValueError: the working directory has settings that could name another server.
    """
    check_workspace()
    import wandb

    wandb.setup(wandb.Settings(silent=True))
    return wandb
