"""Store diagnoses of trained runs, check them when they are read, and load them as frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rnnbench.store import rules
from rnnbench.store.files import parse_json, write_atomically
from rnnbench.store.frames import RUN_KEY, Paths, explained
from rnnbench.store.lines import read_lines
from rnnbench.store.records import Record, encode
from rnnbench.store.rules import LIST, NAME, SECTION, TEXT, Rules, check_fields, whole
from rnnbench.store.schema import DEEPEST, is_plain

PHASES = ("initial", "trained")
RUN: Rules = {
    "run_id": rules.IDENTITY,
    "task": NAME,
    "cell": NAME,
    "gap": whole(1),
    "seed": whole(0),
    "lr": rules.ABOVE_0,
    "label": NAME,
    "evidence": TEXT,
    "cue_time": whole(0),
    "read_time": whole(0),
    "cue": NAME.or_none,
    "keep_gate": NAME.or_none,
    "clipped_share": rules.SHARE.or_none,
}
NEEDED = {**RUN, "left_out": rules.list_of(TEXT), "settings": SECTION, "phases": SECTION}
PHASE = {"gradient": SECTION, "cue": LIST.or_none, "gates": SECTION, "half_life": SECTION.or_none}
GATE: Rules = dict.fromkeys(("mean", "q10", "q50", "q90", "max"), LIST)
CURVE = rules.list_of(rules.FINITE.or_none)
HALF_LIFE: Rules = dict.fromkeys(("q50", "max"), rules.FINITE.or_none)


def check_diagnosis(diagnosis: Mapping[str, Any]) -> None:
    """Check that a diagnosis can be drawn and written again.

    Raises:
        ValueError: it lacks something, or a value is wrong; the text is one line.
    """
    check_fields(diagnosis, NEEDED, {}, "a diagnosis")
    if not is_plain(diagnosis, DEEPEST + 1):
        raise ValueError(f"a diagnosis must be plain values, {DEEPEST} levels deep at most")
    check_fields(diagnosis["settings"], {"sequences": whole(1)}, {}, "a diagnosis's settings")
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
        if not (NAME.holds(name) and CURVE.holds(values) and len(values) in (0, times)):
            raise ValueError(f"a curve must be a list of {times} numbers under a name")


# Raised whenever what is measured, or a rule of a label, changes: older ones are measured anew.
FORMAT = 1
FILE = "diagnosis.jsonl"


def path_of(output_dir: Path, run_id: str) -> Path:
    """Return where the diagnosis of a run lies."""
    return output_dir / "diagnosis" / f"{run_id}.json"


def write_diagnosis(output_dir: Path, diagnosis: Record) -> None:
    """Store the diagnosis of one run."""
    content = encode(diagnosis).encode() + b"\n"
    write_atomically(path_of(output_dir, diagnosis["run_id"]), content)


def read_diagnosis(output_dir: Path, run_id: str) -> Record | None:
    """Return the stored diagnosis of one run, or None where there is none that can be read."""
    return next(_read([path_of(output_dir, run_id)]), None)


def read_diagnoses(path: Path | str) -> Iterator[Record]:
    """Yield the diagnoses of a results directory, published or not; none where it has none.

    What cannot be read is named and passed over.

    Args:
        path: a results directory, or a file in one.
    """
    place = Path(path).parent if Path(path).is_file() else Path(path)
    return _read([place / FILE, *sorted((place / "diagnosis").glob("*.json"))])


def consolidate_diagnoses(source: Path, destination: Path) -> int:
    """Write a directory's diagnoses as one `diagnosis.jsonl`, if it has any; return how many."""
    lines = [f"{encode(diagnosis)}\n" for diagnosis in read_diagnoses(source)]
    if lines:
        write_atomically(destination / FILE, "".join(lines).encode())
    return len(lines)


def _read(paths: Iterable[Path]) -> Iterator[Record]:
    lines = (read_lines(path, _decode) for path in paths)
    return (diagnosis for _, diagnosis in chain.from_iterable(lines))


def _decode(line: bytes) -> Record:
    diagnosis: Record = parse_json(line)
    if not isinstance(diagnosis, dict) or diagnosis.get("format") != FORMAT:
        raise ValueError(f"a diagnosis must have format {FORMAT}")
    check_diagnosis(diagnosis)
    return diagnosis


HALF_LIVES = [f"{name}_{phase}" for name in ("half_life", "longest") for phase in PHASES]
RUN_COLUMNS = [*RUN, *HALF_LIVES, "left_out", "sequences"]
CURVE_COLUMNS = [*RUN_KEY, "phase", "measure", "name", "statistic", "time", "lag", "value"]


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
    found = read_all_diagnoses(paths)
    explained(found.runs, paths, "diagnose")
    return found


def read_all_diagnoses(paths: Paths) -> Diagnoses:
    """Return what `load_diagnosis` returns, without a word where there is nothing."""
    places = [paths] if isinstance(paths, Path | str) else paths
    found: dict[str, Record] = {}
    for place in places:
        for diagnosis in read_diagnoses(place):
            found.setdefault(diagnosis["run_id"], diagnosis)
    runs = pd.DataFrame([_run(diagnosis) for diagnosis in found.values()], columns=RUN_COLUMNS)
    numbers = dict.fromkeys(["clipped_share", *HALF_LIVES], "float64")
    return Diagnoses(runs.astype(numbers), _curves(found.values()))


def _run(diagnosis: Record) -> Record:
    lives = {}
    for phase, measured in diagnosis["phases"].items():
        over_units = measured["half_life"] or {}
        lives[f"half_life_{phase}"] = over_units.get("q50")
        lives[f"longest_{phase}"] = over_units.get("max")
    left_out = "; ".join(diagnosis["left_out"])
    return {**diagnosis, **lives, "left_out": left_out, **diagnosis["settings"]}


def _curves(diagnoses: Iterable[Record]) -> pd.DataFrame:
    """Return one row per run, phase, curve and time step."""
    keys, curves = [], []
    for diagnosis in diagnoses:
        same = [diagnosis[name] for name in RUN_KEY]
        for phase, measured in diagnosis["phases"].items():
            for key, values in _lists(measured):
                keys.append([*same, phase, *key, diagnosis["read_time"]])
                curves.append(np.array(values, dtype=float))
    names = [*RUN_KEY, "phase", "measure", "name", "statistic", "lag"]
    lengths = [len(values) for values in curves]
    table = pd.DataFrame(keys, columns=names)
    table = table.take(np.repeat(np.arange(len(keys)), lengths)).reset_index(drop=True)
    time = np.concatenate([np.arange(0), *map(np.arange, lengths)])
    value = np.concatenate([np.zeros(0), *curves])
    return table.assign(time=time, lag=table["lag"] - time, value=value)[CURVE_COLUMNS]


def _lists(measured: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str, str], list[float]]]:
    for name, values in measured["gradient"].items():
        yield ("gradient", name, "mean"), values
    if measured["cue"] is not None:
        yield ("cue", "cue", "mean"), measured["cue"]
    for name, statistics in measured["gates"].items():
        for statistic, values in statistics.items():
            yield ("gate", name, statistic), values
