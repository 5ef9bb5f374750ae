"""Offline W&B runs, read back with W&B's own tool."""

import json
import subprocess
import sys
import time
from pathlib import Path

WANDB = str(Path(sys.executable).parent / "wandb")


def offline_runs(output_dir):
    """Return every offline run below a directory: run, config, history, summary and exit code."""
    return [read_back(path) for path in sorted((output_dir / "wandb").glob("offline-run-*"))]


def _inspect(directory):
    command = [WANDB, "leet", "inspect", "--json", str(directory)]
    return subprocess.run(command, capture_output=True, text=True)


def read_back(directory):
    done = _inspect(directory)
    deadline = time.monotonic() + 30  # W&B's own process may still be writing the last of it
    while done.returncode and time.monotonic() < deadline:
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
