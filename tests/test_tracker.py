"""W&B as a mirror: the real client, offline, read back with its own tool; and when it fails."""

import socket
import subprocess
import sys
import threading
import time

import pandas as pd
import pytest

from rnnbench.condition import Sweep
from rnnbench.tracker import mirror, reach
from rnnbench.tracker.mirror import WandbTracker, log_summary, open_tracker
from rnnbench.tracker.reach import choose_mode

from .wandb_reader import offline_runs

SETTINGS = {"kind": "wandb", "mode": "offline", "project": "rnnbench", "entity": None}
KEY = "0123456789" * 4


def record(seed):
    return {
        **{"run_id": f"{seed:016d}", "task": "copy", "cell": "gru", "gap": 20, "seed": seed},
        **{"lr": 3e-3, "engine": "reference", "chance_loss": 2.08, "load_bits": float("nan")},
        "config": {"task": {"name": "copy", "gap": 20, "score_on": "answers"}, "engine": "auto"},
        "environment": {"torch": "2"},
        "plateaus": {},
    }


def rows(seed):
    return [
        {"step": s, "loss": 2.0 / s, "accuracy": 0.1 * seed, "score": 0.0, "grad_norm": 0.5}
        for s in (5, 10, 12)
    ]


def by_name(output_dir):
    return {run["run"]["display_name"]: run for run in offline_runs(output_dir)}


@pytest.fixture
def mirrored(tmp_path):
    """Three runs open at once, one of which never finishes."""
    mirror = open_tracker(SETTINGS, tmp_path, "gaps")
    for seed in range(3):
        mirror.start(record(seed))
    for row in range(3):
        for seed in range(3):
            mirror.log(record(seed)["run_id"], rows(seed)[row])
    for seed in (1, 0):
        mirror.finish({**record(seed), "status": "unsolved", "loss": 0.25, "score": float("nan")})
    mirror.close()
    return by_name(tmp_path)


def test_every_run_arrives_whole(mirrored):
    assert sorted(mirrored) == [f"gru copy gap 20 seed {seed} lr 0.003" for seed in range(3)]
    for seed in range(3):
        run = mirrored[f"gru copy gap 20 seed {seed} lr 0.003"]
        assert (run["run"]["run_group"], run["run"]["job_type"]) == ("gaps", "copy")
        assert run["run"]["project"] == "rnnbench"
        assert run["run"]["tags"] == ["copy", "gru", "gap 20"]
        assert run["config"]["task"] == {"name": "copy", "gap": 20, "score_on": "answers"}
        assert (run["config"]["seed"], run["config"]["lr"]) == (seed, 3e-3)
        assert run["config"]["environment"] == {"torch": "2"}
        for got, sent in zip(run["history"], rows(seed), strict=True):
            assert {key: got[key] for key in sent} == sent
    finished = mirrored["gru copy gap 20 seed 0 lr 0.003"]
    assert finished["summary"]["loss"] == 0.25
    assert finished["summary"]["status"] == "unsolved"
    assert finished["summary"]["engine"] == "reference"
    assert finished["exit"] == 0
    assert mirrored["gru copy gap 20 seed 2 lr 0.003"]["exit"] == 1


def test_the_id_of_a_run_is_fixed_within_its_sweep(tmp_path):
    ids = []
    for place, sweep in (("a", "gaps"), ("b", "gaps"), ("c", "other")):
        mirror = WandbTracker(SETTINGS, tmp_path / place, sweep)
        mirror.start(record(0))
        mirror.close()
        (run,) = offline_runs(tmp_path / place)
        ids.append(run["run"]["run_id"])
    assert ids[0] == ids[1] != ids[2]


def test_an_error_of_the_client_is_one_warning_and_no_more(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(WandbTracker, "broken", False)
    attempts = []
    original = mirror.open_run
    monkeypatch.setattr(
        mirror, "open_run", lambda *a, **k: attempts.append(k["id"]) or original(*a, **k)
    )
    blocked = tmp_path / "file"
    blocked.write_text("")
    for seed in range(2):  # one tracker a job, as workers have them
        own = WandbTracker(SETTINGS, blocked, "gaps")
        own.start(record(seed))
        own.log(record(seed)["run_id"], rows(seed)[0])
        own.finish(record(seed))
        own.close()
    assert len(attempts) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "W&B is left out from here on" in line


def test_no_tracker_writes_nothing(tmp_path):
    mirror = open_tracker({**SETTINGS, "kind": "none"}, tmp_path, "gaps")
    mirror.start(record(0))
    mirror.log(record(0)["run_id"], rows(0)[0])
    mirror.finish(record(0))
    mirror.close()
    assert list(tmp_path.iterdir()) == []


def test_the_summary_run_has_the_table_and_the_figures(tmp_path):
    from PIL import Image

    report = tmp_path / "report"
    report.mkdir()
    Image.new("RGB", (4, 4)).save(report / "accuracy_vs_gap.png")
    frame = pd.DataFrame(
        {"task": ["copy"] * 2, "status": ["solved", "failed"], "plateaus": [{}, {}]}
    )
    sweep = Sweep("gaps", tmp_path, 0, False, SETTINGS, ())
    log_summary(sweep, frame, report, "offline")
    (run,) = offline_runs(tmp_path)
    assert (run["run"]["job_type"], run["run"]["run_group"]) == ("summary", "gaps")
    assert run["summary"]["runs"] == 2
    assert (run["summary"]["solved"], run["summary"]["failed"]) == (1, 1)
    (directory,) = (tmp_path / "wandb").glob("offline-run-*")
    media = [path.name for path in (directory / "files" / "media").rglob("*.*")]
    assert any(name.startswith("results") for name in media)
    assert any(name.startswith("accuracy_vs_gap") for name in media)


# -- which mode ------------------------------------------------------------------------------


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
    import os

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


@pytest.fixture
def refusing_server():
    """Answer every request with 404, as a server does that knows no such page."""
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404)

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_without_a_key_it_is_offline_without_a_word():
    assert ask(environment())[:2] == ("offline", [])


def test_without_a_key_but_asked_to_be_online_there_is_one_warning():
    mode, warnings, _ = ask(environment(), mode="online")
    assert mode == "offline"
    assert len(warnings) == 1


def test_an_unreachable_server_costs_little_time_and_one_warning(silent_server):
    for address in ("http://127.0.0.1:9", silent_server):
        mode, warnings, seconds = ask(environment(WANDB_API_KEY=KEY, WANDB_BASE_URL=address))
        assert mode == "offline"
        assert seconds < 15
        (line,) = warnings
        assert f"does not answer at {address}" in line
        assert KEY not in line


def test_a_server_that_answers_anything_is_there(refusing_server):
    variables = environment(WANDB_API_KEY=KEY, WANDB_BASE_URL=refusing_server)
    assert ask(variables)[:2] == ("online", [])


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
    no_account.setattr(reach, "has_key", lambda: pytest.fail("looked for a key"))
    assert choose_mode(settings) == mode


def test_wandb_is_loaded_only_when_a_run_starts():
    code = "import sys, rnnbench.worker, rnnbench.launcher; print('wandb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert mirror.INIT_SECONDS <= 5
