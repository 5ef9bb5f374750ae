"""Whatever W&B's variables and files hold: each run is its own, and there is one line at most."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .wandb_server import KEY

PROJECT = Path(__file__).resolve().parents[2]
AGENT = {
    **{"WANDB_SWEEP_ID": "s1", "WANDB_RUN_ID": "agents", "WANDB_PROJECT": "x", "WANDB_ENTITY": "e"},
    **{"WANDB_RUN_GROUP": "theirs", "WANDB_NAME": "theirs", "WANDB_TAGS": "a,b"},
    **{"WANDB_NOTES": "theirs", "WANDB_JOB_TYPE": "theirs", "WANDB_RESUME": "must"},
    **{"WANDB_DIR": "elsewhere", "WANDB_SWEEP_PARAM_PATH": "none.yaml", "WANDB_MODE": "disabled"},
}
LAUNCHED = {
    **{"WANDB_LAUNCH": "true", "WANDB_CONFIG": '{"theirs": 1}', "WANDB_LAUNCH_QUEUE_NAME": "q"},
    **{"WANDB_RESUME_FROM": "other?_step=3", "WANDB_CONFIG_PATHS": "none.yaml"},
    **{"WANDB_SERVICE": "3-1-unix-/nowhere", "WANDB_SILENT": "nonsense", "TRAINING_JOB_NAME": "t"},
}
FILES = (
    "[default]\nrun_id = theirs\nsweep_id = s1\nproject = x\nrun_group = theirs\nmode = disabled\n"
)
TWO_RUNS = """
import json, os
from pathlib import Path
from rnnbench.tracker.client import open_run

before, runs = dict(os.environ), []
for wanted in ("a" * 16, "b" * 16):
    settings = {"mode": "offline", "project": "p", "entity": None}
    run = open_run(settings, Path("o"), id=wanted, name="n", group="g", job_type="j",
                   tags=["t"], config={"c": 1})
    place = Path(run.dir).parts[:2]
    runs.append([run.id, run.project, run.name, run.group, run.job_type, *run.tags, run.notes,
                 run.sweep_id, dict(run.config), *place])
    run.finish()
assert dict(os.environ) == before
print(json.dumps(runs))
"""
# A process that has used W&B already keeps its own settings, and its own run.
OF_ITS_OWN = """
import wandb
own = wandb.init(mode="offline", dir=".", settings=wandb.Settings(silent=True))
assert own.id == "agents" and own.config["theirs"] == 1
"""
STILL_ITS_OWN = """
assert wandb.setup().settings.sweep_id == "s1" and own.id == "agents"
own.log({"a": 1})
own.finish()
"""


def python(code, place, variables):
    """Run code under some variables, in a home and a directory of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WANDB_")}
    paths = {"HOME": str(place), "NETRC": str(place / "netrc"), "PYTHONPATH": str(PROJECT)}
    paths["RNNBENCH_CACHE"] = str(place / "cache")
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=place,
        env={**kept, **paths, **variables},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
    )


@pytest.mark.parametrize("kind", ["agent", "launched", "files", "own"])
def test_each_run_keeps_its_id_project_and_place(kind, tmp_path):
    own = {k: v for k, v in AGENT.items() if k != "WANDB_RESUME"} | {"WANDB_MODE": "offline"}
    variables = {"agent": AGENT, "launched": LAUNCHED, "own": own}
    code = OF_ITS_OWN + TWO_RUNS + STILL_ITS_OWN if kind == "own" else TWO_RUNS
    (tmp_path / "none.yaml").write_text("theirs:\n  value: 1\n")
    if kind == "files":
        for place in (tmp_path / "wandb", tmp_path / ".config" / "wandb"):
            place.mkdir(parents=True)
            (place / "settings").write_text(FILES)
    done = python(code, tmp_path, variables.get(kind, {}))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    last = done.stdout.splitlines()[-1]
    rest = ["p", "n", "g", "j", "t", None, None, {"c": 1}, "o", "wandb"]
    assert json.loads(last) == [["a" * 16, *rest], ["b" * 16, *rest]]
    assert not (tmp_path / "elsewhere").exists()


PREPARED = """
from pathlib import Path
from rnnbench.tracker import prepare
from rnnbench.tracker.client import open_run

asked = {"kind": "wandb", "mode": "auto", "project": "p", "entity": None, "tags": [], "notes": None}
found = prepare({**asked, "group": None}, Path("o"))
print(found and found["mode"])
if found:
    run = open_run(found, Path("o"), id="a", name="n", group="g", job_type="j", tags=[], config={})
    run.finish()
    print(len(list(Path("o/wandb").glob("offline-run-*"))))
"""
BROKEN = {
    "short key": {"WANDB_API_KEY": "short"},
    "key and newline": {"WANDB_API_KEY": f"{KEY}\n"},
    "no key of ASCII": {"WANDB_API_KEY": "ü" * 40, "WANDB_BASE_URL": "http://127.0.0.1:9"},
    "no key of UTF-8": {"WANDB_API_KEY": os.fsdecode(b"\xff" * 40)},
    "no address": {"WANDB_API_KEY": KEY, "WANDB_BASE_URL": "http://[::1"},
    "two keys": {"WANDB_API_KEY": KEY, "WANDB_IDENTITY_TOKEN_FILE": "t"},
    "no token": {"WANDB_IDENTITY_TOKEN_FILE": "no/file"},
    "a netrc of others": {"NETRC": "bad"},
    "settings of others": {"WANDB_CONFIG_DIR": "."},
    "no home to write to": {"HOME": "/proc/none", "RNNBENCH_CACHE": "/proc/none"},
}
LINES = {"a netrc of others": (0, 1), "no home to write to": (0,)}
QUICK = ("key and newline", "no token")


@pytest.mark.parametrize(
    "kind", [k if k in QUICK else pytest.param(k, marks=pytest.mark.slow) for k in BROKEN]
)
def test_what_is_broken_is_one_line_and_offline_files(kind, tmp_path):
    (tmp_path / "bad").write_bytes(b'machine api.wandb.ai login x password "\xff\n')
    (tmp_path / "settings").write_bytes(b"\xff[default\nbase_url")
    done = python(PREPARED, tmp_path, BROKEN[kind])
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["offline", "1"]
    assert len(done.stderr.splitlines()) in LINES.get(kind, (1,)), done.stderr
    assert KEY not in done.stderr


def test_a_client_that_does_not_work_at_all_is_one_line_and_no_files(tmp_path):
    code = "import sys; sys.modules['wandb'] = None\n" + PREPARED
    done = python(code, tmp_path, {})
    assert (done.returncode, done.stdout.split()) == (0, ["None"])
    (line,) = done.stderr.splitlines()
    assert "W&B is left out, as its client does not work" in line
    assert not (tmp_path / "o").exists()


KILLED = """
import os, signal, time
from pathlib import Path
from rnnbench.tracker.mirror import open_tracker
from tests.stored_record import stored_record

def services():
    tasks = Path("/proc/self/task").iterdir()
    return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]

settings = {"kind": "wandb", "mode": "offline", "project": "p", "entity": None}
tracker, record = open_tracker(settings, Path("o"), "s"), stored_record()
tracker.start(record)
while not list(Path("o").glob("wandb/*/run-*.wandb")):
    time.sleep(0.05)
for pid in services():
    os.kill(pid, signal.SIGKILL)
tracker.log(record["run_id"], {"step": 1, "loss": 1.0})
tracker.finish(record)
tracker.close()
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found by /proc")
def test_a_service_that_dies_is_one_line(tmp_path):
    done = python(KILLED, tmp_path, {})
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert "W&B is left out from here on" in line
