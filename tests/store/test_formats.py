"""Records of every format that was ever written stay readable, and mean what they meant."""

import json
from pathlib import Path

import pytest

from rnnbench.cli.compose import compose
from rnnbench.cli.sweeps import make_sweeps
from rnnbench.experiment.condition import Replica, condition_of
from rnnbench.store.frames import load_all
from rnnbench.store.records import FORMAT, decode, encode, read_records
from tests.in_process import launch_in_process

FORMATS = Path(__file__).with_name("formats")  # a line of each stage of a format


def test_there_is_a_fixture_of_every_format():
    assert sorted(path.name for path in FORMATS.iterdir()) == [
        f"{n + 1}.jsonl" for n in range(FORMAT)
    ]


@pytest.mark.parametrize("path", sorted(FORMATS.iterdir()), ids=lambda path: path.stem)
def test_its_records_are_read_without_a_complaint(path, capsys):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    records = list(read_records(path))
    assert records == [{k: v for k, v in line.items() if k != "seal"} for line in lines]
    loaded = load_all(path)
    assert capsys.readouterr().err == ""
    rows = loaded.results.set_index("run_id")
    for record in records:
        row = rows.loc[record["run_id"]]
        for name in ("task", "cell", "gap", "seed", "lr", "status", "accuracy", "loss", "engine"):
            assert row[name] == record[name]
    assert len(loaded.history) == sum(len(record["history"]) for record in records)
    assert sorted(loaded.tuning["condition_id"].unique()) == sorted(
        {record["condition_id"] for record in records if record.get("tuning")}
    )


@pytest.mark.parametrize("path", sorted(FORMATS.iterdir()), ids=lambda path: path.stem)
def test_runs_of_the_present_versions_keep_their_identity(path):
    """Else a finished sweep would be trained once more."""
    current = []
    for record in read_records(path):
        if len(record.get("versions", {})) < 4:
            continue  # from when model and trainer had none
        condition = condition_of(record)
        if record["versions"] == condition.versions:
            current.append(record)
            assert condition.condition_id == record["condition_id"]
            replica = Replica(record["seed"], record["lr"])
            assert condition.run_id(replica) == record["run_id"]
    assert current


def test_a_record_of_a_newer_format_is_told_from_a_broken_one():
    record = json.loads((FORMATS / "1.jsonl").read_text().splitlines()[0])
    with pytest.raises(ValueError, match=f"has format {FORMAT + 1}, newer than {FORMAT}: upgrade"):
        decode(json.dumps(record | {"format": FORMAT + 1}))
    assert decode(encode(record)) == record


def test_a_sweep_is_not_trained_over_the_records_of_a_newer_version(in_tmp, capsys):
    words = "task=recall task.gap=4 cell=rnn seeds=2 trainer.steps=2 trainer.batch_size=4".split()
    words += "trainer.eval_size=8 model.hidden_size=4 engine=reference tracker=none".split()
    (sweep,) = make_sweeps(compose([*words, "output_dir=out"]))
    assert launch_in_process(sweep) == 0
    path = min((in_tmp / "out" / "runs").glob("*.json"))
    newer = json.dumps(json.loads(path.read_text()) | {"format": FORMAT + 1, "novelty": 1})
    path.write_text(newer)
    capsys.readouterr()
    assert launch_in_process(sweep) == 2
    line = f"out/runs/{path.name} cannot be read: it has format {FORMAT + 1}, newer than {FORMAT}"
    assert capsys.readouterr().err == f"rnnbench: error: {line}: upgrade rnnbench to read it\n"
    assert path.read_text() == newer
