"""A plan file: written by a dry run, trained with torch alone, to the same records."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rnnbench.cli.command import run_command
from rnnbench.launcher.plan_file import write_plan
from rnnbench.store.files import TUNING
from rnnbench.store.seals import KEY, seal_line
from rnnbench.train import main
from tests.small_sweep import ONE, sweep_of
from tests.stored_numbers import numbers

ROOT = Path(__file__).resolve().parents[2]
ABSENT = "hydra omegaconf pandas pydantic pydantic_core yaml rich scipy seaborn matplotlib "
ABSENT += "PIL wandb"
SMALL = "task=recall task.gap=5 cell=gru,rnn seeds=2 model.hidden_size=4 trainer.steps=20 "
SMALL += "trainer.eval_every=10 trainer.eval_size=32 trainer.batch_size=8 tracker=none "
SMALL += "engine=reference name=small workers=1"


def small(*more):
    return [*SMALL.split(), *more]


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """Return the text of a plan of two conditions with two seeds each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("planned"))
        assert run_command(small("dry_run=true", "plan=small.json")) == 0
        return Path("small.json").read_text()


@pytest.fixture
def plan(in_tmp, planned):
    """Return a plan file of two conditions with two seeds each."""
    place = in_tmp / "small.json"
    place.write_text(planned)
    return place


@pytest.fixture
def bare(tmp_path_factory):
    """Return the environment of a Python that has torch, numpy and safetensors alone."""
    place = tmp_path_factory.mktemp("bare")
    lines = [f"import sys\nfor name in {ABSENT.split()!r}:\n    sys.modules[name] = None\n"]
    (place / "sitecustomize.py").write_text("".join(lines))
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(place), str(ROOT)])}


def train(environment, *words):
    command = [sys.executable, "-m", "rnnbench.train", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_torch_alone_trains_to_the_records_of_the_sweep_itself(in_tmp, bare):
    words = small("cell=gru", "trainer.lr=auto", "trainer.steps=10", "trainer.eval_every=5")
    assert run_command([*words, "dry_run=true", "plan=small.json"]) == 0
    done = train(bare, "small.json", "elsewhere", "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert "no report is drawn, as " in done.stderr
    assert "Traceback" not in done.stderr
    assert run_command([*words, "output_dir=here"]) == 0
    assert len(numbers("here")) == 2
    for place in ("", TUNING):
        assert numbers(Path("elsewhere", place)) == numbers(Path("here", place))


@pytest.mark.long
def test_what_is_stored_is_not_trained_again(plan, bare):
    one = json.loads(plan.read_text())
    del one[KEY]
    first = plan.with_name("first.json")
    first.write_text(seal_line(json.dumps({**one, "jobs": one["jobs"][:1]})))
    assert main([str(first), "out"]) == 0
    kept = numbers("out")
    assert len(kept) == 2
    done = train(bare, str(plan), "out")
    assert "conditions to train: 1\n" in done.stderr
    assert kept.items() < numbers("out").items()


@pytest.mark.long
def test_the_plan_is_the_same_whatever_is_stored(plan):
    before = plan.read_bytes()
    assert main([str(plan), "results/small"]) == 0
    assert run_command(small("dry_run=true", "plan=small.json")) == 0
    assert plan.read_bytes() == before


def test_a_dry_run_tells_where_the_plan_is(plan, capsys):
    assert run_command(small("dry_run=true", "plan=deep/er/small.json")) == 0
    assert "rnnbench: plan: deep/er/small.json\n" in capsys.readouterr().err
    assert (
        Path("deep/er/small.json").read_text().replace("deep/er/", "").rpartition(KEY)[0]
        == (plan.read_text().rpartition(KEY)[0])
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["plan=a.json"], "plan must be null unless dry_run=true, got 'a.json'"),
        (
            ["dry_run=true", "plan=a.txt"],
            "plan must be the name of a .json file, or null, got 'a.txt'",
        ),
        (
            ["dry_run=true", "plan=a.json", "output_dir=out/${cell.name}"],
            "plan must be null for jobs of several output_dirs, got 2",
        ),
        (
            ["dry_run=true", "plan=file/a.json"],
            "plan's directory must be a place for a directory, got file (",
        ),
    ],
)
def test_what_a_command_may_not_ask_for(in_tmp, capsys, words, line):
    Path("file").touch()
    assert run_command(small(*words)) == 2
    assert capsys.readouterr().err.startswith(f"rnnbench: error: {line}")
    assert [path.name for path in in_tmp.iterdir()] == ["file"]


def _first(plan):
    return plan["jobs"][0]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda p: p.update(format=2), "a plan must have format 1, got 2"),
        (lambda p: p.pop("jobs"), "a plan must have jobs"),
        (lambda p: p.update(jobs=[3]), "a plan's job must be an object, got 3"),
        (lambda p: p.update(sweep="a\nb"), "a plan's sweep must be a name of "),
        (
            lambda p: _first(p)["config"]["task"].update(_target_="os.system"),
            "a plan's config must have a task and a cell: ",
        ),
        (
            lambda p: _first(p)["config"]["trainer"].pop("clip_norm"),
            "a plan's config must be a training's: ",
        ),
        (
            lambda p: _first(p)["config"]["trainer"].update(more=1),
            "a plan's trainer must not have more",
        ),
        (
            lambda p: _first(p)["config"]["trainer"].update(clip_norm=-1),
            "a plan's trainer's clip_norm must be a number above 0, up to 1e+100, or null, got -1",
        ),
        (
            lambda p: _first(p)["config"]["trainer"].update(optimizer="adamw"),
            "a plan's trainer's optimizer must be one of adam, rmsprop, sgd, got 'adamw'",
        ),
        (
            lambda p: _first(p)["config"]["task"].update(gap_schedule="nope"),
            "a plan's task's gap_schedule must be one of fixed, uniform, growing, got 'nope'",
        ),
        (
            lambda p: _first(p)["config"].update(engine="warp"),
            "a plan's config's engine must be one of auto, reference, compiled, torch, triton, "
            "got 'warp'",
        ),
        (
            lambda p: _first(p)["config"].update(device="tpu"),
            "a plan's config's device must be one of auto, cpu, cuda, got 'tpu'",
        ),
        (
            lambda p: _first(p)["config"]["trainer"].update(batch_size=9),
            "recall gap 5 gru was planned with other versions of task, cell, model or trainer",
        ),
        (
            lambda p: _first(p).update(replicas=[[0, None]]),
            "a plan's replica must be a seed and a learning rate, got [0, None]",
        ),
        (
            lambda p: _first(p).update(replicas=[[-1, 0.1]]),
            "a plan's replica must be a seed and a learning rate, got [-1, 0.1]",
        ),
    ],
)
def test_a_plan_that_is_none_is_refused_in_one_line(plan, capsys, change, line):
    content = json.loads(plan.read_text())
    del content[KEY]
    change(content)
    plan.write_text(seal_line(json.dumps(content)))
    capsys.readouterr()
    assert main([str(plan), "out"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"rnnbench.train: error: {plan}: {line}")
    assert not Path("out").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_file_of_another_kind_is_refused_in_one_line(in_tmp, capsys, content):
    Path("plan.json").write_bytes(content)
    assert main(["plan.json", "out"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("rnnbench.train: error: plan.json: ")


def test_a_changed_number_is_seen(plan, capsys):
    plan.write_text(plan.read_text().replace("[0,", "[7,", 1))
    assert main([str(plan), "out"]) == 2
    assert "it is not as it was written" in capsys.readouterr().err


def test_no_such_file(in_tmp, capsys):
    assert main(["nowhere.json", "out"]) == 2
    assert "No such file" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_device_that_is_not_here_is_named_before_anything_starts(in_tmp, capsys):
    sweep = sweep_of(Path("unused"), replace(ONE, device="cuda"))
    write_plan(Path("plan.json"), sweep)
    assert main(["plan.json", "out"]) == 2
    line = "device must be auto or cpu on a machine without CUDA, got cuda"
    assert capsys.readouterr().err == f"rnnbench.train: error: plan.json: {line}\n"
    assert not Path("out").exists()
