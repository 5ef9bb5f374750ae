"""Signals, at any call by which a sweep touches its files: before, between and after its writes."""

from __future__ import annotations

from signal import SIGINT, SIGKILL, SIGTERM

from tests.faults.kind import kind
from tests.faults.trial import Trial

WRITING = ("open", "write", "fsync", "rename")
OF_WORKER = [
    *((call, place) for call in WRITING for place in ("runs/", "checkpoints/", "progress/")),
    *((call, "claims/") for call in ("mkdir", "write", "rename", "unlink")),
    ("unlink", "checkpoints/"),
]
OF_LAUNCHER = [
    *((call, ".manifest.json") for call in ("open", "write", "fsync")),
    ("rename", "manifest.json"),
    ("mkdir", "report"),
    *((call, "report/") for call in ("open", "write", "fsync", "rename")),
]
KILLED = r"failed: the worker process was killed by SIGKILL"
# The last condition may be done before it can be stopped; then nothing is left to continue.
STOPPED = r"stopping once all work is put away|the same command continues"


def send(trial: Trial, signal: int, target: str, points: list[tuple[str, str]]) -> None:
    """Let a drawn call of the sweep send a signal; say what it must say for itself, if it can."""
    trial.settings["workers"] = str(trial.draw.choice((1, 2)))
    ended = trial.run_with(trial.point(points), signal=int(signal), target=target)
    if ended.code == -SIGKILL:
        return
    if signal == SIGKILL:
        trial.expect(ended, KILLED)
    elif ended.code != 0:
        trial.expect(ended, STOPPED)


@kind("kill-a-worker")
def kill_worker(trial: Trial) -> None:
    send(trial, SIGKILL, "self", OF_WORKER)


@kind("kill-the-launcher")
def kill_launcher(trial: Trial) -> None:
    send(trial, SIGKILL, "parent", OF_WORKER)


@kind("kill-the-launcher-at-its-own-files")
def kill_launcher_itself(trial: Trial) -> None:
    send(trial, SIGKILL, "self", OF_LAUNCHER)


@kind("interrupt-the-launcher-at-its-own-files", every=2)
def interrupt_launcher_itself(trial: Trial) -> None:
    """Interrupt before or after the training, when there is nothing to put away."""
    signal = trial.draw.choice((SIGINT, SIGTERM))
    ended = trial.run_with(trial.point(OF_LAUNCHER), signal=int(signal), target="self")
    if ended.code != 128 + signal:
        trial.wrong.append(f"after {signal.name} the launcher ends with {ended.code}")
    trial.expect(ended, STOPPED)


@kind("kill-both")
def kill_both(trial: Trial) -> None:
    send(trial, SIGKILL, "group", OF_WORKER)


@kind("kill-half-of-a-write-done")
def kill_within_a_write(trial: Trial) -> None:
    """Leave a part of a file behind, as a crash of the machine would."""
    places = ("runs/", "checkpoints/", "progress/", "claims/", ".manifest.json")
    point = trial.point([("write", place) for place in places])
    trial.run_with(point, signal=int(SIGKILL), target="group", torn=1)


@kind("terminate-a-worker")
def terminate_worker(trial: Trial) -> None:
    send(trial, SIGTERM, "self", OF_WORKER)


@kind("terminate-the-launcher")
def terminate_launcher(trial: Trial) -> None:
    send(trial, SIGTERM, "parent", OF_WORKER)


@kind("terminate-both")
def terminate_both(trial: Trial) -> None:
    send(trial, SIGTERM, "group", OF_WORKER)


@kind("interrupt-both")
def interrupt_both(trial: Trial) -> None:
    """Press Ctrl-C in a terminal."""
    send(trial, SIGINT, "group", OF_WORKER)
