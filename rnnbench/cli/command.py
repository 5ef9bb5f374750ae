"""Run what a command or a notebook asks for: compose its jobs, check them and launch them."""

from __future__ import annotations

import gc
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rnnbench.cli.compose import compose
from rnnbench.console import ExitCode, Mistake, printable, say
from rnnbench.experiment.class_path import find_own

if TYPE_CHECKING:
    import pandas as pd


def run_command(argv: Sequence[str] | None = None) -> int:
    """Compose and check all jobs, then launch them; return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    thresholds = gc.get_threshold()
    gc.set_threshold(100_000)  # what composing makes stays: looking for garbage is in vain
    find_own()
    try:
        configurations = compose(arguments or ["--help"])
        if not configurations:
            return ExitCode.DONE
        from rnnbench.cli.sweeps import make_sweeps  # not for help and completion: it takes torch

        sweeps = make_sweeps(configurations, shlex.join(["python", "-m", "rnnbench", *arguments]))
    except Mistake as mistake:
        say(f"error: {mistake}")
        return ExitCode.CANNOT_RUN
    except KeyboardInterrupt:
        say("stopped")
        return ExitCode.INTERRUPTED
    finally:
        gc.set_threshold(*thresholds)
    from rnnbench.launcher import launch

    return launch(sweeps)


def run(
    *,
    task: str = "copy",
    cell: str = "lstm",
    gap: int | None = None,
    seeds: int | Sequence[int] | None = None,
    **overrides: Any,
) -> pd.DataFrame:
    """Train in this process, without workers; runs that are stored are not trained again.

    Args:
        task: copy, adding, recall.
        cell: rnn, lstm, gru.
        gap: dependency distance in time steps.
        seeds: a number, or a list.
        overrides: any other key of the command line: `**{"trainer.steps": 500}`.

    Returns:
        One row per run asked for, as `load_results` gives them.

    Raises:
        ValueError: a key or a value is wrong; the text is one line.
    """
    import pandas as pd

    from rnnbench.cli.sweeps import make_sweeps
    from rnnbench.launcher import launch_here, with_chosen_rates, with_told_rates
    from rnnbench.store.frames import load_results

    values = {"task": task, "cell": cell, "task.gap": gap, "seeds": seeds, "tracker": "none"}
    given = {key: value for key, value in values.items() if value is not None} | overrides
    try:
        sweeps = make_sweeps(compose([f"{key}={_word(value)}" for key, value in given.items()]))
    except Mistake as mistake:
        raise ValueError(printable(str(mistake))) from mistake
    frames = []
    for sweep in sweeps:
        launch_here(sweep)
        settled = with_chosen_rates(with_told_rates(sweep))  # where tuning has chosen them
        wanted = {c.run_id(replica) for c, replicas in settled.jobs for replica in replicas}
        results = load_results(sweep.output_dir)
        frames.append(results[results["run_id"].isin(wanted)])
    return pd.concat(frames, ignore_index=True)


def _word(value: Any) -> str:
    """Write a value as the command line does."""
    if isinstance(value, list | tuple | range):
        return f"[{','.join(map(_word, value))}]"
    return "null" if value is None else str(value)
