"""Declare the fields of a record: the rule that each obeys, and its column in `load_results`.

A record may come from elsewhere, be cut, or be made up. Whoever reads one relies on these rules
and on nothing else. What a record holds beside these fields is carried along unread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rnnbench.store import rules
from rnnbench.store.rules import LARGEST, NUMBER, Rule, Rules, check_fields, is_text, shown

STATUSES = ("solved", "unsolved", "diverged", "dropped", "failed")
DEEPEST = 8  # levels of what is carried along
COUNT, SIZE = rules.whole(0), rules.whole(1)
MEASURE = rules.FINITE.or_none
FLOAT = "float64"


class Field(NamedTuple):
    """What is known of a field of a record.

    Attributes:
        needed: every record has it. Others came later, or are there only where they say something.
        column: the type of its column in `load_results`; None: it has none.
    """

    rule: Rule
    needed: bool = True
    column: str | None = "object"


# By their paths in a record, in the order of the columns; neighbours that are alike together.
FIELDS: dict[str, Field] = {
    "task cell": Field(rules.NAME),
    "gap": Field(SIZE),
    "seed": Field(COUNT),
    "lr": Field(rules.ABOVE_0, column=FLOAT),
    "hidden_size num_parameters state_size batch_size": Field(SIZE),
    "steps": Field(COUNT),
    "loss": Field(rules.FINITE.or_none, column=FLOAT),
    "accuracy": Field(rules.SHARE, column=FLOAT),
    "score": Field(rules.FINITE, column=FLOAT),
    "chance_accuracy": Field(rules.SHARE),
    "chance_loss": Field(rules.ABOVE_0),
    "status": Field(rules.one_of(STATUSES)),
    "steps_to_solve": Field(COUNT.or_none, column=FLOAT),
    "seconds": Field(rules.AT_LEAST_0, column=FLOAT),
    "sequences_per_second": Field(rules.AT_LEAST_0.or_none, column=FLOAT),
    "engine device dtype": Field(rules.NAME),
    "run_id condition_id": Field(rules.IDENTITY),
    "version": Field(rules.NAME),
    "sequence_length": Field(SIZE, needed=False),
    "load_bits": Field(rules.FINITE.or_none, needed=False, column=FLOAT),
    "plateaus": Field(rules.SECTION, needed=False),
    "init": Field(rules.NAME.or_none, needed=False),
    "keep_bias": Field(rules.FINITE.or_none, needed=False, column=FLOAT),
    "sweep": Field(rules.NAME),
    "error": Field(rules.TEXT.or_none, False),
    "num_layers directions": Field(SIZE, needed=False),
    "least_distance greatest_distance clipped_steps": Field(COUNT.or_none, False, FLOAT),
    "config.tuned": Field(rules.TRUTH, needed=False),
    "config.task.gap_schedule config.trainer.optimizer": Field(rules.NAME, needed=False),
    "config.trainer.clip_norm": Field(rules.ABOVE_0.or_none, False, FLOAT),
    "config.trainer.clip_value": Field(rules.ABOVE_0.or_none, False, FLOAT),
    "config.trainer.train_set_size": Field(SIZE.or_none, needed=False, column=FLOAT),
    "versions.task versions.cell versions.model versions.trainer": Field(MEASURE, False, FLOAT),
    "code.task code.cell": Field(rules.IDENTITY, needed=False),
    "text.task text.cell": Field(rules.TEXT, needed=False, column=None),
    "command": Field(rules.TEXT.or_none, False),
    "environment.python environment.torch environment.platform": Field(rules.TEXT.or_none, False),
    "environment.cpu": Field(rules.TEXT.or_none, False),
    "environment.cores environment.threads": Field(SIZE.or_none, needed=False),
    "environment.gpu": Field(rules.TEXT.or_none, False),
    "environment.git_commit environment.started": Field(rules.TEXT.or_none, False),
    "same_as": Field(rules.IDENTITY.or_none, needed=False),
    "tuning": Field(rules.SECTION.or_none, needed=False, column=None),
    "accuracy_by_age": Field(rules.SHARES, needed=False),
    "history": Field(rules.LIST, column=None),
}
EVALUATION: Rules = {"step": COUNT}
MEASURES = ("loss", "accuracy", "score", "grad_norm")
TUNING = {"lr": rules.ABOVE_0, "learned": rules.TRUTH, "at_edge": rules.TRUTH, "grid": rules.LIST}
TUNING_LATER = {"gap": SIZE}
RATE: Rules = {
    "lr": rules.ABOVE_0,
    "score": rules.FINITE,
    "steps": rules.AT_LEAST_0,
    "solved": COUNT,
    "dropped": rules.TRUTH,
}
RATE_LATER = {"seeds": SIZE}
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
# Of columns whose name alone would not tell what they hold.
SUFFIXES: dict[Section, str] = {("versions",): "_version", ("code",): "_code"}


def _each() -> Iterator[tuple[Section, str, Field]]:
    """Yield of each field the path of its object, its key there, and what is known of it."""
    for paths, field in FIELDS.items():
        for path in paths.split():
            *section, key = path.split(".")
            yield tuple(section), key, field


def _rules() -> dict[Section, tuple[Rules, Rules]]:
    """Return what each object must and may have, by its path, outer objects first."""
    found: dict[Section, tuple[dict[str, Rule], dict[str, Rule]]] = {}
    for section, key, field in _each():
        for depth, inner in enumerate(section):
            found.setdefault(section[:depth], ({}, {}))[1][inner] = rules.SECTION
        found.setdefault(section, ({}, {}))[not field.needed][key] = field.rule
    return dict(found)


def _columns() -> dict[str, tuple[Section, str, str]]:
    """Return of each column of `load_results` the path of its object, its key, and its type."""
    found = {}
    for section, key, field in _each():
        if field.column:
            name = f"{key}{SUFFIXES.get(section, '')}"
            found["lr_choice" if name == "tuned" else name] = (section, key, field.column)
    return found


RULES = _rules()
COLUMNS = _columns()
NEEDED, OPTIONAL = RULES[()]


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
        if section and (found := object_at(record, section)):
            what = f"a record's {'.'.join(section)}"
            check_fields(found, needed, optional, what)
    check_told(record)
    _check_history(record["history"])
    _check_tuning(record.get("tuning"))
    for name, value in record.get("plateaus", {}).items():
        if not (rules.NAME.holds(name) and NUMBER.holds(value)):
            raise ValueError(f"a record's plateaus must be {NUMBER.words}, got {shown(value)}")


def _check_history(history: list[Any]) -> None:
    """Check that all evaluations have a step, and that whatever they hold is a number or null."""
    words, holds = MEASURE
    for row in history:
        check_fields(row, EVALUATION, {}, "an evaluation")
        for key, value in row.items():
            # These are most of what is read: nearly all are finite floats, and need no call.
            if not (type(value) is float and -LARGEST < value < LARGEST) and not holds(value):
                what = f"an evaluation's {shown(key)}"
                raise ValueError(f"{what} must be {words}, got {shown(value)}")
    for key in set().union(*history):
        if not is_text(key):
            raise ValueError(f"an evaluation's names must be {rules.TEXT.words}, got {shown(key)}")


def _check_tuning(tuning: Any) -> None:
    if tuning is not None:
        check_fields(tuning, TUNING, TUNING_LATER, "a tuning")
        for entry in tuning["grid"]:
            check_fields(entry, RATE, RATE_LATER, "a tuning's rate")


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
