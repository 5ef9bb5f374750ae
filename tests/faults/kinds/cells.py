"""A user's own cell that is out of order: its condition fails and says so, the others go on."""

from __future__ import annotations

from tests.faults.command import Ended
from tests.faults.kind import kind
from tests.faults.sweep import CONDITIONS, RUNS, records, runs
from tests.faults.trial import Missed, Trial

CALLS = 150  # of its update, in its first condition
# The limit of a condition: a new worker's first one begins with importing torch.
WARM_SECONDS, COLD_SECONDS = 4, 20


def trouble(trial: Trial, what: str) -> Ended:
    """Run with a cell that does something at a drawn call, in one condition."""
    token = trial.directory / "had"
    nth = trial.draw.randint(1, CALLS)
    ended = trial.run(environment={"TROUBLE": f"{what}:{nth}", "TROUBLE_ONCE": str(token)})
    if not token.exists():
        raise Missed(f"call {nth} of the cell did not come")
    return ended


def expect_one_failure(trial: Trial, ended: Ended, pattern: str) -> None:
    """Expect that one condition failed and said why, and that all others are complete."""
    trial.expect(ended, rf"recall gap [57] own: failed: .*{pattern}")
    if ended.code != 1:
        trial.wrong.append(f"with a condition that failed the sweep ends with {ended.code}")
    found, expected = runs(trial.output_dir), trial.bench.numbers[trial.engine]
    whole = [run for run, numbers in found.items() if numbers == expected[run]]
    if len(found) < RUNS - RUNS // CONDITIONS or whole != list(found):
        trial.wrong.append(f"{len(found)} of {RUNS} runs are there, {len(whole)} as they should be")


@kind("a-cell-raises-an-error")
def raises(trial: Trial) -> None:
    what, said = trial.draw.choice(
        [
            ("raise_error", "ValueError: the cell is out of order"),
            ("interrupt", "KeyboardInterrupt"),
            ("exit_python", "SystemExit: 3"),
        ]
    )
    expect_one_failure(trial, trouble(trial, what), said)


@kind("a-cell-ends-its-process")
def ends(trial: Trial) -> None:
    what, said = trial.draw.choice(
        [
            ("leave", "the worker process ended with exit code 3"),
            ("abort", "the worker process was killed by SIGABRT"),
            ("fault", "the worker process was killed by SIGSEGV"),
        ]
    )
    expect_one_failure(trial, trouble(trial, what), said)


@kind("a-cell-hangs", every=2)
def hangs(trial: Trial) -> None:
    trial.settings["condition_seconds"] = str(COLD_SECONDS if trial.cold else WARM_SECONDS)
    expect_one_failure(trial, trouble(trial, "hang"), "condition_seconds")


@kind("a-cell-prints-megabytes")
def prints(trial: Trial) -> None:
    ended = trouble(trial, "talk")
    if ended.code != 0:
        trial.wrong.append(f"with a cell that prints the sweep ends with {ended.code}")


@kind("a-cell-is-out-of-memory")
def out_of_memory(trial: Trial) -> None:
    what, said = trial.draw.choice(
        [("take_memory", "can't allocate memory"), ("raise_memory_error", "MemoryError")]
    )
    expect_one_failure(trial, trouble(trial, what), said)


@kind("a-cell-cannot-be-imported")
def cannot_be_imported(trial: Trial) -> None:
    """Break the module of a sweep that is half done."""
    trial.take_half_way()
    ended = trial.run(environment={"TROUBLE": "import"})
    trial.expect(ended, r"^rnnbench: error: cell must name a class .*out of order\n$")
    if ended.code != 2:
        trial.wrong.append(f"with a cell that cannot be imported it ends with {ended.code}")


@kind("not-a-number")
def not_a_number(trial: Trial) -> None:
    diverge(trial, "nan")


@kind("infinite-values")
def infinite(trial: Trial) -> None:
    diverge(trial, "infinite")


@kind("infinite-gradients")
def infinite_gradient(trial: Trial) -> None:
    diverge(trial, "infinite_gradient")


def diverge(trial: Trial, what: str) -> None:
    """Spoil one replica of one condition: it has diverged, for good, and the others differ not."""
    ended = trouble(trial, what)
    spoiled = {path.stem: r for path, r in records(trial.output_dir) if r["status"] == "diverged"}
    trial.spoiled = set(spoiled)
    if ended.code != 0 or len(spoiled) > 1:
        trial.wrong.append(f"{len(spoiled)} replicas diverged, code {ended.code}")
    if not spoiled:
        return
    (record,) = spoiled.values()
    trial.expect(ended, r"recall gap [57] own: 1 diverged, 1 unsolved")
    if (record["loss"], record["score"]) != (None, 0.0):
        trial.wrong.append(f"diverged with loss {record['loss']} and score {record['score']}")
