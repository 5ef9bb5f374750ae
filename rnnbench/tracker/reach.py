"""Find out whether W&B can be reached, and keep where a sweep is mirrored to."""

from __future__ import annotations

import argparse
import base64
import json
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from rnnbench.console import Mistake, message_of, warn
from rnnbench.store.files import read_object, write_atomically
from rnnbench.store.rules import TEXT, Rules, shown
from rnnbench.tracker.client import Outage, Settings, own_client
from rnnbench.tracker.names import GROUP, PLACE, TAGS

# Where a sweep is mirrored to, and what its runs are given there.
RULES: Rules = {"project": PLACE, "entity": PLACE.or_none}
GIVEN: Rules = {"group": GROUP.or_none, "tags": TAGS, "notes": TEXT.or_none}


def keep_destination(settings: Settings, output_dir: Path) -> None:
    """Write down where the sweep is mirrored to, as it was configured; never a key."""
    kept = {name: settings[name] for name in (*RULES, *GIVEN) if name in settings}
    write_atomically(_file(output_dir), json.dumps(kept).encode() + b"\n")


def read_destination(output_dir: Path) -> dict[str, Any]:
    """Return project, entity, group, tags and notes; the defaults where they were not kept."""
    kept: dict[str, Any] = {"project": "rnnbench", "entity": None}
    with suppress(OSError, ValueError):
        kept = read_object(_file(output_dir), RULES, "a destination", GIVEN)
    kept = {"group": None, "tags": [], "notes": None} | kept
    return {name: kept[name] for name in (*RULES, *GIVEN)}


def add_destination(parser: argparse.ArgumentParser) -> None:
    """Give a command the results directory, and another project or entity than the sweep's."""
    parser.add_argument("results", metavar="DIR", type=Path, help="results directory of a sweep")
    parser.add_argument("--project", help="W&B project (default: the sweep's)")
    parser.add_argument("--entity", help="W&B entity (default: the sweep's, or your own)")


def asked_destination(given: argparse.Namespace) -> dict[str, Any]:
    """Return the sweep's destination, with another project or entity where a command has one.

    Raises:
        Mistake: W&B takes no such name.
    """
    asked = {name: value for name in RULES if (value := getattr(given, name)) is not None}
    for name, value in asked.items():
        if not PLACE.holds(value):
            raise Mistake(f"--{name} must be {PLACE.words}, got {shown(value)}")
    return {**read_destination(given.results), **asked}


def _file(output_dir: Path) -> Path:
    return output_dir / "wandb" / "destination.json"


ANSWER_SECONDS = 5
LONGEST_ANSWER = 100_000  # bytes
NO_KEY = "W&B has no key (wandb login, or WANDB_API_KEY)"
MODES = ("online", "offline", "disabled")


def prepare(settings: Settings, output_dir: Path) -> Settings | None:
    """Get ready to mirror a sweep.

    Returns:
        The settings, with the mode (online or offline) and the entity that were found; None where
        nothing is mirrored.
    """
    mode = choose_mode(settings)
    if mode == "none":
        return None
    entity = settings["entity"] or os.environ.get("WANDB_ENTITY")
    settings = {**settings, "mode": mode, "entity": entity if PLACE.holds(entity) else None}
    try:
        Outage(output_dir).end()
        keep_destination(settings, output_dir)
    except OSError as error:
        warn(f"W&B is left out, as nothing can be written for it: {message_of(error)}")
        return None
    return settings


def choose_mode(settings: Settings) -> str:
    """Return online, offline or none.

    What was asked for counts. Under auto, WANDB_MODE counts, then what `wandb offline` or
    `wandb disabled` keep. Without a key, or when no server answers within five seconds, or when it
    refuses the key, runs are written offline. There is one warning at most.
    """
    if settings["kind"] == "none":
        return "none"
    asked = settings["mode"] if settings["mode"] != "auto" else _mode_of_surroundings()
    if asked == "disabled":
        return "none"
    problem = None if asked == "offline" else find_problem()
    if problem is None and asked != "offline":
        return "online"
    try:
        with own_client(online=False):
            pass
    except Exception as error:  # whatever keeps the client from working at all
        warn(f"W&B is left out, as its client does not work: {message_of(error)}")
        return "none"
    if problem is not None and (problem != NO_KEY or asked == "online"):
        warn(f"{problem}: runs are written offline")
    return "offline"


def _mode_of_surroundings() -> str:
    """Return the mode that W&B's variables, or else its settings files, ask for; auto if none."""
    if os.environ.get("WANDB_DISABLED", "").lower() in ("1", "true", "yes", "on"):
        return "disabled"
    asked = os.environ.get("WANDB_MODE", "").lower()
    if not asked:
        with suppress(Exception), own_client(online=True) as client:
            asked = client.setup().settings.read_system_settings().all().get("mode", "")
    known = {"dryrun": "offline", **{mode: mode for mode in MODES}}
    return known.get(asked, "auto")


def find_problem() -> str | None:
    """Return why nothing can be sent now, or None where W&B answers and takes the key."""
    try:
        with own_client(online=True) as client:
            try:
                if not client.login(prompt=False, verify=False):
                    return NO_KEY
                settings = client.setup().settings
                address, key = str(settings.base_url), settings.api_key
                if key is None:  # but a token, which the client exchanges for one
                    Path(settings.identity_token_file).read_bytes()
            except Exception as error:
                return f"W&B's key is not one ({message_of(error)})"
    except Exception as error:  # of the user's own WANDB_ variables, files and directories
        return f"W&B's settings are wrong ({message_of(error)})"
    if not answers(address):
        return f"W&B does not answer at {address}"
    try:
        if key is not None:
            _within_time(lambda: _whose_key(address, key))
    except Exception as error:  # whatever a server may answer
        return f"W&B does not let this key in ({message_of(error)})"
    return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Turns a redirect into an error: another host has no business with the key."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _whose_key(address: str, key: str) -> str:
    """Return the user whose key it is, asked of the server without the client's own machinery.

    Raises:
        Exception: it is nobody's, or the server answers something else.
    """
    pair = base64.b64encode(f"api:{key}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}
    body = json.dumps({"query": "query Viewer { viewer { id username } }"}).encode()
    request = urllib.request.Request(f"{address}/graphql", data=body, headers=headers)
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=ANSWER_SECONDS) as answer:
            viewer = json.loads(answer.read(LONGEST_ANSWER))["data"]["viewer"]
    except urllib.error.HTTPError as error:
        error.close()
        raise
    if viewer is None:
        raise ValueError("nobody's")
    return str(viewer["username"])


def answers(address: str) -> bool:
    """Return whether any web server answers at an address in time, whatever it says."""

    def ask() -> None:
        try:
            urllib.request.urlopen(address, timeout=ANSWER_SECONDS).close()
        except urllib.error.HTTPError as error:
            error.close()

    try:
        _within_time(ask)
    except Exception:  # whatever is no answer of a web server
        return False
    return True


def _within_time(ask: Callable[[], object]) -> None:
    """Ask a server something, for a limited time.

    In a thread: a socket's own limit reaches neither the look-up of a name nor an answer that
    comes byte by byte.

    Raises:
        TimeoutError: it took too long.
        Exception: what was raised.
    """
    heard: SimpleQueue[Exception | None] = SimpleQueue()

    def listen() -> None:
        try:
            ask()
            heard.put(None)
        except Exception as error:
            heard.put(error)

    threading.Thread(target=listen, daemon=True).start()
    try:
        error = heard.get(timeout=ANSWER_SECONDS + 1)
    except Empty:
        raise TimeoutError("timed out") from None
    if error is not None:
        raise error
