"""What a stored record must look like: it may come from elsewhere, be cut, or be made up.

Whoever reads a record may rely on this, and on nothing else. What a record holds beside it is
carried along unread.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnbench.store.rules import (
    ABOVE_0,
    AT_LEAST_0,
    FINITE,
    IDENTITY,
    LARGEST,
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
    shown,
    whole,
)

STATUSES = ("solved", "unsolved", "diverged", "dropped", "failed")
DEEPEST = 8  # levels of what is carried along
STATUS = Rule(f"one of {', '.join(STATUSES)}", lambda value: value in STATUSES)
NEEDED: Rules = {
    **{"run_id": IDENTITY, "condition_id": IDENTITY},
    **{"task": NAME, "cell": NAME, "sweep": NAME, "gap": whole(1), "seed": whole(0)},
    **{"lr": ABOVE_0, "status": STATUS, "steps": whole(0), "loss": FINITE.or_none},
    **{"accuracy": SHARE, "score": FINITE, "steps_to_solve": whole(0).or_none},
    **{"chance_accuracy": SHARE, "chance_loss": ABOVE_0},
    **{"hidden_size": whole(1), "num_parameters": whole(1), "state_size": whole(1)},
    **{"batch_size": whole(1)},
    **{"seconds": AT_LEAST_0, "sequences_per_second": AT_LEAST_0.or_none},
    **{"engine": NAME, "device": NAME, "dtype": NAME, "version": NAME},
    **{"history": LIST},
}
# Some came later than the first records, some are there only where they say something.
OPTIONAL: Rules = {
    **{"num_layers": whole(1), "directions": whole(1), "clipped_steps": whole(0).or_none},
    **{"least_distance": whole(0).or_none, "greatest_distance": whole(0).or_none},
    **{"sequence_length": whole(1), "load_bits": FINITE.or_none},
    **{"init": NAME.or_none, "keep_bias": FINITE.or_none},
    **{"error": TEXT.or_none, "command": TEXT.or_none},
    **{"config": SECTION, "versions": SECTION, "environment": SECTION},
    **{"plateaus": SECTION, "tuning": SECTION.or_none},
}
EVALUATION: Rules = {"step": whole(0)}
MEASURE = FINITE.or_none
MEASURES: Rules = dict.fromkeys(("loss", "accuracy", "score", "grad_norm"), MEASURE)
# Of the settings, what the results show.
CONFIG: Rules = {"task": SECTION, "trainer": SECTION, "tuned": TRUTH}
SCHEDULE: Rules = {"gap_schedule": NAME}
TRAINER: Rules = {
    **{"optimizer": NAME, "train_set_size": whole(1).or_none},
    **{"clip_norm": ABOVE_0.or_none, "clip_value": ABOVE_0.or_none},
}
# What a record tells of its settings, and where in them it is.
TOLD = {
    **{"task": ("task", "name"), "gap": ("task", "gap"), "cell": ("cell", "name")},
    **{"hidden_size": ("model", "hidden_size"), "num_layers": ("model", "num_layers")},
    "batch_size": ("trainer", "batch_size"),
}
ENVIRONMENT: Rules = {
    **dict.fromkeys(("python", "torch", "platform", "cpu", "gpu"), TEXT.or_none),
    **dict.fromkeys(("git_commit", "started"), TEXT.or_none),
    **dict.fromkeys(("cores", "threads"), whole(1).or_none),
}
TUNING: Rules = {"lr": ABOVE_0, "learned": TRUTH, "at_edge": TRUTH, "grid": LIST}
RATE: Rules = {
    **{"lr": ABOVE_0, "score": FINITE, "steps": AT_LEAST_0, "solved": whole(0), "dropped": TRUTH},
}


def check_record(record: Mapping[str, Any]) -> None:
    """Check that a record can be read, drawn and written again.

    Raises:
        ValueError: it lacks something, or a value is wrong; the text is one line.
    """
    check_fields(record, NEEDED, OPTIONAL, "a record")
    for key in record.keys() - NEEDED.keys() - {"history"}:
        if not is_plain(record[key], DEEPEST):
            raise ValueError(
                f"a record's {key} must be plain values, {DEEPEST} levels deep at most"
            )
    for row in record["history"]:
        check_fields(row, EVALUATION, MEASURES, "an evaluation")
        for key in row.keys() - EVALUATION.keys() - MEASURES.keys():
            if not (is_text(key) and MEASURE.holds(row[key])):
                raise ValueError(f"an evaluation's {shown(key)} must be {MEASURE.words}")
    if record.get("tuning") is not None:
        check_fields(record["tuning"], TUNING, {}, "a tuning")
        for entry in record["tuning"]["grid"]:
            check_fields(entry, RATE, {}, "a tuning's rate")
    config = record.get("config", {})
    check_fields(config, {}, CONFIG, "a record's config")
    check_fields(config.get("task", {}), {}, SCHEDULE, "a record's config.task")
    check_fields(config.get("trainer", {}), {}, TRAINER, "a record's config.trainer")
    check_told(record)
    check_fields(record.get("environment", {}), {}, ENVIRONMENT, "a record's environment")
    for name, value in record.get("plateaus", {}).items():
        if not (NAME.holds(name) and NUMBER.holds(value)):
            raise ValueError(
                f"a record's plateaus must be numbers up to {LARGEST:g}, got {shown(value)}"
            )


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


def is_plain(value: Any, levels: int) -> bool:
    """Return whether a value can be gone through and written again."""
    if isinstance(value, dict):
        return levels > 0 and all(
            is_text(key) and is_plain(inner, levels - 1) for key, inner in value.items()
        )
    if isinstance(value, list):
        return levels > 0 and all(is_plain(inner, levels - 1) for inner in value)
    return not isinstance(value, str) or is_text(value)
