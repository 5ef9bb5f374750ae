"""Open W&B runs, and ask W&B no more once it has failed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.console import warn

if TYPE_CHECKING:
    import wandb

INIT_SECONDS = 5
FINISH_SECONDS = 8
# Of a mirror: kind (wandb or none), mode (online or offline), project and entity.
Settings = Mapping[str, Any]


def open_run(settings: Settings, output_dir: Path, **described: Any) -> wandb.Run:
    """Open one of several W&B runs of this process; one that the server has is continued.

    Args:
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
    """Return the client's module, told to print nothing of its own."""
    import wandb

    wandb.setup(wandb.Settings(silent=True))
    return wandb


class Outage:
    """Marks beside W&B's files that W&B has failed: no process of the sweep asks it again.

    So an outage costs every process one time limit at most, and the user one line.
    """

    everywhere = False  # in this process, also where no mark can be written
    _lock = threading.Lock()  # of the threads of this process, so that one of them tells

    def __init__(self, output_dir: Path) -> None:
        self.output_dir = output_dir
        self.mark = output_dir / "wandb" / "left-out"

    @property
    def is_on(self) -> bool:
        return Outage.everywhere or self.mark.exists()

    def begin(self, reason: str) -> None:
        """Set the mark, and say why if no other process has."""
        with Outage._lock:
            known, Outage.everywhere = Outage.everywhere, True
            try:
                self.mark.parent.mkdir(parents=True, exist_ok=True)
                self.mark.touch(exist_ok=False)
            except FileExistsError:
                known = True
            except OSError:
                pass
            if not known:
                later = f"python -m rnnbench.sync {self.output_dir} sends what is missing"
                warn(f"W&B is left out from here on ({later}): {reason}")

    def end(self) -> None:
        """Take the mark away, before a start."""
        Outage.everywhere = False
        self.mark.unlink(missing_ok=True)
