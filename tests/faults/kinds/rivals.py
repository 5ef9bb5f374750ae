"""Two launchers on one directory at once."""

from __future__ import annotations

from signal import SIGKILL

from tests.faults import shim
from tests.faults.kind import kind
from tests.faults.kinds.signals import OF_WORKER
from tests.faults.sweep import CONDITIONS
from tests.faults.trial import Trial


@kind("two-launchers")
def two_launchers(trial: Trial) -> None:
    """Start two at once; each condition is trained by one of them."""
    rivals = [trial.start(), trial.start(name="rival")]
    told = ""
    for rival in rivals:
        ended = trial.note(rival.wait())
        told += ended.err
        if ended.code != 0:
            trial.wrong.append(f"a launcher beside another ends with {ended.code}")
    ends = [line for line in told.splitlines() if line.startswith("[")]
    own = [line for line in ends if "elsewhere" not in line]
    if len(own) != CONDITIONS:
        trial.wrong.append(f"{CONDITIONS} conditions were trained {len(own)} times: {own}")


@kind("two-launchers-one-killed")
def one_of_two_is_killed(trial: Trial) -> None:
    """Kill the one that comes to a point; the other takes over what it held."""
    point, count = trial.point(OF_WORKER), trial.directory / "count"
    how = {"signal": int(SIGKILL), "target": "group"}
    environment = shim.fault(point, trial.output_dir, count, how)
    rivals = [trial.start(name=name, environment=environment) for name in ("one", "other")]
    ended = [trial.note(rival.wait()) for rival in rivals]
    codes = sorted((each.code for each in ended), key=lambda code: code != -SIGKILL)
    if codes != [-SIGKILL, 0]:
        trial.wrong.append(f"of two launchers, one killed, the codes are {codes}")
