"""How a sweep stands, told from its directory alone."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rnnbench.status import main
from rnnbench.store.claims import claim_of, take
from rnnbench.store.frames import load_results
from rnnbench.store.manifest import FILE, add_to_manifest, read_manifest
from rnnbench.store.records import Store, encode
from rnnbench.store.rules import LONGEST_NAME
from rnnbench.store.standing import ProgressFile, read_sweep_status
from rnnbench.training.recording import describe_run, failed_record
from tests.small_sweep import NEWS, ONE, REPLICAS, TWO, sweep_of

ROOT = Path(__file__).resolve().parents[2]
RUN = {"sweep": "trial", "command": "", "engine": "reference", "device": "cpu", "tuning": None}


def note(sweep):
    add_to_manifest(sweep.output_dir, sweep.name, sweep.asked)


def record(condition, replica, status):
    described = describe_run(condition, replica, {**RUN, "started": "2026"})
    return failed_record(described, "no luck" if status == "failed" else "") | {"status": status}


@pytest.fixture
def begun(tmp_path):
    """A sweep of two conditions: of the first a run is solved and one failed; nothing more."""
    note(sweep_of(tmp_path, ONE, TWO))
    for replica, status in zip(REPLICAS, ["solved", "failed"]):
        Store(tmp_path).write(record(ONE, replica, status))
    return tmp_path


def test_runs_are_counted_by_status_and_the_rest_is_left(begun):
    standing = read_sweep_status(begun)
    assert standing.tally.counts == {("recall", "gru"): {"solved": 1, "failed": 1, "left": 2}}
    assert standing.tally.failures == ("recall gap 6 gru (1 of 2 runs): no luck",)
    assert standing.conditions == (0, 2)
    assert not standing.tally.complete


def test_who_is_at_what_is_told_with_the_latest_news(begun, capsys):
    ProgressFile(begun, TWO.condition_id).tell(NEWS)
    with take(claim_of(begun, TWO.condition_id)):
        assert main([str(begun)]) == 1
    shown = capsys.readouterr().out
    assert "running: recall gap 7 gru, step 3 of 6, accuracy 0.25, on " in shown
    assert f"process {os.getpid()}, heard 0 s ago" in shown


def test_a_killed_process_is_called_so(begun, capsys):
    hold = "from rnnbench.store.claims import take; from pathlib import Path; import os, sys\n"
    hold += "take(Path(sys.argv[1])).__enter__(); os._exit(1)"
    place = claim_of(begun, TWO.condition_id)
    subprocess.run([sys.executable, "-c", hold, str(place)], cwd=ROOT, check=False)
    main([str(begun)])
    assert capsys.readouterr().out.count("killed") == 1


def test_a_claim_that_lies_elsewhere_is_named_and_passed_over(begun, capsys):
    (begun / "elsewhere").mkdir()
    place = claim_of(begun, TWO.condition_id)
    place.parent.mkdir()
    place.symlink_to(begun / "elsewhere")
    assert main([str(begun)]) == 1
    told = capsys.readouterr()
    assert "0 of 2 conditions" in told.out and "running" not in told.out
    (line,) = told.err.splitlines()
    assert line.startswith(f"rnnbench: warning: {place} is passed over: ")


def test_a_finished_sweep_is_complete(begun, capsys):
    for condition in (ONE, TWO):
        for replica in REPLICAS:
            Store(begun).write(record(condition, replica, "unsolved"))
    assert main([str(begun)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "2 of 2 conditions are finished"
    assert shown[-1].split() == ["all", "0", "4", "0", "0", "0"]


def test_more_seeds_asked_for_later_are_left(begun):
    note(sweep_of(begun, ONE))
    assert read_sweep_status(begun).tally.total["left"] == 2
    from rnnbench.experiment.condition import Replica

    more = replace(sweep_of(begun), jobs=((ONE, (Replica(7, 1e-3),)),))
    note(more)
    assert read_sweep_status(begun).tally.total["left"] == 3
    assert len(read_manifest(begun)[ONE.condition_id]["replicas"]) == 3


@pytest.mark.parametrize(
    "text", ["", "[]", '{"conditions": 3}', '{"conditions": {"a": {"name": 1}}}']
)
def test_a_broken_manifest_is_named_and_is_written_again(begun, capsys, text):
    (begun / FILE).write_text(text)
    read_manifest(begun)
    assert f"{begun / FILE} is passed over" in capsys.readouterr().err
    assert read_sweep_status(begun).tally.total == {"solved": 1, "failed": 1}
    note(sweep_of(begun, ONE, TWO))
    assert read_sweep_status(begun).tally.total["left"] == 2


ENTRY = {"task": "t", "cell": "c", "gap": 3, "replicas": [[0, 1e-3], [1, None]]}


@pytest.mark.parametrize("identity", ["/etc", "../..", "a/b", "", "\0", "\ud800", "x" * 65, "."])
def test_a_condition_is_never_a_path(begun, capsys, identity):
    known = {"conditions": {"fine": ENTRY, identity: ENTRY}}
    (begun / FILE).write_text(json.dumps(known))
    assert list(read_manifest(begun)) == ["fine"]
    assert main([str(begun)]) == 1
    assert f"{begun / FILE} is passed over" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change",
    [
        {"gap": 0},
        {"gap": 10**400},
        {"gap": True},
        {"settings": []},
        {"settings": {"task": "t"}},
        {"settings": {"task": "t", "cell": "\x1b[2J"}},
        {"settings": {"task": "t", "cell": "c", "deep": [[[[[[[[[]]]]]]]]]}},
        {"task": "\ud800"},
        {"cell": ["c"]},
        {"replicas": [1]},
        {"replicas": [[0]]},
        {"replicas": [[-1, 1e-3]]},
        {"replicas": [[0, 0]]},
        {"replicas": [[0, float("nan")]]},
        {"replicas": {"0": 1e-3}},
    ],
)
def test_an_entry_that_no_sweep_makes_is_passed_over(begun, change):
    known = {"conditions": {"fine": ENTRY, "wrong": {**ENTRY, **change}}}
    (begun / FILE).write_text(json.dumps(known))
    assert list(read_manifest(begun)) == ["fine"]


def test_the_longest_names_are_written_and_read(tmp_path):
    task = {**ONE.task, "name": "t" * LONGEST_NAME, "gap_schedule": "growing"}
    long = replace(ONE, task=task, cell={**ONE.cell, "name": "c" * LONGEST_NAME})
    note(sweep_of(tmp_path, long))
    assert list(read_manifest(tmp_path)) == [long.condition_id]


@pytest.mark.parametrize("endless", ["pipe", "/dev/zero"])
def test_a_manifest_without_an_end_is_passed_over(begun, capsys, endless):
    (begun / FILE).unlink()
    if endless == "pipe":
        os.mkfifo(begun / FILE)
    else:
        (begun / FILE).symlink_to(endless)
    assert read_sweep_status(begun).tally.total == {"solved": 1, "failed": 1}
    assert f"{begun / FILE} is no regular file" in capsys.readouterr().err


@pytest.mark.parametrize("news", [{"accuracy": 10**400}, {"steps": 0}])
def test_news_that_nobody_tells_are_left_out(begun, capsys, news):
    (begun / "progress").mkdir()
    path = begun / "progress" / f"{TWO.condition_id}.json"
    path.write_text(json.dumps({**NEWS, **news}))
    with take(claim_of(begun, TWO.condition_id)):
        assert main([str(begun)]) == 1
    assert "running: recall gap 7 gru, on " in capsys.readouterr().out


def test_published_results_have_a_standing(capsys):
    assert main([str(ROOT / "results" / "reference")]) == 0
    results = load_results(ROOT / "results" / "reference")
    counted = capsys.readouterr().out.splitlines()[-1].split()[1:]
    assert sum(map(int, counted)) == (~results["superseded"]).sum()


def test_a_tuning_that_is_not_over_is_told_first(begun, capsys):
    tuning = sweep_of(begun / "tuning", ONE)
    tuning.output_dir.mkdir()
    note(tuning)
    main([str(begun)])
    assert capsys.readouterr().out.startswith("tuning: 0 of 1 condition is finished")


@pytest.mark.parametrize("place", ["nothing", "empty", "file"])
def test_where_nothing_is_stored_it_is_one_line_and_code_2(tmp_path, capsys, place):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text(encode(record(ONE, REPLICAS[0], "solved")))
    assert main([str(tmp_path / place)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "rnnbench.status: error: no results at" in line


def test_the_command_needs_no_torch(begun):
    code = f"import sys, rnnbench.status as s; s.main([{str(begun)!r}]); "
    code += "print(json.dumps([m for m in ('torch', 'pandas', 'hydra') if m in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", f"import json; {code}"], cwd=ROOT, capture_output=True, text=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_runs_at_a_rate_that_tuning_has_given_up_stand_for_none_that_are_left(tmp_path):
    condition = replace(ONE, tuned=True)
    entry = {"score": 0.9, "steps": 4.0, "solved": 3, "dropped": False}
    sweep = replace(sweep_of(tmp_path), jobs=((condition, REPLICAS),))
    note(sweep)
    for seeds, lr, replicas in ((3, 1e-3, REPLICAS), (6, 3e-3, REPLICAS[:1])):
        grid = [{"lr": lr, "seeds": seeds, **entry}]
        tuning = {"lr": lr, "learned": True, "at_edge": False, "grid": grid}
        for replica in replicas:
            own = record(condition, replica._replace(lr=lr), "solved")
            Store(tmp_path).write(own | {"tuning": tuning})
    assert read_sweep_status(tmp_path).tally.total == {"solved": 1, "left": 1}
