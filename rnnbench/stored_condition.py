"""The condition that a record tells of, checked before any class is looked up by its name."""

from __future__ import annotations

from typing import Any

from rnnbench.condition import Condition, Replica
from rnnbench.errors import message_of
from rnnbench.record_shape import check_told
from rnnbench.records import Record
from rnnbench.rules import NAME, SECTION, TEXT, TRUTH, Rule, Rules, check_fields, whole
from rnnbench.sizes import MAX_LAYERS, MAX_SET, MAX_SIZE, MAX_STEPS

# As the command line bounds them: a small file must not ask for hours or for all memory.
SIZE, LAYERS = whole(1, MAX_SIZE), whole(1, MAX_LAYERS)
STEPS, SET = whole(1, MAX_STEPS), whole(1, MAX_SET)
SECTIONS: Rules = {
    **{"task": SECTION, "cell": SECTION, "model": SECTION, "trainer": SECTION},
    **{"dtype": Rule("float32 or float64", lambda value: value in ("float32", "float64"))},
    **{"engine": NAME, "device": NAME},
}
PARTS: dict[str, tuple[Rules, Rules]] = {
    "task": ({"_target_": NAME, "name": NAME, "gap": SIZE}, {"gap_schedule": NAME}),
    "cell": ({"_target_": NAME, "name": NAME}, {}),
    "model": ({"hidden_size": SIZE, "num_layers": LAYERS, "bidirectional": TRUTH}, {}),
    "trainer": (
        {"steps": STEPS, "batch_size": SIZE, "eval_every": STEPS, "eval_size": SET},
        {"optimizer": TEXT, "train_set_size": SET.or_none},
    ),
}


def condition_of(record: Record) -> Condition:
    """Return a record's condition, of which task and cell can be built.

    Raises:
        ValueError: the record tells of none, or of another beside it, or has the id of another
            condition or run, or its task or cell cannot be built; one line.
    """
    condition = condition_from(record.get("config", {}), "a record's config")
    check_told(record)
    if record.get("versions") == condition.versions:  # of others, ids cannot be made here
        _check_ids(record, condition)
    return condition


def _check_ids(record: Record, condition: Condition) -> None:
    run_id = condition.run_id(Replica(record["seed"], record["lr"]))
    for name, made in (("condition_id", condition.condition_id), ("run_id", run_id)):
        if record[name] != made:
            raise ValueError(f"a record's {name} must be that of its settings, {made}")


def condition_from(config: Any, what: str) -> Condition:
    """Return the condition whose settings were stored.

    Args:
        config: the settings.
        what: they are, in words, for errors.

    Raises:
        ValueError: they are none, or their task or cell cannot be built; one line.
    """
    check_fields(config, SECTIONS, {"tuned": TRUTH}, what)
    unknown = config.keys() - SECTIONS.keys() - {"tuned"}
    if unknown:
        raise ValueError(f"{what} must not have {', '.join(sorted(unknown))}")
    for part, (needed, optional) in PARTS.items():
        check_fields(config[part], needed, optional, f"{what}.{part}")
    condition = Condition(**config)
    try:
        condition.build_task()
        condition.build_cell()
    except Exception as error:  # whatever a constructor raises of arguments that are not its own
        raise ValueError(f"{what} must have a task and a cell: {message_of(error)}") from error
    return condition


def is_buildable(record: Record) -> bool:
    """Return whether a record tells of a condition whose task and cell can be built here."""
    try:
        condition_of(record)
    except ValueError:
        return False
    return True
