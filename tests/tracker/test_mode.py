"""Online, offline or not at all: asked once, and told in a line where it is not what was asked."""

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from types import SimpleNamespace

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


def ask(environment, mode="auto", cwd=None):
    """Choose the mode in a fresh process, as the launcher does: mode, warnings, seconds."""
    code = (
        "from rnnbench.tracker.reach import choose_mode;"
        f"print(choose_mode({{'kind': 'wandb', 'mode': {mode!r}}}))"
    )
    start = time.monotonic()
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=True, cwd=cwd
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


def test_a_variable_of_wandb_that_it_does_not_take_is_one_warning():
    mode, (warning,), _ = ask({**environment(), "WANDB_BASE_URL": "nonsense"})
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


@pytest.mark.parametrize(
    "trouble", ["wrong key", "error", pytest.param("hang", marks=pytest.mark.long)]
)
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
        ("online", {"kind": "wandb", "mode": "offline"}, "offline"),
        ("online", {"kind": "wandb", "mode": "disabled"}, "none"),
        ("disabled", {"kind": "wandb", "mode": "offline"}, "offline"),
        ("DRYRUN", {"kind": "wandb", "mode": "auto"}, "offline"),
    ],
)
def test_what_is_asked_for_is_taken_without_a_look(no_account, variable, settings, mode):
    if variable is not None:
        no_account.setenv("WANDB_MODE", variable)
    no_account.setattr(reach, "find_problem", lambda: pytest.fail("looked for a key"))
    assert choose_mode(settings) == mode


def test_online_is_asked_for_over_the_environment(no_account, capsys):
    no_account.setenv("WANDB_MODE", "disabled")
    no_account.setattr(reach, "find_problem", lambda: None)
    assert choose_mode({"kind": "wandb", "mode": "online"}) == "online"
    assert choose_mode({"kind": "wandb", "mode": "auto"}) == "none"
    no_account.delenv("WANDB_MODE")
    no_account.setenv("WANDB_DISABLED", "true")
    assert choose_mode({"kind": "wandb", "mode": "auto"}) == "none"


@pytest.mark.parametrize(("kept", "mode"), [("disabled", "none"), ("offline", "offline")])
def test_under_auto_what_wandb_s_own_commands_keep_counts(kept, mode, tmp_path):
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb" / "settings").write_text(f"[default]\nmode = {kept}\n")
    variables = environment(WANDB_API_KEY=KEY, WANDB_BASE_URL="http://127.0.0.1:9")
    variables["PYTHONPATH"] = os.getcwd()
    assert ask(variables, cwd=tmp_path)[:2] == (mode, [])


def of_length(body, status="200 OK", more=""):
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n{body}".encode()


def drip(peer):
    peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        peer.sendall(b" ")
        time.sleep(0.05)


def flood(peer):
    peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        peer.sendall(b"[" * 10_000)


ANSWERS = {
    "cut off": b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"data":',
    "cut off in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
    "another protocol": b"220 ready\r\n",
    "nothing": b"",
    "a page": of_length("<html>"),
    "a list": of_length("[]"),
    "null": of_length('{"data": null}'),
    "a text for a user": of_length('{"data": {"viewer": "me"}}'),
    "nobody": of_length('{"data": {"viewer": null}}'),
    "deep": of_length("[" * 50_000),
    "elsewhere": of_length("", "307 Moved", "Location: http://127.0.0.1:9/\r\n"),
    "round and round": of_length("", "302 Moved", "Location: /\r\n"),
    "a long header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000,
    "drip": drip,
    "flood": flood,
}


@contextmanager
def answering(answer, alive):
    """Serve one answer to whoever brings a key, and another to whoever asks for life."""

    def serve(peer):
        with suppress(OSError), peer:
            found = answer if peer.recv(65536).startswith(b"POST") else alive
            found(peer) if callable(found) else peer.sendall(found)

    def listen(server):
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=server.accept()[:1], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=listen, args=[server], daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("kind", ANSWERS)
def test_whatever_is_answered_is_one_warning(kind, monkeypatch, capsys):
    monkeypatch.setattr(reach, "ANSWER_SECONDS", 0.5)
    client = SimpleNamespace(
        login=lambda **_: True, setup=lambda: SimpleNamespace(settings=settings)
    )
    monkeypatch.setattr(reach, "own_client", lambda online: nullcontext(client))
    for alive in (of_length("ok"), ANSWERS[kind]):
        with answering(ANSWERS[kind], alive) as address:
            settings = SimpleNamespace(base_url=address, api_key=KEY)
            start = time.monotonic()
            assert choose_mode({"kind": "wandb", "mode": "online"}) == "offline"
            assert time.monotonic() - start < 5
        (line,) = capsys.readouterr().err.splitlines()
        assert "does not let this key in" in line or "does not answer" in line


def test_wandb_is_loaded_only_when_a_run_starts():
    code = "import sys, rnnbench.launcher.worker, rnnbench.launcher; print('wandb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert client.INIT_SECONDS <= 5
