"""Declare the fields of a record: the rule that each obeys, and its column in `load_results`.

A record may come from elsewhere, be cut, or be made up. Whoever reads one relies on these rules
and on nothing else. What a record holds beside these fields is carried along unread.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from rnnbench.store.rules import (
    ABOVE_0,
    AT_LEAST_0,
    FINITE,
    IDENTITY,
    LIST,
    NAME,
    NUMBER,
    SECTION,
    SHARE,
    TEXT,
    TRUTH,
    Rule,
    Rules,
    check_fields,
    is_text,
    one_of,
    shown,
    whole,
)

STATUSES = ("solved", "unsolved", "diverged", "dropped", "failed")
DEEPEST = 8  # levels of what is carried along
COUNT = whole(0)
SIZE = whole(1)
VERSION = whole(0).or_none


class Field(NamedTuple):
    """What is known of one field of a record.

    Attributes:
        needed: every record has it. Others came later, or are there only where they say something.
        column: the type of its column in `load_results`; None: it has none.
        name: of its column, where that is not the last word of its path.
    """

    rule: Rule
    needed: bool = True
    column: str | None = "object"
    name: str | None = None


def later(rule: Rule, column: str | None = "object", name: str | None = None) -> Field:
    """Return a field that not every record has."""
    return Field(rule, False, column, name)


# By their paths in a record, in the order of the columns.
FIELDS: dict[str, Field] = {
    "task": Field(NAME),
    "cell": Field(NAME),
    "gap": Field(SIZE),
    "seed": Field(COUNT),
    "lr": Field(ABOVE_0, column="float64"),
    "hidden_size": Field(SIZE),
    "num_parameters": Field(SIZE),
    "state_size": Field(SIZE),
    "batch_size": Field(SIZE),
    "steps": Field(COUNT),
    "loss": Field(FINITE.or_none, column="float64"),
    "accuracy": Field(SHARE, column="float64"),
    "score": Field(FINITE, column="float64"),
    "chance_accuracy": Field(SHARE),
    "chance_loss": Field(ABOVE_0),
    "status": Field(one_of(STATUSES)),
    "steps_to_solve": Field(COUNT.or_none, column="float64"),
    "seconds": Field(AT_LEAST_0, column="float64"),
    "sequences_per_second": Field(AT_LEAST_0.or_none, column="float64"),
    "engine": Field(NAME),
    "device": Field(NAME),
    "dtype": Field(NAME),
    "run_id": Field(IDENTITY),
    "condition_id": Field(IDENTITY),
    "version": Field(NAME),
    "sequence_length": later(SIZE),
    "load_bits": later(FINITE.or_none, column="float64"),
    "plateaus": later(SECTION),
    "init": later(NAME.or_none),
    "keep_bias": later(FINITE.or_none, column="float64"),
    "sweep": Field(NAME),
    "error": later(TEXT.or_none),
    "num_layers": later(SIZE),
    "directions": later(SIZE),
    "least_distance": later(COUNT.or_none, column="float64"),
    "greatest_distance": later(COUNT.or_none, column="float64"),
    "clipped_steps": later(COUNT.or_none, column="float64"),
    "config": later(SECTION, column=None),
    "config.tuned": later(TRUTH, name="lr_choice"),
    "config.task": later(SECTION, column=None),
    "config.task.gap_schedule": later(NAME),
    "config.trainer": later(SECTION, column=None),
    "config.trainer.optimizer": later(NAME),
    "config.trainer.clip_norm": later(ABOVE_0.or_none, column="float64"),
    "config.trainer.clip_value": later(ABOVE_0.or_none, column="float64"),
    "config.trainer.train_set_size": later(SIZE.or_none, column="float64"),
    "versions": later(SECTION, column=None),
    "versions.task": later(VERSION, column="float64", name="task_version"),
    "versions.cell": later(VERSION, column="float64", name="cell_version"),
    "versions.model": later(VERSION, column="float64", name="model_version"),
    "versions.trainer": later(VERSION, column="float64", name="trainer_version"),
    "command": later(TEXT.or_none),
    "environment": later(SECTION, column=None),
    "environment.python": later(TEXT.or_none),
    "environment.torch": later(TEXT.or_none),
    "environment.platform": later(TEXT.or_none),
    "environment.cpu": later(TEXT.or_none),
    "environment.cores": later(SIZE.or_none),
    "environment.threads": later(SIZE.or_none),
    "environment.gpu": later(TEXT.or_none),
    "environment.git_commit": later(TEXT.or_none),
    "environment.started": later(TEXT.or_none),
    "tuning": later(SECTION.or_none, column=None),
    "history": Field(LIST, column=None),
}
EVALUATION: Rules = {"step": COUNT}
MEASURE = FINITE.or_none
MEASURES: Rules = dict.fromkeys(("loss", "accuracy", "score", "grad_norm"), MEASURE)
TUNING: Rules = {"lr": ABOVE_0, "learned": TRUTH, "at_edge": TRUTH, "grid": LIST}
RATE: Rules = {
    "lr": ABOVE_0,
    "score": FINITE,
    "steps": AT_LEAST_0,
    "solved": COUNT,
    "dropped": TRUTH,
}
# What a record tells of its settings, and where in them it is.
TOLD = {
    "task": ("task", "name"),
    "gap": ("task", "gap"),
    "cell": ("cell", "name"),
    "hidden_size": ("model", "hidden_size"),
    "num_layers": ("model", "num_layers"),
    "batch_size": ("trainer", "batch_size"),
}
Section = tuple[str, ...]


def _rules_by_section() -> dict[Section, tuple[Rules, Rules]]:
    """Return the rules of what each object must and may have, by the object's path."""
    found: dict[Section, tuple[dict[str, Rule], dict[str, Rule]]] = {}
    for path, field in FIELDS.items():
        *section, key = path.split(".")
        needed, optional = found.setdefault(tuple(section), ({}, {}))
        (needed if field.needed else optional)[key] = field.rule
    return dict(found)


RULES = _rules_by_section()
NEEDED, OPTIONAL = RULES[()]
TRAINER = RULES["config", "trainer"][1]


def _columns() -> dict[str, tuple[Section, str, str]]:
    """Return the columns of `load_results`: of each the path of its object, its key, its type."""
    found = {}
    for path, field in FIELDS.items():
        *section, key = path.split(".")
        if field.column:
            found[field.name or key] = (tuple(section), key, field.column)
    return found


COLUMNS = _columns()


def check_record(record: Mapping[str, Any]) -> None:
    """Check that a record can be read, drawn and written again.

    Raises:
        ValueError: it lacks something, or a value is wrong; the text is one line.
    """
    check_fields(record, NEEDED, OPTIONAL, "a record")
    for key in record.keys() - NEEDED.keys():
        if not is_plain(record[key], DEEPEST):
            raise ValueError(
                f"a record's {key} must be plain values, {DEEPEST} levels deep at most"
            )
    for section, (needed, optional) in RULES.items():
        if section:
            what = f"a record's {'.'.join(section)}"
            check_fields(object_at(record, section), needed, optional, what)
    check_told(record)
    _check_history(record["history"])
    _check_tuning(record.get("tuning"))
    for name, value in record.get("plateaus", {}).items():
        if not (NAME.holds(name) and NUMBER.holds(value)):
            raise ValueError(f"a record's plateaus must be {NUMBER.words}, got {shown(value)}")


def _check_history(history: list[Any]) -> None:
    for row in history:
        check_fields(row, EVALUATION, MEASURES, "an evaluation")
        for key in row.keys() - EVALUATION.keys() - MEASURES.keys():
            if not (is_text(key) and MEASURE.holds(row[key])):
                raise ValueError(f"an evaluation's {shown(key)} must be {MEASURE.words}")


def _check_tuning(tuning: Any) -> None:
    if tuning is not None:
        check_fields(tuning, TUNING, {}, "a tuning")
        for entry in tuning["grid"]:
            check_fields(entry, RATE, {}, "a tuning's rate")


def check_told(record: Mapping[str, Any]) -> None:
    """Check that a record tells the task, cell, gap and sizes that its settings have.

    Raises:
        ValueError: it tells others; the text is one line.
    """
    for name, (part, key) in TOLD.items():
        section = record.get("config", {}).get(part)
        if not isinstance(section, dict) or key not in section or name not in record:
            continue  # as in early records
        if record[name] != section[key]:
            wanted = f"config.{part}.{key}, {shown(section[key])}"
            raise ValueError(f"a record's {name} must be its {wanted}, got {shown(record[name])}")


def object_at(record: Mapping[str, Any], section: Section) -> Mapping[str, Any]:
    """Return an object in a checked record, an empty one where the record lacks it."""
    for key in section:
        record = record.get(key, {})
    return record


def is_plain(value: Any, levels: int) -> bool:
    """Return whether a value has so many levels at most, and can be written again."""
    if isinstance(value, dict):
        return levels > 0 and all(
            is_text(key) and is_plain(inner, levels - 1) for key, inner in value.items()
        )
    if isinstance(value, list):
        return levels > 0 and all(is_plain(inner, levels - 1) for inner in value)
    return not isinstance(value, str) or is_text(value)
