"""Online: the real client against a loopback stand-in, healthy, slow, failing, gone, hanging.

It shows what is sent, not that the service draws it.
"""

import json
import os
import subprocess
import sys
import time

import pytest

import rnnbench
from rnnbench.records import Store
from rnnbench.tracker.run import wandb_id
from rnnbench.tracker.summary import summary_id

from .wandb_server import KEY, wandb_server

CIRCUMSTANCES = ("seconds", "sequences_per_second", "environment", "command")
WORDS = ["+sweep=gaps", "task=recall", "cell=gru,rnn", "task.gap=5", "seeds=3", "workers=2"]
WORDS += ["engine=reference", "model.hidden_size=8", "trainer.steps=40", "trainer.eval_every=10"]
WORDS += ["trainer.batch_size=8", "trainer.eval_size=32", "trainer.lr=1e-3"]
SLOWEST = 120  # seconds, of a sweep of a few; what an outage may add is far less


def command(module, *words, cwd, server=None):
    hidden = ("WANDB_MODE", "WANDB_API_KEY", "WANDB_BASE_URL", "NETRC")
    kept = {key: value for key, value in os.environ.items() if key not in hidden}
    place = {"HOME": str(cwd), "NETRC": str(cwd / "netrc")}
    if server is not None:
        place |= {"WANDB_API_KEY": KEY, "WANDB_BASE_URL": server.url}
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=cwd,
        env=kept | place,
        capture_output=True,
        text=True,
        timeout=SLOWEST,
    )
    assert KEY not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done


def numbers(directory):
    runs = Store(directory).runs().values()
    kept = {r["run_id"]: {k: v for k, v in r.items() if k not in CIRCUMSTANCES} for r in runs}
    return json.dumps(kept, sort_keys=True)


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


def records_of(directory):
    return {wandb_id("gaps", record): record for record in Store(directory).runs().values()}


def results_sent(server):
    """Return the artifacts that the suite sends; the client makes one of every table besides."""
    return [artifact for artifact in server.artifacts if artifact["type"] == "results"]


@pytest.mark.slow
def test_each_replica_is_one_run_with_every_field(healthy):
    server, directory, _ = healthy
    records = records_of(directory)
    assert len(records) == 6
    assert set(server.runs) == {*records, summary_id("gaps")}
    for name, record in records.items():
        run = server.runs[name]
        assert run.fields["groupName"] == "gaps"
        assert run.fields["jobType"] == "recall"
        assert sorted(run.fields["tags"]) == sorted(["recall", record["cell"], "gap 5"])
        shown = f"{record['cell']} recall gap 5 seed {record['seed']} lr 0.001"
        assert run.fields["displayName"] == shown
        config = {key: entry["value"] for key, entry in run.config.items() if key != "_wandb"}
        for section, content in record["config"].items():
            assert config[section] == content
        assert (config["seed"], config["lr"], config["gap"]) == (record["seed"], 1e-3, 5)
        sent = [{key: row[key] for key in record["history"][0]} for row in run.history]
        assert sent == record["history"]
        assert [row["_step"] for row in run.history] == [10, 20, 30, 40]
        for key in ("loss", "accuracy", "score", "status", "steps", "num_parameters", "run_id"):
            assert run.summary[key] == record[key]
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
    assert done.stdout.count("there already: ") == 6
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


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["slow", "error", "gone", "hang"])
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
            assert server.runs[name].summary["loss"] == record["loss"]


def test_without_a_key_nothing_is_sent_and_one_line_says_how(tmp_path):
    rnnbench.run(
        **{"task": "recall", "gap": 5, "seeds": 1, "trainer.steps": 3, "model.hidden_size": 4},
        output_dir=str(tmp_path / "out"),
        engine="reference",
    )
    done = command("rnnbench.sync", "out", cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "nothing can be sent: W&B has no key (wandb login, or WANDB_API_KEY)" in line


@pytest.mark.parametrize("module", ["rnnbench.sync", "rnnbench.dashboard"])
def test_where_there_are_no_results_it_is_one_line(module, tmp_path):
    words = ["nowhere"] if module == "rnnbench.sync" else ["nowhere", "--json", "x.json"]
    done = command(module, *words, cwd=tmp_path)
    assert done.returncode == 2
    assert "no results at nowhere" in done.stderr
    assert len(done.stderr.splitlines()) == 1
