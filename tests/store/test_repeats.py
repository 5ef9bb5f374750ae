"""A run that is told more than once counts once, by one rule for all who read it."""

import pytest

import rnnbench
from rnnbench.experiment.condition import Replica
from rnnbench.store.frames import load_history
from rnnbench.store.records import Store, consolidate, encode, read_records
from rnnbench.store.standing import read_sweep_status
from rnnbench.training.recording import describe_run, failed_record
from rnnbench.verify.rerun import make_plan
from tests.small_sweep import ONE

RUN = {"sweep": "s", "command": "", "engine": "reference", "device": "cpu", "tuning": None}
ROW = {"step": 3, "loss": 1.0, "accuracy": 0.5, "score": 0.4, "grad_norm": 0.1}


def record(**changes):
    described = describe_run(ONE, Replica(0, 1e-3), {**RUN, "started": "now"})
    done = {"status": "unsolved", "error": None, "accuracy": 0.5, "history": [ROW]}
    return {**failed_record(described, ""), **done, **changes}


def lines(place, *records):
    place.mkdir(exist_ok=True)
    (place / "records.jsonl").write_text("".join(f"{encode(r)}\n" for r in records))
    return place


def accuracies(place):
    """Return what every reader makes of the runs of a place, which must be the same."""
    by_run = {run_id: r["accuracy"] for run_id, r in Store(place).runs().items()}
    frame = rnnbench.load_results(place)
    assert dict(zip(frame["run_id"], frame["accuracy"], strict=True)) == by_run
    assert [r["accuracy"] for r in read_records(place)] == list(by_run.values())
    assert set(load_history(place)["run_id"]) <= by_run.keys()
    total = read_sweep_status(place).tally.total
    assert sum(n for status, n in total.items() if status != "left") == len(by_run)
    jobs, _ = make_plan(place, 99, 0)
    assert {job["record"]["run_id"]: job["record"]["accuracy"] for job in jobs} == by_run
    return sorted(by_run.values())


def warnings(capsys):
    return [*dict.fromkeys(capsys.readouterr().err.splitlines())]


def test_records_that_differ_in_nothing_but_their_circumstances_are_one_quietly(tmp_path, capsys):
    again = {"seconds": 9.0, "sweep": "other", "command": "again", "environment": {"cpu": "x"}}
    place = lines(tmp_path / "a", record(), record(), {**record(), **again})
    assert [r["sweep"] for r in read_records(place)] == ["s"]
    assert rnnbench.load_results(place)["accuracy"].tolist() == [0.5]
    assert warnings(capsys) == []


@pytest.mark.parametrize(
    "change",
    [
        {"accuracy": 0.75},
        {"score": 0.4000001},
        {"status": "solved", "steps_to_solve": 3},
    ],
)
def test_of_records_that_differ_the_first_counts_and_the_other_is_named(tmp_path, capsys, change):
    place = lines(tmp_path / "a", record(), record(**change))
    assert accuracies(place) == [0.5]
    (warning,) = warnings(capsys)
    run_id = record()["run_id"]
    assert f"records.jsonl:2 is passed over: run {run_id} is told otherwise elsewhere" in warning


def test_a_file_of_its_own_counts_before_a_line(tmp_path, capsys):
    place = lines(tmp_path / "a", record(accuracy=0.25))
    Store(place).write(record())
    assert accuracies(place) == [Store(place).read(record()["run_id"])["accuracy"]] == [0.5]
    assert "records.jsonl:1 is passed over" in warnings(capsys)[0]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_failed_record_gives_way_to_a_finished_one(tmp_path, capsys, order):
    failed = failed_record(record(), "no luck")
    both = [failed, record(accuracy=0.75)]
    place = lines(tmp_path / "a", *(both[place] for place in order))
    assert accuracies(place) == [0.75]
    places = [lines(tmp_path / str(place), both[place]) for place in order]
    assert rnnbench.load_results(places)["accuracy"].tolist() == [0.75]
    assert consolidate(places, tmp_path / "joined") == 1
    assert accuracies(tmp_path / "joined") == [0.75]
    assert warnings(capsys) == []
