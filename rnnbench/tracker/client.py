"""W&B's settings in the working directory: they may not say where the key is sent, or how."""

from __future__ import annotations

import configparser
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.console import warn
from rnnbench.store.files import read_file
from rnnbench.store.rules import shown

if TYPE_CHECKING:
    import wandb


FILES = (Path("wandb", "settings"), Path(".wandb", "settings"))  # as the client looks for them
HARMLESS = {"entity", "mode", "project"}  # all that the client itself writes there
INSTEAD = "WANDB_BASE_URL or ~/.config/wandb/settings names a server"


def check_workspace() -> None:
    """Check that no settings file in the working directory sets more than W&B writes there itself.

    It counts for more than the user's own settings, and may have come with somebody's results: a
    server or a proxy that it names would be sent the user's key.

    Raises:
        ValueError: one does; the text is one line.
    """
    for path in FILES:
        if path.exists() or path.is_symlink():
            others = sorted(_keys(path) - HARMLESS)
            if others:
                raise ValueError(
                    f"{path} in the working directory must set entity, project and mode alone, "
                    f"got {shown(', '.join(others))} ({INSTEAD})"
                )


def _keys(path: Path) -> set[str]:
    """Return what a file sets, in whatever section."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(read_file(path).decode())
    except (OSError, ValueError, configparser.Error):
        return {"what cannot be read"}
    return {key for section in parser.values() for key in section}


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


class Outage:
    """A mark beside W&B's files: the first process that fails sets it, and none asks W&B again.

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
