"""Find out whether W&B can be reached, and keep where a sweep is mirrored to."""

from __future__ import annotations

import argparse
import base64
import json
import os
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from rnnbench.console import message_of, warn
from rnnbench.store.files import read_object, write_atomically
from rnnbench.store.rules import NAME, Rules
from rnnbench.tracker.client import Outage, Settings, quiet_client

RULES: Rules = {"project": NAME, "entity": NAME.or_none}


def keep_destination(settings: Settings, output_dir: Path) -> None:
    """Write down project and entity, as they were configured; never a key."""
    kept = {name: settings[name] for name in RULES}
    write_atomically(_file(output_dir), json.dumps(kept).encode() + b"\n")


def read_destination(output_dir: Path) -> dict[str, str | None]:
    """Return project and entity; the defaults where the sweep was not mirrored."""
    kept: dict[str, Any] = {"project": "rnnbench", "entity": None}
    with suppress(OSError, ValueError):
        kept = read_object(_file(output_dir), RULES, "a destination")
    return {name: kept[name] for name in RULES}


def add_destination(parser: argparse.ArgumentParser) -> None:
    """Give a command the results directory, and another project or entity than the sweep's."""
    parser.add_argument("results", metavar="DIR", type=Path, help="results directory of a sweep")
    parser.add_argument("--project", help="W&B project (default: the sweep's)")
    parser.add_argument("--entity", help="W&B entity (default: the sweep's, or your own)")


def asked_destination(given: argparse.Namespace) -> dict[str, str | None]:
    """Return project and entity as a command was given them, the sweep's where it was not."""
    kept = read_destination(given.results)
    return {name: getattr(given, name) or value for name, value in kept.items()}


def _file(output_dir: Path) -> Path:
    return output_dir / "wandb" / "destination.json"


ANSWER_SECONDS = 5
NO_KEY = "W&B has no key (wandb login, or WANDB_API_KEY)"


def prepare(settings: Settings, output_dir: Path) -> str:
    """Get ready to mirror a sweep, and return the mode: online, offline or none."""
    mode = choose_mode(settings)
    if mode != "none":
        Outage(output_dir).end()
        keep_destination(settings, output_dir)
    return mode


def choose_mode(settings: Settings) -> str:
    """Return online, offline or none.

    Without a key, or when no server answers within five seconds, or when it refuses the key, runs
    are written offline. Environment variables that W&B itself knows (WANDB_MODE, WANDB_API_KEY,
    WANDB_BASE_URL) count.
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
    except ValueError as error:  # of the user's own WANDB_ variables
        return f"W&B's settings are wrong ({message_of(error)})"
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
    """Turns a redirect into an error: another host has no business with the key."""

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
        with suppress(OSError, ValueError):
            with suppress(urllib.error.HTTPError):
                urllib.request.urlopen(address, timeout=ANSWER_SECONDS).close()
            heard.append(True)

    # In a thread: the time limit does not reach the look-up of the name.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS + 1)
    return bool(heard)
