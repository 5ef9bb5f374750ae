"""W&B's settings in the working directory: they may not say where the key is sent, or how."""

from __future__ import annotations

import configparser
from pathlib import Path

from rnnbench.rules import shown
from rnnbench.within import read_file

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
