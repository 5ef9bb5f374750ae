"""Tell where the runs come from: versions, commands, machines, dates, and how many runs each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from rnnbench.console import count
from rnnbench.report.document import Block, Heading, Paragraph, Table
from rnnbench.report.study import Study
from rnnbench.report.tables import range_text, seed_ranges, settings_table

UNKNOWN = "not recorded"
MOST_VALUES = 12  # of one thing; more would be a table that nobody reads
SHIPPED = r"\bsweep=(?:gaps|tuned)\b"
SHARED = (
    "How the shared rates were chosen ({rates}): in pilot runs, three seeds at 0.001 and at 0.003 "
    "for all cells, before any of these results and on other seeds, most cells learned most at "
    "them. Another rate for all may rank the cells otherwise."
)
COLUMNS = {
    "rnnbench": "version",
    "commit": "git_commit",
    "command": "command",
    "machine": "machine",
    "platform": "platform",
    "python": "python",
    "torch": "torch",
    "engine": "engine",
    "device": "device",
    "dtype": "dtype",
    "learning rate": "lr",
    "started": "day",
}


def provenance_section(study: Study) -> Iterator[Block]:
    """Yield what each curve was trained with, and where the runs come from, as records tell."""
    results = study.results
    yield Heading("Settings")
    yield settings_table(results)
    shared = shared_rates(results)
    if shared:
        yield Paragraph(shared)
    yield Heading("Provenance")
    seeds = results.groupby(["task", "label", "gap"], sort=False, observed=True)["seed"].nunique()
    yield Paragraph(
        f"{count(len(results), 'run')} of "
        f"{count(results['condition_id'].nunique(), 'condition')}, "
        f"{range_text(seeds)} seeds each: {seed_ranges(results['seed'])}. Dates are those on which "
        "a condition started, in universal time; a commit with -dirty had changes that are in no "
        "commit."
    )
    yield provenance_table(results)


def shared_rates(results: pd.DataFrame) -> str:
    """Say how the rates were chosen that the shipped sweeps give; nothing of other given ones."""
    commands = results["command"].fillna("").astype(str)
    shipped = commands.str.contains(SHIPPED) & ~commands.str.contains("trainer.lr=")
    rates = results[shipped & (results["lr_choice"] == "given")].groupby("task")["lr"]
    told = ", ".join(f"{task} {range_text(own, '{:g}')}" for task, own in rates)
    return SHARED.format(rates=told) if told else ""


def provenance_table(results: pd.DataFrame) -> Table:
    """Return what the runs' records name, a row per value, with how many runs have it."""
    frame = results.assign(machine=_machines(results), day=results["started"].str[:10])
    rows = []
    for name, column in COLUMNS.items():
        values = frame[column].map(_plain, na_action="ignore").fillna(UNKNOWN)
        counts = values.value_counts(sort=False)
        if name == "learning rate":
            counts = counts.reindex(sorted(counts.index, key=float))
        elif name != "command":
            counts = counts.sort_index()
        rows += [(name, str(value), f"{runs}") for value, runs in counts.items()][:MOST_VALUES]
        if len(counts) > MOST_VALUES:
            left = counts.iloc[MOST_VALUES:]
            rows.append((name, f"{len(left)} more", f"{left.sum()}"))
    return Table(("what", "value", "runs"), tuple(rows), names=2)


def mixed_codes(results: pd.DataFrame) -> list[str]:
    """Name the own cells and tasks that were edited between the runs of one curve."""
    told: dict[str, None] = {}
    for (task, label), runs in results.groupby(["task", "label"], observed=True):
        for name, column in ((label, "cell_code"), (task, "task_code")):
            codes = runs[column].nunique()
            if codes > 1:
                told[f"{name}: runs of {codes} different codes"] = None
    return list(told)


def _machines(results: pd.DataFrame) -> pd.Series[str]:
    """Return each run's machine in words, missing where it is not recorded."""
    columns = ["cpu", "cores", "threads", "gpu"]
    different = results[columns].drop_duplicates()
    texts = [_machine(*row) for row in different.itertuples(index=False)]
    keyed = different.assign(machine=pd.Series(texts, different.index, dtype="object"))
    machines = results[columns].merge(keyed, on=columns, how="left")["machine"]
    return machines.set_axis(results.index)


def _machine(cpu: Any, cores: Any, threads: Any, gpu: Any) -> str | None:
    if pd.isna(cpu):
        return None
    plural = "" if threads == 1 else "s"
    parts = [str(cpu)]
    parts += [] if pd.isna(cores) else [f"{cores:g} cores"]
    parts += [] if pd.isna(threads) else [f"{threads:g} thread{plural} a run"]
    return ", ".join(parts if pd.isna(gpu) else [str(gpu), *parts])


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
