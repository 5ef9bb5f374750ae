"""`python -m rnnbench.diagnose DIR`: why the runs stored there forget, or how they remember."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from itertools import groupby, islice
from pathlib import Path

from safetensors import SafetensorError

from rnnbench import console
from rnnbench.store.diagnoses import read_diagnosis, write_diagnosis
from rnnbench.store.files import check_links
from rnnbench.store.records import Record, Store, select_records, trained_as
from rnnbench.store.settings import name_recorded

SEQUENCES = 1024
LEAST_SEQUENCES = 64
# One run that fails must not stop the others; too much memory raises either of the last two.
FAILURES = (OSError, ValueError, SafetensorError, RuntimeError, MemoryError)

SEQUENCES_HELP = f"fresh sequences to measure on, {SEQUENCES} unless told"
at_least = console.at_least(LEAST_SEQUENCES)
parser = console.Parser("rnnbench.diagnose", __doc__)
add = parser.add_argument
add("directory", metavar="DIR", type=Path, help="a results directory")
add("--task", type=console.words, help="of these tasks only: copy,recall")
add("--cell", type=console.words, help="of these cells only: gru,lstm")
add("--gap", type=console.whole_numbers, help="at these gaps only: 20,40")
add("--seeds", type=console.whole_number, help="the first so many seeds of each curve")
add("--sequences", type=at_least, default=SEQUENCES, help=SEQUENCES_HELP)


def diagnose(output_dir: Path, records: Sequence[Record], sequences: int = SEQUENCES) -> int:
    """Diagnose and store runs, print each label, and return how many runs have a diagnosis.

    Print why a run is left out. What is stored with the same settings is kept.
    """
    from rnnbench.diagnose.diagnosis import diagnose_run, diagnosis_settings

    names, done = name_recorded(records), 0
    for record in records:
        name = f"{names[record['condition_id']]} lr {record['lr']:g} seed {record['seed']}"
        found = read_diagnosis(output_dir, record["run_id"])
        if found is None or found["settings"] != diagnosis_settings(sequences):
            try:
                found = diagnose_run(output_dir, record, sequences)
                write_diagnosis(output_dir, found)
            except FAILURES as error:
                print(f"{name}: left out: {console.message_of(error)}")
                continue
        line = f"{name}: {found['label']}. {found['evidence']}"
        print(console.printable(line), flush=True)
        done += 1
    return done


def select_runs(
    output_dir: Path,
    tasks: Sequence[str] | None = None,
    cells: Sequence[str] | None = None,
    gaps: Sequence[int] | None = None,
    seeds: int | None = None,
) -> list[Record]:
    """Return the records that have trained weights, of these tasks, cells and gaps, sorted.

    `seeds` takes the first so many of every condition and learning rate; None takes all of a kind.

    Raises:
        FileNotFoundError: there are no results, or none with weights.
        ValueError: a name or gap is not among them.
    """
    if not output_dir.is_dir():
        raise FileNotFoundError(f"no results at {output_dir}")
    store = Store(output_dir)
    records = [r for r in store.runs().values() if store.parameters(trained_as(r)).exists()]
    if not records:
        raise FileNotFoundError(f"no run in {output_dir} has its trained weights beside it")
    for key, asked in (("task", tasks), ("cell", cells), ("gap", gaps)):
        records = select_records(records, key, asked)
    order = ("task", "gap", "cell", "condition_id", "lr", "seed")
    records.sort(key=lambda record: [record[name] for name in order])
    curves = groupby(records, key=lambda record: [record["condition_id"], record["lr"]])
    return [record for _, own in curves for record in islice(own, seeds)]


@parser.command
def main(given: Namespace) -> int:
    """Diagnose the runs asked for and print how many have a diagnosis."""
    with console.mistakes(OSError, ValueError):
        check_links(given.directory)
        records = select_runs(given.directory, given.task, given.cell, given.gap, given.seeds)
    done = diagnose(given.directory, records, given.sequences)
    print(f"{done} of {console.count(len(records), 'run')}: {given.directory / 'diagnosis'}")
    return console.ExitCode.DONE


if __name__ == "__main__":
    console.run_and_exit(main)
