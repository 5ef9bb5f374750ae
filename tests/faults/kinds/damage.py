"""Files that are not what was written: torn, emptied, with a flipped bit, foreign or newer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.faults.kind import kind
from tests.faults.sweep import records
from tests.faults.trial import Trial

FOREIGN = [
    b'{"name": "another-project", "version": "1.0.0", "dependencies": {}}',
    b'{"best": 0.93, "epoch": 12, "run_id": 7, "status": "solved"}',
    b'["a", "list"]',
    b"null",
]
NEWER = 99


def torn(content: bytes, draw: Random) -> bytes:
    return content[: draw.randrange(len(content))]


def emptied(content: bytes, draw: Random) -> bytes:
    return b""


def zeroed(content: bytes, draw: Random) -> bytes:
    """Keep the length: what some file systems leave of a file after a crash."""
    return bytes(len(content))


def flipped(content: bytes, draw: Random) -> bytes:
    place, bit = draw.randrange(len(content)), draw.randrange(8)
    return content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :]


def foreign(content: bytes, draw: Random) -> bytes:
    return draw.choice(FOREIGN)


def newer(content: bytes, draw: Random) -> bytes:
    """Do as a later version might: another number of the format, and a key that is not known."""
    return json.dumps(json.loads(content) | {"format": NEWER, "novelty": 1}).encode()


BINARY = (torn, emptied, zeroed, foreign, flipped, flipped)  # the least, and the likeliest


def damage(trial: Trial, pattern: str, ways: tuple[Callable[[bytes, Random], bytes], ...]) -> Path:
    """Damage one of the files of a sweep that was stopped half-way; return which."""
    trial.take_half_way()
    path = trial.draw.choice(sorted(trial.directory.glob(pattern)))
    trial.damage(path, trial.draw.choice(ways)(path.read_bytes(), trial.draw))
    return path


def name(path: Path) -> str:
    """Return the pattern of a line that names a file."""
    return rf"rnnbench: warning: .*{re.escape(path.name)}"


@kind("damaged-record")
def damaged_record(trial: Trial) -> None:
    trial.wants = name(damage(trial, "out/runs/*.json", BINARY))


@kind("record-of-a-newer-version")
def newer_record(trial: Trial) -> None:
    """Put a later version's record there: nothing runs, and nothing is written over it."""
    path = damage(trial, "out/runs/*.json", (newer,))
    content = path.read_bytes()
    ended = trial.run()
    trial.expect(ended, rf"error: .*{re.escape(path.name)} .*upgrade rnnbench to read it")
    if ended.code != 2 or path.read_bytes() != content:
        trial.wrong.append(f"a sweep over a newer record ends with {ended.code}")
    path.unlink()
    trial.known.pop(path.stem)


@kind("damaged-weights")
def damaged_weights(trial: Trial) -> None:
    trial.wants = name(damage(trial, "out/runs/*.safetensors", BINARY))


@kind("damaged-checkpoint")
def damaged_checkpoint(trial: Trial) -> None:
    trial.wants = name(damage(trial, "out/checkpoints/*", BINARY))


@kind("damaged-manifest")
def damaged_manifest(trial: Trial) -> None:
    """Damage the plan; one with a flipped bit may still be as good as it was."""
    trial.wants = name(damage(trial, "out/manifest.json", (torn, emptied, zeroed, foreign)))


@kind("damaged-choice-of-engines", every=2, engine="auto")
def damaged_engines(trial: Trial) -> None:
    trial.wants = name(damage(trial, "out/engines.json", (torn, emptied, zeroed, foreign)))


@kind("damaged-kernel", every=4, engine="compiled")
def damaged_kernel(trial: Trial) -> None:
    """Damage a built kernel or its seal: it is built again, and need not be told."""
    damage(trial, "cache/kernels/*", BINARY)


@kind("damaged-news")
def damaged_news(trial: Trial) -> None:
    """Damage what is shown of a condition in training; it shows less, and that is all."""
    leave_files(trial, "progress", ".json")


@kind("damaged-claim")
def damaged_claim(trial: Trial) -> None:
    """Leave claims whose owners cannot be told, so that nobody knows whether they live."""
    leave_files(trial, "claims", "")


def leave_files(trial: Trial, folder: str, ending: str) -> None:
    """Let the conditions that are left have files of any content in a folder."""
    trial.take_half_way()
    known = json.loads((trial.output_dir / "manifest.json").read_bytes())["conditions"]
    done = {record["condition_id"] for _, record in records(trial.output_dir)}
    for identity in sorted(known.keys() - done):
        place = trial.output_dir / folder / f"{identity}{ending}"
        if not ending:
            place.mkdir(parents=True)
            place /= "0123456789abcdef.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        content = json.dumps({"step": 3, "host": "elsewhere", "pid": 1}).encode()
        trial.damage(place, trial.draw.choice((*BINARY, newer))(content, trial.draw))
