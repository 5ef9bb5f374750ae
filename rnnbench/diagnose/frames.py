"""Stored diagnoses as data frames: one row per run, and its curves in long form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from rnnbench.diagnose.shape import PHASES
from rnnbench.diagnose.store import read_diagnoses
from rnnbench.records import Record
from rnnbench.results import IDENTITY

RUN_COLUMNS = [*IDENTITY, "label", "evidence", "cue_time", "read_time", "cue", "keep_gate"]
HALF_LIVES = [f"{name}_{phase}" for name in ("half_life", "longest") for phase in PHASES]
RUN_COLUMNS += ["clipped_share", *HALF_LIVES, "left_out", "sequences"]
CURVE_COLUMNS = [*IDENTITY, "phase", "measure", "name", "statistic", "time", "lag", "value"]
Paths = Path | str | Sequence[Path | str]


class Diagnoses(NamedTuple):
    """What was found of the runs of some results.

    Attributes:
        runs: one row per run. `label` and `evidence` as `rnnbench.diagnose.label` gives them;
            `half_life_*` and `longest_*`: of the keep gate, the median and the greatest over
            units, in time steps, NaN where there is none; `left_out`: in words, what could not
            be measured.
        curves: one row per run, phase (initial or trained), curve and time step. `measure` is
            gradient (name: a state, or total), cue (what is recoverable of it) or gate (name: the
            gate; statistic: mean, q10, q50, q90 or max over units). `lag`: time steps before the
            read-out.
    """

    runs: pd.DataFrame
    curves: pd.DataFrame


def load_diagnosis(paths: Paths) -> Diagnoses:
    """Return what `python -m rnnbench.diagnose` has stored in results directories.

    Args:
        paths: a results directory, published or not, or several of them; each run counts once.
    """
    places = [paths] if isinstance(paths, Path | str) else paths
    found: dict[str, Record] = {}
    for place in places:
        for diagnosis in read_diagnoses(place):
            found.setdefault(diagnosis["run_id"], diagnosis)
    runs = pd.DataFrame([_run(diagnosis) for diagnosis in found.values()], columns=RUN_COLUMNS)
    parts = [curve for diagnosis in found.values() for curve in _curves(diagnosis)]
    empty = pd.DataFrame(columns=CURVE_COLUMNS)
    curves = pd.concat(parts, ignore_index=True)[CURVE_COLUMNS] if parts else empty
    numbers = dict.fromkeys(["clipped_share", *HALF_LIVES], "float64")
    return Diagnoses(runs.astype(numbers), curves)


def _run(diagnosis: Record) -> Record:
    lives = {}
    for phase, measured in diagnosis["phases"].items():
        over_units = measured["half_life"] or {}
        lives[f"half_life_{phase}"] = over_units.get("q50")
        lives[f"longest_{phase}"] = over_units.get("max")
    left_out = "; ".join(diagnosis["left_out"])
    return {**diagnosis, **lives, "left_out": left_out, **diagnosis["settings"]}


def _curves(diagnosis: Record) -> Iterator[pd.DataFrame]:
    same = {name: diagnosis[name] for name in IDENTITY}
    for phase, measured in diagnosis["phases"].items():
        for (measure, name, statistic), values in _lists(measured):
            times = range(len(values))
            yield pd.DataFrame(
                {
                    **same,
                    **{"phase": phase, "measure": measure, "name": name, "statistic": statistic},
                    "time": times,
                    "lag": [diagnosis["read_time"] - time for time in times],
                    "value": pd.Series(values, dtype="float64"),
                }
            )


def _lists(measured: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str, str], list[float]]]:
    for name, values in measured["gradient"].items():
        yield ("gradient", name, "mean"), values
    if measured["cue"] is not None:
        yield ("cue", "cue", "mean"), measured["cue"]
    for name, statistics in measured["gates"].items():
        for statistic, values in statistics.items():
            yield ("gate", name, statistic), values
