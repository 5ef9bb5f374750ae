"""W&B that is down, slow or failing half-way: training does not notice."""

from __future__ import annotations

from tests.faults.command import Ended
from tests.faults.kind import kind
from tests.faults.trial import Trial
from tests.tracker.wandb_server import KEY, wandb_server

EVERY = 4  # its client takes seconds to come up
DELAY = 0.2  # seconds, of each answer of a slow server
NOWHERE = "http://127.0.0.1:9"


def run_mirrored(trial: Trial, url: str) -> Ended:
    """Run with a server at an address; whatever it does, the sweep is complete."""
    trial.settings["tracker"] = "wandb"
    home = {"HOME": str(trial.directory), "NETRC": str(trial.directory / "netrc")}
    mode = {"WANDB_MODE": "online", "WANDB_API_KEY": KEY, "WANDB_BASE_URL": url}
    ended = trial.run(environment=home | mode)
    trial.settings["tracker"] = "none"
    if ended.code != 0:
        trial.wrong.append(f"with W&B in trouble the sweep ends with {ended.code}")
    return ended


@kind("wandb-is-down", every=EVERY, cold=True)
def down(trial: Trial) -> None:
    trial.expect(run_mirrored(trial, NOWHERE), "rnnbench: warning: .*W&B does not answer")


@kind("wandb-is-slow", every=EVERY, cold=True)
def slow(trial: Trial) -> None:
    with wandb_server() as server:
        server.trouble, server.delay = "slow", DELAY
        run_mirrored(trial, server.url)


@kind("wandb-fails-half-way", every=EVERY, cold=True)
def fails_half_way(trial: Trial) -> None:
    with wandb_server() as server:
        server.fail_after(trial.draw.randint(1, 4), trial.draw.choice(("error", "gone")))
        run_mirrored(trial, server.url)
