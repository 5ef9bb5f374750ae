"""Real sweeps from the command line: killed and continued, mirrored, skipped the second time."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import rnnbench
from tests.stored_numbers import numbers
from tests.waiting import until

from .wandb_reader import offline_runs

SCRIPT = (str(Path(sys.executable).parent / "rnnbench"),)
SMALL = "engine=reference +sweep=gaps task=recall cell=rnn,gru task.gap=11,14 seeds=2 ".split()
SMALL += "model.hidden_size=16 trainer.batch_size=16 trainer.steps=360 ".split()
SMALL += "trainer.eval_every=120 trainer.eval_size=128".split()


LOADED = """
import sys
from rnnbench.cli.command import run_command
code = run_command(sys.argv[1:])
heavy = {"matplotlib", "seaborn", "scipy", "pandas", "wandb", "rich"}
print("loaded:", sorted(heavy & sys.modules.keys()))
sys.exit(code)
"""


def start(*words, cwd, program=(sys.executable, "-m", "rnnbench"), **environment):
    return subprocess.Popen(
        [*program, *words],
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process, code=0):
    out, err = process.communicate(timeout=240)
    assert process.returncode == code, err
    assert "Traceback" not in err
    return out, err


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The same sweep, undisturbed, and its output."""
    directory = tmp_path_factory.mktemp("whole")
    out, err = finish(start(*SMALL, cwd=directory))
    return directory / "results" / "gaps", out, err


@pytest.mark.long
def test_without_a_compiler_a_sweep_trains_all_the_same(tmp_path):
    words = ["task=recall", "task.gap=3", "cell=gru", "seeds=2", "trainer.steps=4"]
    words += ["model.hidden_size=8", "trainer.eval_size=16", "tracker=none"]
    bare = {"PATH": "", "CXX": "", "RNNBENCH_CACHE": str(tmp_path / "cache")}
    _, err = finish(start(*words, cwd=tmp_path, **bare))
    (line,) = [line for line in err.splitlines() if "compiled" in line]
    assert "not compiled: engine must be reference or torch without a C++ compiler" in line
    frame = rnnbench.load_results(tmp_path / "results" / "recall-gru")
    assert frame["status"].tolist() == ["unsolved"] * 2
    assert set(frame["engine"]) <= {"reference", "torch"}


def test_a_sweep_leaves_records_weights_report_and_table(whole):
    directory, out, err = whole
    frame = rnnbench.load_results(directory)
    assert len(frame) == 2 * 2 * 2
    assert set(frame["status"]) <= {"solved", "unsolved"}
    assert (frame["engine"] == "reference").all()
    history = rnnbench.load_history(directory)
    assert history.groupby("run_id")["step"].max().eq(360).all()
    names = {path.name for path in (directory / "report").iterdir()}
    figures = {f"{f}.{k}" for f in ("accuracy_vs_gap", "score_vs_gap") for k in ("png", "svg")}
    assert names >= figures | {"learning_curves.png", "report.md", "index.html"}
    assert names >= {"summary.csv", "by_gap.csv"}
    assert out.splitlines()[0].split() == ["task", "cell", "done", "skipped", "failed"]
    assert "all              8        0       0" in out
    assert "[4/4]" in err
    assert sorted(path.name for path in directory.parent.parent.iterdir()) == ["results"]


@pytest.mark.long
@pytest.mark.parametrize("killed", [False, True], ids=["both to the end", "one killed half-way"])
def test_two_launchers_share_a_sweep(whole, tmp_path, killed):
    words = [*SMALL, "tracker=none", "workers=1"]
    launchers = [start(*words, cwd=tmp_path) for _ in range(2)]
    directory = tmp_path / "results" / "gaps"
    if killed:
        until(lambda: len(list((directory / "runs").glob("*.json"))) >= 2)
        os.killpg(launchers[0].pid, signal.SIGKILL)
        launchers.pop(0).communicate()
    told = [line for each in launchers for line in finish(each)[1].splitlines() if line[0] == "["]
    assert numbers(directory) == numbers(whole[0])
    own = [line.split("] ")[1].split(":")[0] for line in told if "elsewhere" not in line]
    assert len(own) == len(set(own))
    if not killed:
        assert len(own) == 4
        assert len(told) == 8
    assert not any((directory / "claims").iterdir())


def test_every_run_is_mirrored_whole(whole):
    directory, _, _ = whole
    runs = offline_runs(directory)
    frame = rnnbench.load_results(directory).set_index("run_id")
    history = rnnbench.load_history(directory)
    summaries = [run for run in runs if run["run"]["job_type"] == "summary"]
    assert len(summaries) == 1
    assert summaries[0]["summary"]["runs"] == 8
    mirrored = {r["summary"]["run_id"]: r for r in runs if r["run"]["job_type"] != "summary"}
    assert set(mirrored) == set(frame.index)
    for run_id, run in mirrored.items():
        row = frame.loc[run_id]
        assert (run["run"]["run_group"], run["run"]["job_type"]) == ("gaps", row["task"])
        for name in ("task", "cell", "seed", "lr", "gap", "status"):
            assert run["summary"][name] == row[name], name
        for name in ("loss", "accuracy", "score"):
            assert run["summary"][f"test_{name}"] == row[name], name
        assert run["config"]["task"]["gap"] == row["gap"]
        assert run["config"]["trainer"]["steps"] == 360
        assert run["config"]["seed"] == row["seed"]
        own = history[history["run_id"] == run_id]
        assert [entry["loss"] for entry in run["history"]] == own["loss"].tolist()
        assert [entry["step"] for entry in run["history"]] == [120, 240, 360]


def test_the_second_time_nothing_is_trained_nor_loaded_to_draw(whole):
    directory, _, _ = whole
    before = {path: path.stat().st_mtime_ns for path in (directory / "runs").iterdir()}
    program = (sys.executable, "-c", LOADED)
    out, err = finish(start(*SMALL, "tracker=none", cwd=directory.parent.parent, program=program))
    assert "all              0        8       0" in out
    assert err == ""
    assert out.splitlines()[-1] == "loaded: []"
    assert {path: path.stat().st_mtime_ns for path in (directory / "runs").iterdir()} == before


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.long
def test_killed_at_three_random_moments_it_ends_with_the_same_numbers(whole, tmp_path, seed):
    draw = random.Random(seed)
    for _ in range(3):
        process = start(*SMALL, "tracker=none", cwd=tmp_path)
        time.sleep(draw.uniform(2.5, 4.5))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "the sweep ended before it was killed"
    finish(start(*SMALL, "tracker=none", cwd=tmp_path))
    assert numbers(tmp_path / "results" / "gaps") == numbers(whole[0])


@pytest.mark.long
def test_more_seeds_later_train_only_the_new_ones(whole, tmp_path):
    words = [word for word in SMALL if not word.startswith("seeds")]
    finish(start(*words, "seeds=1", "tracker=none", cwd=tmp_path))
    out, _ = finish(start(*words, "seeds=2", "tracker=none", "workers=1", cwd=tmp_path))
    assert "all              4        4       0" in out
    assert numbers(tmp_path / "results" / "gaps") == numbers(whole[0])


def test_the_console_script_tells_a_mistake_in_one_line(tmp_path):
    _, err = finish(start("cell=lstmm", cwd=tmp_path, program=SCRIPT), code=2)
    line = "cell must be one that --help lists, got lstmm (did you mean lstm?)"
    assert err.splitlines() == [f"rnnbench: error: {line}"]


def test_an_own_cell_and_an_own_task_need_two_files_each(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    for group, name in (("cell", "Mine"), ("task", "First")):
        (tmp_path / "conf" / group).mkdir(parents=True)
        text = f"_target_: own.{name}\nname: {name.lower()}\n" + ("gap: 5\n" * (group == "task"))
        (tmp_path / "conf" / group / f"{name.lower()}.yaml").write_text(text)
    words = ["--config-dir", "conf", "cell=mine", "task=first", "seeds=2", "trainer.steps=3"]
    words += ["model.hidden_size=8", "trainer.eval_size=16", "tracker=none"]
    out, _ = finish(start(*words, cwd=tmp_path, program=SCRIPT))
    assert "results: results/first-mine" in out
    out, _ = finish(start(*words, cwd=tmp_path))
    assert out.splitlines()[2].split() == ["all", "0", "2", "0"]
    frame = rnnbench.load_results(tmp_path / "results" / "first-mine")
    assert frame[["task", "cell", "gap"]].values.tolist() == [["first", "mine", 5]] * 2


OWN = """
import math
import torch
from rnnbench import Batch, Cell
from rnnbench.task import Chance, ClassificationTask

class Mine(Cell):
    gates = {"a": "xh"}

    def update(self, a, h):
        return torch.tanh(a)

class First(ClassificationTask):
    def __init__(self, *, gap: int) -> None:
        self.gap, self.input_size, self.output_size = gap, 2, 2
        self.sequence_length, self.answer_length = gap + 1, 1
        self.chance, self.load_bits = Chance(math.log(2), 0.5), 1.0

    def sample(self, batch_size, generator):
        bits = torch.randint(2, (1, batch_size), generator=generator)
        inputs = torch.zeros(self.gap + 1, batch_size, 2)
        inputs[:1].scatter_(2, bits[..., None], 1.0)
        return Batch(inputs, bits)

    def dependencies(self):
        return torch.tensor([[0, self.gap]])
"""
