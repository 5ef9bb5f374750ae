"""Whether W&B can be reached: asked once per sweep, before any worker starts."""

from __future__ import annotations

import base64
import json
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnbench.errors import message_of, warn
from rnnbench.tracker.client import quiet_client
from rnnbench.tracker.destination import keep_destination
from rnnbench.tracker.outage import Outage

ANSWER_SECONDS = 5
NO_KEY = "W&B has no key (wandb login, or WANDB_API_KEY)"


def prepare(settings: Mapping[str, Any], output_dir: Path) -> str:
    """Get ready to mirror a sweep, and return the mode: online, offline or none."""
    mode = choose_mode(settings)
    if mode != "none":
        Outage(output_dir).end()
        keep_destination(settings, output_dir)
    return mode


def choose_mode(settings: Mapping[str, Any]) -> str:
    """Return online, offline or none.

    Without a key, or when no server answers within five seconds, or when it refuses the key, runs
    are written offline. Environment variables that W&B itself knows (WANDB_MODE, WANDB_API_KEY,
    WANDB_BASE_URL) count.

    Args:
        settings: kind and mode, as configured.
    """
    asked = os.environ.get("WANDB_MODE", settings["mode"])
    if settings["kind"] == "none" or asked == "disabled":
        return "none"
    if asked == "offline":
        return "offline"
    problem = find_problem()
    if problem is None:
        return "online"
    if problem != NO_KEY or asked == "online":
        warn(f"{problem}: runs are written offline")
    return "offline"


def find_problem() -> str | None:
    """Return why nothing can be sent now, or None where W&B answers and takes the key."""
    try:
        wandb = quiet_client()
    except ValueError as error:
        return str(error)
    try:
        if not wandb.login(prompt=False, verify=False):
            return NO_KEY
    except wandb.Error as error:
        return f"W&B's key is not one ({message_of(error)})"
    settings = wandb.setup().settings
    address = str(settings.base_url)
    if not answers(address):
        return f"W&B does not answer at {address}"
    try:
        _whose_key(address, str(settings.api_key))
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"W&B does not let this key in ({message_of(error)})"
    return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Takes a redirect for an error: another host has no business with the key."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _whose_key(address: str, key: str) -> str:
    """Return the user whose key it is, asked of the server without the client's own machinery.

    Raises:
        OSError, ValueError, KeyError, TypeError: it is nobody's, or the server cannot tell.
    """
    pair = base64.b64encode(f"api:{key}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}
    body = json.dumps({"query": "query Viewer { viewer { id username } }"}).encode()
    request = urllib.request.Request(f"{address}/graphql", data=body, headers=headers)
    opener = urllib.request.build_opener(_NoRedirect)
    with opener.open(request, timeout=ANSWER_SECONDS) as answer:
        viewer = json.loads(answer.read())["data"]["viewer"]
    if viewer is None:
        raise ValueError("nobody's")
    return str(viewer["username"])


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
