"""Cells and tasks that are typed into a notebook: trained, stored, and never mixed or imported."""

import json
import linecache
import sys
import types
from pathlib import Path

import pytest
import torch

import rnnbench
from rnnbench.training.weights import load_stack

TINY = {
    "trainer": {"steps": 2, "eval_every": 1, "eval_size": 8, "batch_size": 4},
    "model": {"hidden_size": 4},
    "engine": "reference",
}
CELL = """
import torch, rnnbench
GAIN = 1.0

def squash(x):
    return torch.tanh(GAIN * x)

class Mine(rnnbench.Cell):
    "Comments and docstrings do not count."

    def shapes(self, features, size):
        return {"weight_ih_l0": (size, features), "weight_hh_l0": (size, size)}

    def step(self, parameters, inputs, states):
        x = inputs @ parameters["weight_ih_l0"].mT + states[0] @ parameters["weight_hh_l0"].mT
        return (squash(x),)
"""
GATED = """
import torch, rnnbench

class Mine(rnnbench.Cell):
    gates = {"a": "xh"}

    def update(self, a, h):
        return torch.tanh(a)
"""
EDITS = [
    (CELL, "GAIN = 1.0", "GAIN = 2.0"),
    (CELL, "torch.tanh(GAIN", "torch.sin(GAIN"),
    (CELL, "(squash(x),)", "(squash(x) + 0.5,)"),
    (GATED, "torch.tanh(a)", "torch.sigmoid(a)"),
]


@pytest.fixture
def notebook(monkeypatch, in_tmp):
    """Return what types a cell into a notebook, as IPython does, and gives its names."""
    main = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.setattr("rnnbench.launcher.closing.draw", lambda *_: None)
    typed = []

    def enter(text):
        typed.append(f"<ipython-input-{len(typed)}>")
        linecache.cache[typed[-1]] = (len(text), None, text.splitlines(True), typed[-1])
        exec(compile(text, typed[-1], "exec"), vars(main))
        return main

    yield enter
    for name in typed:
        del linecache.cache[name]


def run(cell, **given):
    common = {"task": "recall", "gap": 3, "seeds": 1, "output_dir": "o", **TINY}
    return rnnbench.run(cell=cell, **{**common, **given})


def record():
    (path,) = Path("o/runs").glob("*.json")
    return json.loads(path.read_text())


def test_the_record_has_the_text_to_be_read(notebook):
    run(notebook("x = 1\n" + CELL).Mine)
    stored = record()
    assert stored["text"]["cell"] == CELL[CELL.index("class") :]
    assert stored["config"]["cell"]["_target_"] == "__main__.Mine"
    assert stored["code"].keys() == {"cell"}


@pytest.mark.parametrize("text", [CELL, GATED])
def test_the_same_cell_typed_again_continues(notebook, text, capsys):
    first = run(notebook(text).Mine)
    again = run(notebook(f"# once more\n\n{text}").Mine)
    assert again["seconds"].tolist() == first["seconds"].tolist()
    model = rnnbench.load_model("o", first["run_id"][0], cell=notebook(text).Mine)
    assert model.features == 10


def test_it_is_the_same_whatever_type_the_notebook_computes_in(notebook):
    """The gradient of a clamp has a constant of the default type."""
    text = GATED.replace("torch.tanh(a)", "torch.tanh(a).clamp(min=0)")
    run_id = run(notebook(text).Mine)["run_id"][0]
    again = notebook(text).Mine  # of which no hash is known yet
    torch.set_default_dtype(torch.float64)
    try:
        before = torch.get_rng_state()
        assert rnnbench.load_model("o", run_id, cell=again).features == 10
        assert torch.equal(torch.get_rng_state(), before)
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(("text", "old", "new"), EDITS)
def test_another_cell_of_the_same_name_is_never_mixed_with_it(notebook, text, old, new):
    run_id = run(notebook(text).Mine)["run_id"][0]
    other = notebook(text.replace(old, new)).Mine
    with pytest.raises(RuntimeError, match="^cell __main__.Mine: edited since the training of 1"):
        run(other)
    with pytest.raises(RuntimeError, match="edited since"):
        run(other, seeds=2)
    with pytest.raises(ValueError, match="^cell must be __main__.Mine as it was when run ") as told:
        rnnbench.load_model("o", run_id, cell=other)
    assert "\n" not in str(told.value)
    with pytest.raises(ValueError, match="^cell must be __main__.Mine as it was"):
        rnnbench.diagnose("o", cell=other, sequences=64)
    assert len(run(other, retrain=True)) == 1


def test_nothing_is_taken_from_the_results_or_from_the_program(notebook):
    run_id = run(notebook(CELL).Mine)["run_id"][0]
    for load in (rnnbench.load_model, lambda path, run_id: load_stack(path, [run_id])):
        with pytest.raises(ValueError, match="hand the class over, as cell=Mine"):
            load("o", run_id)
    with pytest.raises(ValueError, match="cell must be a Cell class, got <class 'int'>"):
        rnnbench.load_model("o", run_id, cell=int)


def test_the_diagnosis_from_python(notebook, capsys):
    run([notebook(GATED).Mine, "gru"])
    found = rnnbench.diagnose("o", cell=notebook(GATED).Mine, sequences=64)
    assert found.runs["cell"].tolist() == ["mine"]
    assert set(found.curves["phase"]) == {"initial", "trained"}
    assert set(rnnbench.diagnose("o", cell="gru", sequences=64).runs["cell"]) == {"gru"}
    with pytest.raises(ValueError, match="sequences must be at least 64, got 3"):
        rnnbench.diagnose("o", sequences=3)


def test_a_class_of_a_function_and_one_without_a_text(in_tmp, monkeypatch):
    monkeypatch.setattr("rnnbench.launcher.closing.draw", lambda *_: None)

    def make(shift):
        space = {"rnnbench": rnnbench, "torch": torch, "__name__": "__main__", "shift": shift}
        exec(CELL.replace("GAIN * x", "GAIN * x + shift"), space)
        return space["Mine"]

    class Local(rnnbench.Cell):
        gates = {"a": "xh"}

        def update(self, a, h):
            return torch.tanh(a)

    run(Local, output_dir="local")
    run(make(1.0))
    run(make(1.0))
    assert "text" not in record()
    with pytest.raises(RuntimeError, match="edited since"):
        run(make(2.0))


def test_it_is_trained_in_this_process_alone(notebook):
    with pytest.raises(ValueError, match="__main__.Mine must be in a module to be trained else"):
        run(notebook(GATED).Mine, dry_run=True, plan="plan.json")


@pytest.fixture
def edit(own):
    """Return what writes a module's file again, and leaves what is imported."""
    return lambda name, text: (own.directory / f"{name}.py").write_text(text)


def test_a_module_that_was_edited_since_its_import_is_refused(own, edit, in_tmp, monkeypatch):
    monkeypatch.setattr("rnnbench.launcher.closing.draw", lambda *_: None)
    own.write(edited_cell=CELL)
    import edited_cell

    run_id = run(edited_cell.Mine)["run_id"][0]
    edit("edited_cell", CELL.replace("GAIN = 1.0", "GAIN = 3.0"))
    for again in (
        lambda: run(edited_cell.Mine),
        lambda: rnnbench.load_model("o", run_id),
    ):
        with pytest.raises(ValueError, match="edited_cell.Mine was edited since it was imported"):
            again()
    edit("edited_cell", f"# a comment\n{CELL}")
    assert len(run(edited_cell.Mine)) == 1


def test_also_where_it_was_edited_before_its_first_run(own, edit, in_tmp):
    own.write(first_cell=CELL)
    import first_cell

    edit("first_cell", CELL.replace("torch.tanh(", "torch.sin("))
    with pytest.raises(ValueError, match="first_cell.Mine was edited since it was imported"):
        run(first_cell.Mine)
