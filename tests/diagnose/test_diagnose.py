"""The command: what it stores, what it keeps, what it refuses; and what is read back."""

import json
import os
import re

import numpy as np
import pandas as pd
import pytest
import torch

import rnnbench
from rnnbench.diagnose.__main__ import main, select_runs
from rnnbench.experiment.condition import Condition, Replica
from rnnbench.layers import Layers
from rnnbench.store.diagnoses import consolidate_diagnoses, load_diagnosis
from rnnbench.store.records import Store
from rnnbench.training.recipe import Recipe
from rnnbench.training.trainer import Trainer, initial_parameters

FEW = ["--sequences", "64"]


def stored(sweep):
    return sorted((sweep / "diagnosis").glob("*.json"))


def test_every_run_is_diagnosed_and_what_is_stored_is_kept(sweep, capsys):
    assert main([str(sweep), *FEW]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[-1] == f"6 of 6 runs: {sweep / 'diagnosis'}"
    assert out[0].startswith("recall gap 4 gru lr 0.001 seed 0: ")
    before = {path: path.stat().st_mtime_ns for path in stored(sweep)}
    assert {path.stem for path in before} == set(Store(sweep).runs())
    assert main([str(sweep), *FEW]) == 0
    assert {path: path.stat().st_mtime_ns for path in stored(sweep)} == before
    assert main([str(sweep), "--sequences", "65", "--cell", "lstm"]) == 0
    changed = {path for path, at in before.items() if path.stat().st_mtime_ns != at}
    assert {json.loads(path.read_bytes())["cell"] for path in changed} == {"lstm"}


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["--gap", "4"], 4),
        (["--cell", "gru", "--seeds", "1"], 2),
        (["--task", "recall", "--cell", "gru,lstm", "--gap", "4,6"], 6),
    ],
)
def test_arguments_narrow_what_is_diagnosed(sweep, arguments, count):
    assert main([str(sweep), *FEW, *arguments]) == 0
    assert len(stored(sweep)) == count


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "copy"], "task must be one of recall, got copy"),
        (["--cell", "gru,mgu"], "cell must be one of gru, lstm, got mgu"),
        (["--gap", "5"], "gap must be one of 4, 6, got 5"),
        (["--gap", "x"], "argument --gap: must be a whole number of at least 1, got x"),
        (["--seeds", "0"], "argument --seeds: must be a whole number of at least 1, got 0"),
        (
            ["--sequences", "63"],
            "argument --sequences: must be a whole number of at least 64, got 63",
        ),
    ],
)
def test_a_wrong_argument_is_one_line(sweep, capsys, exit_code, arguments, message):
    code = exit_code(main, [str(sweep), *arguments])
    assert code == 2
    error = capsys.readouterr().err.removeprefix("python -m ")
    assert error == f"rnnbench.diagnose: error: {message}\n"
    assert not (sweep / "diagnosis").exists()


def test_no_results_or_no_weights_is_one_line(sweep, tmp_path, capsys):
    assert main([str(tmp_path / "nothing")]) == 2
    for path in (sweep / "runs").glob("*.safetensors"):
        path.unlink()
    assert main([str(sweep)]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith(f"no results at {tmp_path / 'nothing'}")
    assert second.endswith("has its trained weights beside it")


@pytest.mark.parametrize(
    ("setting", "value", "rule"),
    [
        ("wiring", "balanced", "must be chain"),
        pytest.param("bidirectional", True, "must be false", marks=pytest.mark.long),
    ],
)
def test_a_network_whose_past_is_in_no_one_state_is_left_out_with_a_line(
    tmp_path, capsys, setting, value, rule
):
    settings = {"trainer.steps": 2, "model.hidden_size": 8, "trainer.eval_size": 16}
    settings[f"model.{setting}"] = value
    rnnbench.run(task="recall", cell="gru", gap=4, seeds=1, output_dir=tmp_path, **settings)
    capsys.readouterr()
    assert main([str(tmp_path), *FEW]) == 0
    line, last = capsys.readouterr().out.splitlines()
    assert f"left out: model.{setting} {rule}: no single state carries the past" in line
    assert last.startswith("0 of 1 run:")
    assert load_diagnosis(tmp_path).runs.empty


@pytest.mark.parametrize("target", ["tasks.copying.Copying", "tasks.delayed_recall.DelayedRecall"])
@pytest.mark.parametrize("init", ["torch", "chrono"])
def test_initial_weights_are_those_the_trainer_starts_from(init, target):
    condition = Condition(
        task={"_target_": target, "name": "it", "gap": 12},
        cell={"_target_": "rnnbench.cells.GRU", "name": "gru", "init": init},
        model={},
        trainer={},
        **{"dtype": "float32", "engine": "reference", "device": "cpu"},
    )
    task, cell, layers = condition.build_task(), condition.build_cell(), Layers(2)
    sizes = {"hidden_size": 8, "layers": layers, "eval_size": 16, "eval_every": 1}
    recipe = Recipe(steps=1, batch_size=4, clip_norm=None, **sizes)
    trainer = Trainer(task, cell, recipe, [Replica(5, 0.1), Replica(7, 0.1)])
    drawn = initial_parameters(task, cell, layers, 8, seed=7)
    for name, tensor in trainer.model.state_dict(1).items():
        assert torch.equal(drawn[name][0], tensor)


def test_what_is_stored_is_read_back_in_long_form(sweep, tmp_path):
    assert main([str(sweep), *FEW]) == 0
    runs, curves = load_diagnosis(sweep)
    assert len(runs) == 6 and runs["run_id"].is_unique
    assert set(runs["keep_gate"]) == {"z", "f"} and set(runs["cue"]) == {"class"}
    assert runs["clipped_share"].between(0, 1).all()
    one = json.loads(stored(sweep)[0].read_bytes())
    own = curves[(curves.run_id == one["run_id"]) & (curves.phase == "trained")]
    total = own[(own.measure == "gradient") & (own.name == "total")]
    assert total["value"].tolist() == one["phases"]["trained"]["gradient"]["total"]
    assert total["lag"].tolist() == list(range(one["gap"], -1, -1))
    gates = curves[curves.measure == "gate"].groupby("cell")["name"].unique()
    assert {cell: set(names) for cell, names in gates.items()} == {
        "gru": {"r", "z"},
        "lstm": {"i", "f", "o"},
    }
    assert consolidate_diagnoses(sweep, tmp_path / "published") == 6
    for again, first in zip(load_diagnosis([tmp_path / "published", sweep]), (runs, curves)):
        pd.testing.assert_frame_equal(again, first)


def test_a_place_without_diagnoses_reads_as_none(tmp_path):
    runs, curves = load_diagnosis(tmp_path)
    assert runs.empty and curves.empty and "label" in runs
    assert consolidate_diagnoses(tmp_path, tmp_path) == 0
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_read_is_named_and_measured_anew(sweep, capsys):
    assert main([str(sweep), *FEW, "--gap", "6"]) == 0
    first, second = stored(sweep)
    whole = first.read_bytes()
    first.write_bytes(whole[:100])
    second.write_text(json.dumps(json.loads(second.read_bytes()) | {"format": 0}))
    capsys.readouterr()
    assert load_diagnosis(sweep).runs.empty
    assert capsys.readouterr().err.count("is passed over") == 2
    assert main([str(sweep), *FEW, "--gap", "6"]) == 0
    assert first.read_bytes() == whole


def test_a_diagnosis_that_is_nested_deep_or_never_ends_is_passed_over(sweep, tmp_path, capsys):
    assert main([str(sweep), *FEW]) == 0
    first, second, *others = stored(sweep)
    unsealed = json.loads(first.read_bytes())
    unsealed.pop("seal", None)
    text = json.dumps(unsealed)
    first.write_text(f'{text[:-1]}, "x": {"[" * 600}{"]" * 600}}}')
    second.unlink()
    os.mkfifo(second)
    capsys.readouterr()
    assert consolidate_diagnoses(sweep, tmp_path / "joined") == len(others)
    err = capsys.readouterr().err
    assert f"{first}:1 is passed over: a diagnosis must be plain values" in err
    assert f"{second} is passed over: {second} is no regular file" in err


def test_weights_that_cannot_be_read_cost_their_own_run_only(sweep, capsys):
    damaged = select_runs(sweep)[0]["run_id"]
    Store(sweep).parameters(damaged).write_bytes(b"nothing")
    assert main([str(sweep), *FEW, "--gap", "4"]) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert ": left out: " in first and last.startswith("3 of 4 runs")
    assert damaged not in {path.stem for path in stored(sweep)}


def test_a_run_that_needs_more_memory_than_there_is_is_left_out_by_name(sweep, capsys):
    assert main([str(sweep), "--sequences", str(2**44), "--gap", "4"]) == 0
    *runs, last = capsys.readouterr().out.splitlines()
    assert len(runs) == 4 and last.startswith("0 of 4 runs")
    assert all(re.match(r"recall gap 4 \w+ .*: left out: .*memory", line) for line in runs)


def test_a_record_without_clipped_steps_and_weights_that_are_not_finite(sweep):
    store = Store(sweep)
    record = select_runs(sweep)[0]
    model = rnnbench.load_model(sweep, record["run_id"])
    from safetensors.torch import save

    broken = {name: tensor[0] * np.nan for name, tensor in model.parameters.items()}
    del record["clipped_steps"]
    store.write(record | {"status": "diverged", "loss": None}, save(broken))
    assert main([str(sweep), *FEW, "--seeds", "1", "--gap", "4", "--cell", "gru"]) == 0
    runs, curves = load_diagnosis(sweep)
    assert runs["label"].tolist() == ["exploding"]
    assert runs["clipped_share"].isna().all()
    assert runs["left_out"].tolist() == ["trained: the weights are not finite"]
    assert set(curves["phase"]) == {"initial"}


def test_a_place_that_cannot_be_written_costs_its_own_run_only(sweep, capsys):
    run_id = next(iter(Store(sweep).runs()))
    (sweep / "diagnosis" / f"{run_id}.json" / "inside").mkdir(parents=True)
    assert main([str(sweep), *FEW]) == 0
    out, err = capsys.readouterr()
    assert out.count(": left out: ") == 1 and "5 of 6 runs" in out
    assert f"{run_id}.json is passed over" in err
