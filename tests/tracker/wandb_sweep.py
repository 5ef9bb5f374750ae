"""A real small sweep as a command, mirrored to the stand-in; and what of it must have arrived."""

import json
import math
import os
import subprocess
import sys

from rnnbench.store.records import Store
from rnnbench.store.schema import MEASURES
from rnnbench.store.settings import curve_id, settings_of
from rnnbench.tracker.run import wandb_id
from rnnbench.tracker.summary import summary_id

from .wandb_server import KEY

WORDS = ["+sweep=gaps", "task=recall", "cell=gru,rnn", "task.gap=5", "seeds=3", "workers=2"]
WORDS += ["engine=reference", "model.hidden_size=8", "trainer.steps=40", "trainer.eval_every=10"]
WORDS += ["trainer.batch_size=8", "trainer.eval_size=32", "trainer.lr=1e-3"]
LIMIT = 240  # seconds, of any command, on a machine that is busy
OF_TRAINING = ("status", "steps", "clipped_steps", "steps_to_solve", "loss", "accuracy", "score")
OF_TRAINING += ("seconds", "sequences_per_second", "error")


def surroundings(home, server=None, key=None):
    """Return an environment with a home of its own, and the stand-in's key or a key alone."""
    hidden = ("WANDB_MODE", "WANDB_API_KEY", "WANDB_BASE_URL", "NETRC")
    kept = {key: value for key, value in os.environ.items() if key not in hidden}
    kept |= {"HOME": str(home), "NETRC": str(home / "netrc")}
    if key is not None:
        kept["WANDB_API_KEY"] = key
    if server is not None:
        kept |= {"WANDB_API_KEY": KEY, "WANDB_BASE_URL": server.url}
    return kept


def command(module, *words, cwd, server=None, key=None, home=None):
    """Run to the end; whatever happens, there is neither the key nor a traceback to read."""
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=cwd,
        env=surroundings(home or cwd, server, key),
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert KEY not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done


def records_of(directory):
    """Return the stored records by their runs' ids at W&B."""
    return {wandb_id("gaps", record): record for record in Store(directory).runs().values()}


def results_sent(server):
    """Return the artifacts that the suite sends; the client makes one of every table besides."""
    return [artifact for artifact in server.artifacts if artifact["type"] == "results"]


def assert_whole(server, directory):
    """One run per replica and one summary, each with every field, none doubled."""
    records = records_of(directory)
    assert set(server.runs) == {*records, summary_id("gaps")}
    for name, record in records.items():
        assert_run(server.runs[name], record)
    assert_summary(server.runs[summary_id("gaps")], len(records))
    assert {line["run_id"] for line in lines_of(results_sent(server)[-1])} == {
        record["run_id"] for record in records.values()
    }


def assert_run(run, record):
    name = f"{record['cell']} recall gap 5"
    assert run.fields["displayName"] == f"{name} seed {record['seed']} lr 0.001"
    assert (run.fields["groupName"], run.fields["jobType"]) == ("gaps", "recall")
    assert (run.fields["project"], run.fields["program"]) == ("rnnbench", "rnnbench")
    assert sorted(run.fields["tags"]) == sorted(["recall", record["cell"], "gap 5"])
    config = {key: entry["value"] for key, entry in run.config.items() if key != "_wandb"}
    shown = f"recall gap 5 {record['cell']} ({record['condition_id'][:6]})"
    curve = f"{record['cell']} recall ({curve_id(settings_of(record))[:6]})"
    condition = {"condition": shown, "curve": curve}
    known = {k: v for k, v in scalars(record).items() if k not in OF_TRAINING}
    environment = {"environment": config["environment"]}  # a resumed run's is its first start's
    assert record["environment"].keys() == config["environment"].keys()
    expected = {**known, **record["config"], **condition, **environment}
    assert config == expected
    own = ("_step", "_timestamp", "_runtime", "_wandb")
    assert [{k: v for k, v in row.items() if k not in own} for row in run.history] == [
        scalars(row) for row in record["history"]
    ]
    assert [row["_step"] for row in run.history] == [row["step"] for row in record["history"]]
    summary = {key: value for key, value in run.summary.items() if key not in own}
    results = {k: v for k, v in scalars(record).items() if k not in MEASURES}
    tested = {f"test_{k}": record[k] for k in ("loss", "accuracy", "score")}
    assert summary == scalars(record["history"][-1]) | results | tested
    assert run.exit_code == 0


def scalars(record):
    """Return what can be shown: texts and finite numbers; the format is the store's own matter."""
    kept = {k: v for k, v in record.items() if isinstance(v, str | int | float) and k != "format"}
    return {k: v for k, v in kept.items() if isinstance(v, str) or math.isfinite(v)}


def assert_summary(run, runs):
    assert run.fields["displayName"] == "gaps summary"
    assert (run.fields["groupName"], run.fields["jobType"]) == ("gaps", "summary")
    assert run.fields["tags"] == ["summary"]
    assert {"results", "horizons", "by_gap_recall", "accuracy_vs_gap"} <= set(run.history[-1])
    assert "score_vs_gap" in run.history[-1]
    assert (run.summary["runs"], run.summary["unsolved"], run.exit_code) == (runs, runs, 0)
    results, horizons, by_gap = (
        table(run, key) for key in ("results", "horizons", "by_gap_recall")
    )
    assert len({row["run_id"] for row in results}) == len(results) == runs
    assert {row["cell"] for row in horizons} == {row["cell"] for row in by_gap} == {"gru", "rnn"}
    assert len(horizons) == len(by_gap) == 2
    assert {"horizon", "horizon_low", "horizon_high"} <= set(horizons[0])
    assert {"accuracy_mean", "score_mean", "curve"} <= set(by_gap[0])


def table(run, key):
    """Return the rows of the table that a key of the last history row points to."""
    content = json.loads(run.files[run.history[-1][key]["path"]])
    return [dict(zip(content["columns"], row, strict=True)) for row in content["data"]]


def lines_of(artifact):
    assert artifact["name"] == "gaps-results"
    assert set(artifact["files"]) == {"records.jsonl", "summary.csv", "by_gap.csv"}
    return [json.loads(line) for line in artifact["files"]["records.jsonl"].splitlines()]


def assert_no_key(server, place):
    """It is in no file that was written, and in nothing that was sent but the header."""
    for path in place.rglob("*"):
        assert not (path.is_file() and KEY.encode() in path.read_bytes()), path
    runs = [vars(run) for run in server.runs.values()]
    assert KEY not in repr((runs, server.uploads, server.artifacts, server.views))
