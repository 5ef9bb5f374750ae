"""Online: the real client against a loopback stand-in, healthy, slow, failing, gone, hanging.

It shows what is sent, not that the service draws it.
"""

import json
import time

import pytest

from rnnbench.store.records import Store
from rnnbench.tracker.summary import summary_id
from tests.stored_numbers import numbers

from .wandb_server import KEY, wandb_server
from .wandb_sweep import WORDS, assert_whole, command, records_of, results_sent

SLOWEST = 120  # seconds, of a sweep of a few; what an outage may add is far less


@pytest.fixture(scope="module")
def untracked(tmp_path_factory):
    place = tmp_path_factory.mktemp("untracked")
    assert command("rnnbench", *WORDS, "tracker=none", cwd=place).returncode == 0
    return numbers(place / "results" / "gaps")


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    """A sweep that was mirrored, started twice, and the server that took it."""
    place = tmp_path_factory.mktemp("healthy")
    with wandb_server() as server:
        for _ in range(2):
            done = command("rnnbench", *WORDS, cwd=place, server=server)
            assert done.returncode == 0
            assert "warning" not in done.stderr
        yield server, place / "results" / "gaps", place


@pytest.mark.slow
def test_each_replica_is_one_run_with_every_field(healthy):
    server, directory, _ = healthy
    records = records_of(directory)
    assert len(records) == 6
    assert_whole(server, directory)
    for run in server.runs.values():
        assert run.exit_code == 0


@pytest.mark.slow
def test_the_summary_has_tables_figures_and_the_results_once(healthy):
    server, directory, _ = healthy
    run = server.runs[summary_id("gaps")]
    assert (run.fields["groupName"], run.fields["jobType"]) == ("gaps", "summary")
    (row,) = run.history
    assert {"results", "horizons", "by_gap_recall", "accuracy_vs_gap"} <= set(row)
    assert run.summary["runs"] == 6
    (artifact,) = results_sent(server)
    assert (artifact["name"], artifact["type"]) == ("gaps-results", "results")
    assert set(artifact["files"]) == {"records.jsonl", "summary.csv", "by_gap.csv"}
    lines = artifact["files"]["records.jsonl"].decode().splitlines()
    assert {json.loads(line)["run_id"] for line in lines} == set(Store(directory).runs())


@pytest.mark.slow
def test_what_is_there_is_not_sent_again_and_no_key_is_stored(healthy):
    server, directory, place = healthy
    before = {name: run.history for name, run in server.runs.items()}
    done = command("rnnbench.sync", str(directory), cwd=place, server=server)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("there already: ") == 7
    assert {name: run.history for name, run in server.runs.items()} == before
    assert len(results_sent(server)) == 1
    for path in place.rglob("*"):
        assert not (path.is_file() and KEY.encode() in path.read_bytes()), path


@pytest.mark.slow
def test_the_dashboard_is_saved_once(healthy):
    server, directory, place = healthy
    for _ in range(2):
        done = command("rnnbench.dashboard", str(directory), cwd=place, server=server)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("http")
    assert len({view["name"] for view in server.views}) == 1


@pytest.mark.long  # test_sync has a server that fails half-way, too
@pytest.mark.parametrize("trouble", ["error", "slow", "gone", "hang"])
def test_trouble_half_way_costs_no_number_and_the_rest_is_sent_later(trouble, untracked, tmp_path):
    directory = tmp_path / "results" / "gaps"
    with wandb_server() as server:
        server.fail_after(1, trouble)
        began = time.monotonic()
        done = command("rnnbench", *WORDS, cwd=tmp_path, server=server)
        took = time.monotonic() - began
        assert done.returncode == 0, done.stderr
        assert numbers(directory) == untracked
        assert took < SLOWEST
        warnings = [line for line in done.stderr.splitlines() if "warning" in line]
        assert len(warnings) == (trouble != "slow"), warnings
        server.recover()
        done = command("rnnbench.sync", str(directory), cwd=tmp_path, server=server)
        assert done.returncode == 0, done.stderr
        records = records_of(directory)
        assert set(server.runs) == {*records, summary_id("gaps")}
        for name, record in records.items():
            steps = [row["_step"] for row in server.runs[name].history]
            assert steps == [row["step"] for row in record["history"]]
            assert server.runs[name].summary["test_loss"] == record["loss"]
