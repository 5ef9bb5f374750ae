"""Train from Python: in the calling process, which is left as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rnnbench.console import Mistake, leave_if_repeated, mistakes, printable

if TYPE_CHECKING:
    import pandas as pd

    from rnnbench.experiment.sweep import Sweep

NOT_CHOSEN = ("tracker", "cluster", "sweep")  # None stands for none of these


def run(
    *,
    task: Any = None,
    cell: Any = None,
    gap: Any = None,
    seeds: Any = None,
    config_dir: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> pd.DataFrame:
    """Train in this process, without workers; runs that are stored are not trained again.

    Values are taken as they are: no sign in a text has a meaning. A list is a sweep over its
    values, but where a key's own value is a list (`seeds`, `trainer.lr`).

    Args:
        task: copy, adding, recall, or a `Task` class; a dict with `_target_` and arguments.
        cell: rnn, lstm, gru, or a `Cell` class, also one that is defined in a notebook; or a dict.
        gap: dependency distance in time steps.
        seeds: a number, or a list.
        config_dir: a directory of further yamls, of tasks and cells.
        settings: any other key of the command line: `**{"trainer.steps": 500}`, or
            `trainer={"steps": 500}`.

    Returns:
        One row per run asked for, as `load_results` gives them; none after `dry_run=True`, which
        prints the plan.

    Raises:
        ValueError: a key or a value is wrong; the text is one line.
        RuntimeError: the sweep cannot run here, or not all runs have a result.
        KeyboardInterrupt: what was done is put away, and the same call continues.
        Exception: what a cell or task of one's own has raised, once the other runs are done.
    """
    leave_if_repeated()
    from rnnbench.training.borrow import borrow_process

    values = {"task": task, "cell": cell, "task.gap": gap, "seeds": seeds, "tracker": "none"}
    values = {key: value for key, value in values.items() if value is not None}
    added = {key: it for key, it in settings.items() if it is not None or key not in NOT_CHOSEN}
    with borrow_process():
        return _run(values | added, config_dir)


def _run(given: Mapping[str, Any], config_dir: str | os.PathLike[str] | None) -> pd.DataFrame:
    import pandas as pd

    from rnnbench.cli.sweeps import make_sweeps
    from rnnbench.cli.values import compose_values
    from rnnbench.experiment.class_path import handing
    from rnnbench.launcher import launch_here

    try:
        with handing(_classes(given)):
            sweeps = make_sweeps(compose_values(given, config_dir))
            _check_classes(sweeps)
            for sweep in sweeps:
                launch_here(sweep)
            return pd.concat([_results(sweep) for sweep in sweeps], ignore_index=True)
    except Mistake as mistake:
        raise ValueError(printable(str(mistake))) from mistake


def _classes(given: Mapping[str, Any]) -> dict[str, type]:
    """Return the classes that are handed over, by their paths.

    Raises:
        Mistake: two of them have the same.
    """
    from rnnbench.experiment.class_path import path_of

    found: dict[str, type] = {}
    for value in (given.get("task"), given.get("cell")):
        for kind in _each_class(value):
            if found.setdefault(path_of(kind), kind) is not kind:
                raise Mistake(f"classes must have different names, got two {path_of(kind)}")
    return found


def _each_class(value: Any) -> Iterator[type]:
    if isinstance(value, type):
        yield value
    elif isinstance(value, Mapping):
        yield from _each_class(value.get("_target_"))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _each_class(each)


def _check_classes(sweeps: list[Sweep]) -> None:
    """Check that classes are as in their files, and none without a file is trained elsewhere.

    Raises:
        Mistake: one is not.
    """
    from rnnbench.experiment.class_path import is_typed
    from rnnbench.training.current import check_current

    for sweep in sweeps:
        conditions = [condition for condition, _ in sweep.jobs]
        with mistakes(ValueError):
            check_current(conditions)
        typed = [
            path for condition in conditions for path in condition.own_classes if is_typed(path)
        ]
        if typed and (sweep.cluster is not None or sweep.plan_file is not None):
            raise Mistake(f"{typed[0]} must be in a module to be trained elsewhere than here")


def _results(sweep: Sweep) -> pd.DataFrame:
    """Return the rows of the runs that a sweep asks for."""
    from rnnbench.launcher import with_chosen_rates
    from rnnbench.store.frames import load_results

    jobs = with_chosen_rates(sweep).jobs
    wanted = {condition.run_id(it) for condition, replicas in jobs for it in replicas}
    results = load_results(sweep.output_dir if sweep.output_dir.exists() else [])
    return results[results["run_id"].isin([] if sweep.dry_run else wanted)]
