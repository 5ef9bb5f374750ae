"""Whether W&B can be reached: asked once per sweep, before any worker starts."""

from __future__ import annotations

import os
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

ANSWER_SECONDS = 5.0


def choose_mode(settings: Mapping[str, Any]) -> str:
    """Return online, offline or none.

    Without a key, or when no server answers within five seconds, runs are written offline.
    Environment variables that W&B itself knows (WANDB_MODE, WANDB_API_KEY, WANDB_BASE_URL) count.

    Args:
        settings: kind and mode, as configured.
    """
    asked = os.environ.get("WANDB_MODE", settings["mode"])
    if settings["kind"] == "none" or asked == "disabled":
        return "none"
    if asked == "offline":
        return "offline"
    if not has_key():
        if asked == "online":
            _warn("W&B has no key (wandb login, or WANDB_API_KEY): runs are written offline")
        return "offline"
    import wandb

    address = str(wandb.setup().settings.base_url)
    if not answers(address):
        _warn(f"W&B does not answer at {address}: runs are written offline")
        return "offline"
    return "online"


def has_key() -> bool:
    """Return whether W&B finds a key, in the environment or in its netrc file; nothing is asked."""
    import wandb

    wandb.setup(wandb.Settings(silent=True))
    try:
        return wandb.login(prompt=False, verify=False)
    except wandb.Error as error:
        _warn(f"W&B's key is not one: {' '.join(str(error).split())}")
        return False


def answers(address: str) -> bool:
    """Return whether any web server answers at an address in time, whatever it says."""
    heard: list[bool] = []

    def ask() -> None:
        try:
            urllib.request.urlopen(address, timeout=ANSWER_SECONDS).close()
        except urllib.error.HTTPError:
            heard.append(True)
        except (OSError, ValueError):
            return
        heard.append(True)

    # In a thread: the time limit does not reach the look-up of the name.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS + 1)
    return bool(heard)


def _warn(text: str) -> None:
    print(f"rnnbench: warning: {text}", file=sys.stderr)
