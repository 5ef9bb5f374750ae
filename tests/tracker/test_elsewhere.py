"""No file among somebody's results, and no other host, gets the key or has a file touched."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from rnnbench.store.records import encode
from rnnbench.tracker.mirror import mark_sent
from rnnbench.tracker.reach import _whose_key
from tests.stored_record import stored_record

from .wandb_server import KEY, wandb_server
from .wandb_sweep import command


class Listener(HTTPServer):
    """A host that keeps what it was sent for a key, and may send everybody on to another one."""

    def __init__(self, onward=None):
        self.heard, self.onward = [], onward
        super().__init__(("127.0.0.1", 0), Listening)
        self.url = f"http://localhost:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Listening(BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.heard.append(self.headers.get("Authorization"))
        self.send_response(302 if self.server.onward else 200)
        if self.server.onward:
            self.send_header("Location", self.server.onward)
        self.end_headers()
        self.wfile.write(b'{"data": {"viewer": {"username": "me"}}}')

    do_POST = do_GET

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def elsewhere():
    server = Listener()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def foreign(tmp_path):
    """Somebody's results."""
    (tmp_path / "records.jsonl").write_text(f"{encode(stored_record())}\n")
    return tmp_path


SETTINGS = "[default]\nbase_url = {}\n"


@pytest.mark.long
def test_the_users_own_settings_name_the_server(foreign):
    own = foreign / "home" / ".config" / "wandb"
    own.mkdir(parents=True)
    with wandb_server() as server:
        (own / "settings").write_text(SETTINGS.format(server.url))
        command("rnnbench.sync", ".", cwd=foreign, key=KEY, home=foreign / "home")
    assert server.requests["Viewer"]


def test_no_redirect_is_followed_with_the_key(elsewhere):
    asked = Listener(onward=f"{elsewhere.url}/graphql")
    with pytest.raises(OSError, match="302"):
        _whose_key(asked.url, KEY)
    asked.shutdown()
    asked.server_close()
    assert len(asked.heard) == 1
    assert elsewhere.heard == []


def offline_run(place):
    place.mkdir(parents=True)
    (place / "run-abc.wandb").touch()
    return place / "run-abc.wandb.synced"


def test_a_run_is_marked_in_a_results_directory_that_is_a_link(tmp_path):
    mark = offline_run(tmp_path / "real" / "wandb" / "offline-run-1-abc")
    (tmp_path / "out").symlink_to(tmp_path / "real")
    mark_sent(tmp_path / "out", "abc")
    assert mark.exists()


@pytest.mark.parametrize("link", ["wandb", "wandb/offline-run-1-abc", "mark"])
def test_no_file_elsewhere_is_touched(tmp_path, link):
    out, other = tmp_path / "out", tmp_path / "elsewhere"
    if link == "mark":
        offline_run(out / "wandb" / "offline-run-1-abc").symlink_to(other / "file")
    else:
        offline_run(other if link.count("/") else other / "offline-run-1-abc")
        (out / link).parent.mkdir(parents=True)
        (out / link).symlink_to(other)
    before = sorted(other.rglob("*"))
    other.mkdir(exist_ok=True)
    mark_sent(out, "abc")
    assert sorted(other.rglob("*")) == before
