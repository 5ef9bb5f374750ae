"""Offline W&B runs, read back with W&B's own tool."""

import json
import subprocess
import time

from wandb.util import get_core_path


def offline_runs(output_dir):
    """Return every offline run below a directory: run, config, history, summary and exit code."""
    return [read_back(path) for path in sorted((output_dir / "wandb").glob("offline-run-*"))]


def _inspect(directory):
    """Do as `wandb leet inspect --json` does, which takes half a second to find the same words."""
    (file,) = directory.glob("run-*.wandb")
    command = [get_core_path(), "leet", "inspect", "--no-observability", "--json"]
    command += ["--run-file", str(file), str(directory.parent)]
    return subprocess.run(command, capture_output=True, text=True)


def _is_whole(done):
    return done.returncode == 0 and '"type":"exit"' in done.stdout


def read_back(directory):
    done = _inspect(directory)
    deadline = time.monotonic() + 30  # W&B's own process may still be writing the last of it
    while not _is_whole(done) and time.monotonic() < deadline:
        time.sleep(0.5)
        done = _inspect(directory)
    assert done.returncode == 0, done.stderr
    found = {"history": [], "summary": {}, "exit": None}
    for entry in map(json.loads, done.stdout.splitlines()):
        content = entry.get(entry["type"])
        if entry["type"] == "run":
            found["run"], found["config"] = content, content["config"]["update"]
        elif entry["type"] == "history":
            found["history"].append(content["item"])
        elif entry["type"] == "summary":
            found["summary"] |= content["update"]
        elif entry["type"] == "exit":
            found["exit"] = content.get("exit_code", 0)
    return found
