"""What a stored diagnosis must look like: it may come from elsewhere, be cut, or be made up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnbench.record_shape import DEEPEST, is_plain
from rnnbench.rules import (
    ABOVE_0,
    FINITE,
    IDENTITY,
    LIST,
    NAME,
    SECTION,
    SHARE,
    TEXT,
    Rule,
    Rules,
    check_fields,
    shown,
    whole,
)

PHASES = ("initial", "trained")
NEEDED: Rules = {
    **{"run_id": IDENTITY, "task": NAME, "cell": NAME},
    **{"gap": whole(1), "seed": whole(0), "lr": ABOVE_0, "label": NAME, "evidence": TEXT},
    **{"settings": SECTION, "phases": SECTION, "left_out": LIST},
    **{"cue_time": whole(0), "read_time": whole(0), "clipped_share": SHARE.or_none},
    **{"cue": NAME.or_none, "keep_gate": NAME.or_none},
}
PHASE: Rules = {
    **{"gradient": SECTION, "cue": LIST.or_none, "gates": SECTION, "half_life": SECTION.or_none},
}
GATE: Rules = dict.fromkeys(("mean", "q10", "q50", "q90", "max"), LIST)
HALF_LIFE: Rules = {"q50": FINITE.or_none, "max": FINITE.or_none}


def check_diagnosis(diagnosis: Mapping[str, Any]) -> None:
    """Check that a diagnosis can be drawn and written again.

    Raises:
        ValueError: it lacks something, or a value is wrong; the text is one line.
    """
    check_fields(diagnosis, NEEDED, {}, "a diagnosis")
    if not is_plain(diagnosis, DEEPEST + 1):
        raise ValueError(f"a diagnosis must be plain values, {DEEPEST} levels deep at most")
    check_fields(diagnosis["settings"], {"sequences": whole(1)}, {}, "a diagnosis's settings")
    _check_each(diagnosis["left_out"], TEXT, "left_out")
    unknown = diagnosis["phases"].keys() - set(PHASES)
    if unknown:
        raise ValueError(
            f"a diagnosis's phases must be of {', '.join(PHASES)}, got {min(unknown)!a}"
        )
    for phase in diagnosis["phases"].values():
        _check_phase(phase, diagnosis["read_time"] + 1)


def _check_phase(phase: Any, times: int) -> None:
    check_fields(phase, PHASE, {}, "a phase")
    check_fields(phase["gradient"], {"total": LIST}, {}, "a gradient")
    check_fields(phase["half_life"] or {}, {}, HALF_LIFE, "a half-life")
    curves = [*phase["gradient"].items(), ("cue", phase["cue"] or [])]
    for name, statistics in phase["gates"].items():
        check_fields(statistics, GATE, {}, "a gate")
        curves += [(name, statistics[statistic]) for statistic in GATE]
    for name, values in curves:
        if not NAME.holds(name) or not LIST.holds(values) or len(values) not in (0, times):
            raise ValueError(f"a curve must be a list of {times} numbers under a name")
        _check_each(values, FINITE.or_none, name)


def _check_each(values: list[Any], rule: Rule, what: str) -> None:
    for value in values:
        if not rule.holds(value):
            raise ValueError(f"each of {what} must be {rule.words}, got {shown(value)}")
