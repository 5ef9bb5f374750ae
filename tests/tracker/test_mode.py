"""Online, offline or not at all: asked once, and told in a line where it is not what was asked."""

import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from rnnbench.tracker import client, reach
from rnnbench.tracker.reach import choose_mode

from .wandb_server import KEY, wandb_server

SETTINGS = {"kind": "wandb", "mode": "offline", "project": "rnnbench", "entity": None}


@pytest.fixture
def no_account(monkeypatch, tmp_path):
    """A home without a key, and no setting from the outside."""
    for name in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    return monkeypatch


def ask(environment, mode="auto"):
    """Choose the mode in a fresh process, as the launcher does: mode, warnings, seconds."""
    code = (
        "from rnnbench.tracker.reach import choose_mode;"
        f"print(choose_mode({{'kind': 'wandb', 'mode': {mode!r}}}))"
    )
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    return done.stdout.strip(), done.stderr.splitlines(), time.monotonic() - start


def environment(**variables):
    hidden = ("WANDB_MODE", "WANDB_API_KEY", "WANDB_BASE_URL", "HOME", "NETRC")
    rest = {key: value for key, value in os.environ.items() if key not in hidden}
    return {**rest, "HOME": "/nonexistent", "NETRC": "/nonexistent/netrc", **variables}


@pytest.fixture
def silent_server():
    """Accept connections and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []
        thread = threading.Thread(target=lambda: held.append(server.accept()[0]), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()
        held.pop().close()


def test_without_a_key_it_is_offline_without_a_word():
    assert ask(environment())[:2] == ("offline", [])


def test_without_a_key_but_asked_to_be_online_there_is_one_warning():
    mode, warnings, _ = ask(environment(), mode="online")
    assert mode == "offline"
    assert len(warnings) == 1


@pytest.mark.parametrize("variable", ["WANDB_BASE_URL", "WANDB_SILENT"])
def test_a_variable_of_wandb_that_it_does_not_take_is_one_warning(variable):
    mode, (warning,), _ = ask({**environment(), variable: "nonsense"})
    assert mode == "offline"
    assert "W&B's settings are wrong" in warning


def test_an_unreachable_server_costs_little_time_and_one_warning(silent_server):
    for address in ("http://127.0.0.1:9", silent_server):
        mode, warnings, seconds = ask(environment(WANDB_API_KEY=KEY, WANDB_BASE_URL=address))
        assert mode == "offline"
        assert seconds < 15
        (line,) = warnings
        assert f"does not answer at {address}" in line
        assert KEY not in line


def test_a_key_that_the_server_knows_is_online():
    with wandb_server() as server:
        variables = environment(WANDB_API_KEY=KEY, WANDB_BASE_URL=server.url)
        assert ask(variables)[:2] == ("online", [])


@pytest.mark.parametrize("trouble", ["wrong key", "error", "hang"])
def test_a_key_that_is_not_let_in_is_offline_with_one_warning(trouble):
    with wandb_server() as server:
        server.trouble = None if trouble == "wrong key" else trouble
        key = KEY[::-1] if trouble == "wrong key" else KEY
        variables = environment(WANDB_API_KEY=key, WANDB_BASE_URL=server.url)
        mode, warnings, seconds = ask(variables)
        assert (mode, len(warnings)) == ("offline", 1)
        assert "does not let this key in" in warnings[0]
        assert key not in warnings[0]
        assert seconds < 20
        assert server.runs == {}


@pytest.mark.parametrize(
    ("variable", "settings", "mode"),
    [
        ("offline", {"kind": "wandb", "mode": "auto"}, "offline"),
        ("disabled", {"kind": "wandb", "mode": "auto"}, "none"),
        (None, {"kind": "none", "mode": "auto"}, "none"),
        (None, {"kind": "wandb", "mode": "offline"}, "offline"),
    ],
)
def test_what_is_asked_for_is_taken_without_a_look(no_account, variable, settings, mode):
    if variable is not None:
        no_account.setenv("WANDB_MODE", variable)
    no_account.setattr(reach, "find_problem", lambda: pytest.fail("looked for a key"))
    assert choose_mode(settings) == mode


def test_wandb_is_loaded_only_when_a_run_starts():
    code = "import sys, rnnbench.launcher.worker, rnnbench.launcher; print('wandb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert client.INIT_SECONDS <= 5
