"""Two conditions that differ in any setting share no curve, no label, no row and no seeds."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rnnbench.cells import GRU
from rnnbench.cli.compose import compose
from rnnbench.cli.sweeps import make_sweeps
from rnnbench.experiment.condition import Condition, Replica
from rnnbench.experiment.sweep import Job, Sweep
from rnnbench.launcher.closing import tally_of
from rnnbench.launcher.plan import find_remaining
from rnnbench.report.study import read_study
from rnnbench.store.frames import load_results
from rnnbench.store.manifest import add_to_manifest
from rnnbench.store.records import Store
from rnnbench.store.standing import read_sweep_status
from rnnbench.tasks.delayed_recall import DelayedRecall
from rnnbench.training.recording import describe_job

# What tells curves apart that have one name otherwise.
BY_ID = "curve [0-9a-f]{6}$"
REPLICAS = (Replica(0, 1e-3), Replica(1, 1e-3))
CHOICES = {"optimizer": "sgd", "gap_schedule": "growing", "dtype": "float64", "engine": "compiled"}
CHOICES |= {"device": "cpu", "train_set_size": 512}


class Shifted(GRU):
    """An own cell with arguments of its own."""

    def __init__(
        self, *, shift: float = 0.0, gap: int = 1, steps: int = 1, twice: bool = False
    ) -> None:
        super().__init__()
        self.shift = shift


class Salted(DelayedRecall):
    """An own task with arguments of its own."""

    def __init__(
        self, *, gap: int, salt: str = "a", steps: int = 1, longest_gap: int | None = None
    ) -> None:
        super().__init__(gap=gap)


def conditions(*words: str) -> list[Condition]:
    small = "trainer.steps=20 trainer.eval_every=10 trainer.eval_size=8 trainer.batch_size=4"
    (sweep,) = make_sweeps(
        compose([*small.split(), "task.gap=12", "name=x", "output_dir=x", *words])
    )
    return [condition for condition, _ in sweep.jobs]


def own(part: str, kind: type) -> str:
    return f"{part}._target_={kind.__module__}.{kind.__qualname__}"


BASES = [
    ("task=copy,adding", "cell=lstm"),
    *(("task=recall", f"cell={cell}") for cell in ("rnn", "lstm", "gru")),
    ("cell=gru", own("cell", Shifted), "~cell.init", "~cell.keep_bias"),
    ("task=recall", own("task", Salted), "~task.alphabet_size", "~task.distractors"),
]


def other(value: Any, hint: Any) -> Any:
    """Return another value that a setting may have."""
    kinds = typing.get_args(hint)
    if typing.get_origin(hint) is typing.Literal:
        return next(choice for choice in kinds if choice != value)
    if value is None:
        return 30 if int in kinds else 0.5
    if isinstance(value, bool):
        return not value
    if isinstance(value, float):
        return value / 2 or 0.5
    return f"{value}x" if isinstance(value, str) else value + 1


def changes(condition: Condition) -> Iterator[tuple[str, Condition]]:
    """Yield the condition with each of its settings changed."""
    for part in ("task", "cell", "model", "trainer"):
        section = getattr(condition, part)
        hints = {}
        if part in ("task", "cell"):
            build = condition.build_task if part == "task" else condition.build_cell
            hints = inspect.get_annotations(type(build()).__init__, eval_str=True)
            yield f"{part}.name", replace(condition, **{part: {**section, "name": "mine"}})
        for key, value in section.items():
            if key not in ("_target_", "name", "gap"):
                new = CHOICES[key] if key in CHOICES else other(value, hints.get(key))
                yield f"{part}.{key}", replace(condition, **{part: {**section, key: new}})
    task = {**condition.task, "gap_schedule": "growing"}
    yield "task.gap_schedule", replace(condition, task=task)
    yield "tuned", replace(condition, tuned=True)
    for key in ("dtype", "engine", "device"):
        yield key, replace(condition, **{key: CHOICES[key]})


def store(directory: Path, condition: Condition) -> None:
    """Store the runs of a condition, as a sweep does."""
    job = Job(condition, REPLICAS, directory, "reference", "cpu", sweep="trial")
    for place, record in enumerate(describe_job(job).values()):
        end = {
            "steps": 20,
            "steps_to_solve": None,
            "loss": 1.0,
            "accuracy": 0.5,
            "score": place / 2,
        }
        rest = {"seconds": 1.0, "sequences_per_second": 80.0, "error": None, "history": []}
        Store(directory).write({**record, "status": "unsolved", **end, **rest})


def sweep_of(directory: Path, *both: Condition) -> Sweep:
    tracker = {"kind": "none", "mode": "auto", "project": "rnnbench", "entity": None}
    return Sweep("trial", directory, 1, True, tracker, tuple((c, REPLICAS) for c in both))


PAIRS = [
    pytest.param(base, changed, id=f"{base.task['name']}-{base.cell['name']}-{key}-{number}")
    for number, words in enumerate(BASES)
    for place, base in enumerate(conditions(*words))
    for key, changed in changes(base)
    if (number, place) == (0, 0) or key.startswith(("task", "cell"))  # the rest is the same to all
]


@pytest.mark.parametrize(("base", "changed"), PAIRS)
def test_a_setting_parts_curves_labels_rows_and_seeds(
    tmp_path: Path, base: Condition, changed: Condition
) -> None:
    assert base.condition_id != changed.condition_id
    at_other_gap = replace(base, task={**base.task, "gap": 13})
    for condition in (base, changed, at_other_gap):
        store(tmp_path, condition)
    study = read_study([tmp_path])
    labels = study.results.groupby("condition_id")[["task", "label"]].first().apply(tuple, axis=1)
    assert labels[base.condition_id] == labels[at_other_gap.condition_id]
    assert labels[base.condition_id] != labels[changed.condition_id]
    assert not any(re.search(BY_ID, label) for _, label in labels)
    assert len(study.curves) == 2
    assert sorted(study.by_gap["seeds"]) == [2, 2, 2]
    sweep = sweep_of(tmp_path, base, changed, at_other_gap)
    assert len(set(sweep.names.values())) == 3
    assert sweep.labels[base.condition_id] == sweep.labels[at_other_gap.condition_id]
    assert len(tally_of(find_remaining(sweep), {}, {}).counts) == 2
    for known in ({}, sweep.asked):
        add_to_manifest(tmp_path, "trial", known)
        counts = read_sweep_status(tmp_path).tally.counts
        assert sorted(row["unsolved"] for row in counts.values()) == [2, 4]


def test_every_setting_is_a_column(tmp_path: Path) -> None:
    for words in BASES[-2:]:
        for condition in conditions(*words):
            store(tmp_path, condition)
    results = load_results(tmp_path)
    named = {"cell.shift": 0.0, "cell.steps": 1, "task.salt": "a", "trainer.steps": 20}
    for name, value in named.items():
        assert value in set(results[name]), name
    own_cell = results[results["cell._target_"].str.endswith("Shifted")]
    assert own_cell["cell.shift"].notna().all()
    assert own_cell["task.salt"].isna().all()


def test_a_label_names_just_what_differs(tmp_path: Path) -> None:
    words = ("task=recall,copy", "cell=rnn", "cell.nonlinearity=tanh,relu")
    for condition in [*conditions(*words), *conditions("task=recall", "cell=gru")]:
        store(tmp_path, condition)
    labels = set(read_study([tmp_path]).results["label"])
    assert labels == {"rnn, nonlinearity tanh", "rnn, nonlinearity relu", "gru"}


def test_values_that_look_alike_are_told_apart_by_the_curves_ids(tmp_path: Path) -> None:
    (one,) = conditions(*BASES[-1], "cell=gru")
    for end in "ab":
        store(tmp_path, replace(one, task={**one.task, "salt": "s" * 300 + end}))
    labels = set(read_study([tmp_path]).results["label"])
    assert len(labels) == 2
    assert all(re.search(BY_ID, label) for label in labels)
