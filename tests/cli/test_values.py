"""Python values reach the settings as they are, whatever signs are in them."""

from enum import Enum
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

import rnnbench
from rnnbench.cells import GRU
from rnnbench.cli.sweeps import make_sweeps
from rnnbench.cli.values import compose_values
from rnnbench.console import Mistake

# Printable texts of one line; a text of three question marks is OmegaConf's word for no value.
TEXTS = st.text(
    st.one_of(st.sampled_from("\\${}'\"[],=:~ +%#&?*0n"), st.characters(exclude_categories=["C"])),
    min_size=1,
).filter(lambda text: text.splitlines() == [text] and text != "???")


def jobs(**values):
    return compose_values({"tracker": "none", **values})


def job(**values):
    (found,) = jobs(**values)
    return found


class Colour(Enum):
    RED = "red"


class Own(rnnbench.Cell):
    gates = {"a": "xh"}

    def __init__(self, *, widths: list[int] | None = None, shift: float = 0.0) -> None:
        super().__init__()

    def update(self, a, h):
        return torch.tanh(a)


PLAIN = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False))
ODD = ["null", "2024", "NA", "a\\${b}", "\\\\${now:%Y}\\", "[1,2]", "choice(a,b)", " a=b "]


@settings(max_examples=10, deadline=None)
@given(st.lists(PLAIN, min_size=10))
@example(ODD)
def test_a_value_stays_what_it_is(values):
    found = [one["tracker"]["entity"] for one in jobs(**{"tracker.entity": values})]
    assert found == values
    assert list(map(type, found)) == list(map(type, values))


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (np.int64(7), 7),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (torch.tensor(3), 3),
        (np.str_("a,b"), "a,b"),
        (Path("x/a,b"), "x/a,b"),
        (Colour.RED, "red"),
        (torch.float64, "float64"),
        (torch.device("cpu"), "cpu"),
    ],
)
def test_values_of_other_libraries_become_python_s_own(value, meant):
    found = job(device=value)["device"]
    assert found == meant
    assert type(found) is type(meant)


@pytest.mark.parametrize(
    "gaps", [[10, 20], (10, 20), range(10, 30, 10), np.array([10, 20]), torch.tensor([10, 20])]
)
def test_a_list_is_a_sweep(gaps):
    found = jobs(cell=["rnn", "gru"], **{"task.gap": gaps})
    pairs = [(one["cell"]["name"], one["task"]["gap"]) for one in found]
    assert pairs == [("rnn", 10), ("rnn", 20), ("gru", 10), ("gru", 20)]


@pytest.mark.parametrize("seeds", [[3, 5], (3, 5), np.array([3, 5]), range(3, 6, 2)])
def test_but_where_the_value_is_a_list_itself(seeds):
    assert job(seeds=seeds)["seeds"] == [3, 5]
    assert job(trainer={"lr": [1e-3, "auto"]})["trainer"]["lr"] == [1e-3, "auto"]
    assert job(cell=Own, **{"cell.widths": [2, 3]})["cell"]["widths"] == [2, 3]
    assert len(jobs(cell=Own, **{"cell.shift": [0.0, 2.0]})) == 2


class Other(Own):
    pass


def test_classes_are_swept():
    found = [one["cell"]["name"] for one in jobs(cell=[Own, "gru", Other])]
    assert found == ["own", "gru", "other"]


def test_dicts_are_merged_into_the_settings():
    found = job(model={"hidden_size": 9}, task={"gap": 12}, **{"trainer.steps": 7})
    assert found["model"]["hidden_size"] == 9
    assert found["model"]["num_layers"] == 1
    assert found["task"]["name"] == "copy"
    assert found["task"]["gap"] == 12
    assert found["trainer"]["steps"] == 7
    sizes = [one["model"]["hidden_size"] for one in jobs(model={"hidden_size": [4, 8]})]
    assert sizes == [4, 8]


def test_a_sweep_file_is_narrowed_by_values():
    found = jobs(sweep="gaps", task="recall", cell=["gru", Own], **{"task.gap": [11, 14]})
    assert len(found) == 4
    assert {one["task"]["name"] for one in found} == {"recall"}
    assert {one["trainer"]["lr"] for one in found} == {1e-3}  # the sweep's for this task
    assert {one["output_dir"] for one in found} == {"results/gaps"}
    assert len(jobs(sweep="gaps")) == 45


def test_cells_beside_each_other_go_to_one_directory(sweeps_of):
    typed = sweeps_of("cell=gru,rnn", "task=recall")
    for (sweep,) in (typed, make_sweeps(jobs(cell=["gru", "rnn"], task="recall"))):
        assert (sweep.name, str(sweep.output_dir)) == ("recall", "results/recall")


def test_jobs_of_one_directory_have_one_name(sweeps_of):
    typed = sweeps_of("cell=gru", "task=recall,copy", "output_dir=both")
    values = {"cell": "gru", "task": ["recall", "copy"], "output_dir": "both"}
    for (sweep,) in (typed, make_sweeps(jobs(**values))):
        assert (sweep.name, len(sweep.jobs)) == ("recall-gru-copy", 2)


@pytest.mark.parametrize("shipped", [GRU, {"_target_": GRU}])
def test_a_shipped_class_is_its_file(shipped):
    assert jobs(cell=shipped) == jobs(cell="gru")
    assert [one["cell"]["name"] for one in jobs(cell=[GRU, "lstm"])] == ["gru", "lstm"]


def test_a_class_and_a_path_to_it_are_sections():
    path = f"{Own.__module__}.Own"
    by_class = job(cell=Own, **{"cell.shift": 1.0})["cell"]
    assert by_class == {"_target_": path, "name": "own", "shift": 1.0}
    assert job(cell={"_target_": path, "name": "own", "shift": 1.0})["cell"] == by_class


def test_yamls_of_a_directory_with_any_name(tmp_path):
    place = tmp_path / "a,b=[ü] '${c}"
    (place / "cell").mkdir(parents=True)
    (place / "cell" / "mein Netz.yaml").write_text("_target_: rnnbench.cells.RNN\nname: netz\n")
    (found,) = compose_values({"cell": "mein Netz"}, place)
    assert found["cell"]["name"] == "netz"


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"output_dir": "a\nb"}, r"output_dir must be one line, got 'a\nb'"),
        ({"output_dir": "a\n"}, r"output_dir must be one line, got 'a\n'"),
        ({"output_dir": "a\0b"}, r"output_dir must be one line, got 'a\x00b'"),
        (
            {"name": b"a"},
            "name must be a number, a text, true, false or null, got b'a'",
        ),
        ({"task.gap": []}, "task.gap must have a value, got []"),
        ({"cell": "lstmm"}, "cell must be one that --help lists, got lstmm (did you mean lstm?)"),
        ({"cell": 3}, "cell must be a name, got 3"),
        ({"cell": "../gru"}, "cell must be a name, got ../gru"),
        ({"cell": int}, "cell must be a Cell, got int"),
        ({"task": GRU}, "task must be a Task, got GRU"),
        ({"task.gap": 3, "task": {"gap": 4}}, "task.gap must be given once, got it twice"),
        ({"model": {1: 2}}, "model must be a text, got 1"),
    ],
)
def test_a_wrong_value_is_one_line(values, line):
    with pytest.raises(Mistake) as told:
        jobs(**values)
    assert str(told.value) == line


def test_an_unknown_key_is_one_line_and_nothing_is_left_in_hydra():
    from hydra.core.config_store import ConfigStore

    with pytest.raises(Mistake, match="^trainer.step is not an option .did you mean steps.+$"):
        make_sweeps(jobs(cell=Own, trainer={"step": 3}))
    assert [name for name in ConfigStore.instance().repo.get("cell", {}) if "given" in name] == []
