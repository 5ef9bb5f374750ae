"""The hash of an own cell or task changes with what it computes, and with nothing else."""

from dataclasses import replace

import pytest

from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.experiment.condition import digest
from rnnbench.training.code import code_of, edited_parts, source_of, traced
from tests.small_sweep import ONE

CELL = """
import torch
from rnnbench import Cell

HALF = 0.5


class Mine(Cell):
    gates = {"f": "xh", "g": "xh"}
    states = ("h",)
    vectors = ("p",)
    keep_gate = "f"

    def update(self, f, g, h, p):
        return torch.sigmoid(f + p * h) * h + squash(g)


def squash(x):
    return HALF * torch.tanh(x)
"""
START = """
    def initialize(self, parameters, generator, *, gap):
        super().initialize(parameters, generator, gap=gap)
        parameters["p_l0"].fill_(spread(gap))


def spread(gap):
    return HALF / gap
"""
STARTED = CELL.replace("\n\ndef squash", f"{START}\n\ndef squash")
STEP = """
import torch
from rnnbench import Cell

ROWS = 1


class Mine(Cell):
    def shapes(self, input_size, hidden_size):
        return {"weight_hh_l0": (ROWS * hidden_size, hidden_size)}

    def step(self, parameters, inputs, states):
        (h,) = states
        return (squash(h @ parameters["weight_hh_l0"].mT),)


def squash(x):
    return torch.tanh(x)
"""
TASK = '''
from rnnbench.tasks.delayed_recall import DelayedRecall

SHARE = 0.5


class Guess(DelayedRecall):
    """Draws the sequences of recall, and shifts them."""

    def sample(self, batch_size: int, generator: object) -> object:
        """Draw them."""
        batch = super().sample(batch_size, generator)
        return batch._replace(inputs=batch.inputs * SHARE)
'''


def cell_code(own, text, name="own_code.Mine", **modules):
    own.write(own_code=text, **modules)
    condition = replace(ONE, cell={"_target_": name, "name": "mine"})
    return code_of(condition).get("cell")


def task_code(own, text, name="own_code.Guess"):
    own.write(own_code=text)
    return code_of(replace(ONE, task={**ONE.task, "_target_": name})).get("task")


def edit(text, old, new):
    assert text.count(old) == 1
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (CELL, "f + p * h", "f - p * h"),
        (CELL, "torch.tanh(x)", "torch.sin(x)"),
        (CELL, "HALF = 0.5", "HALF = 0.25"),
        (CELL, "* h + squash", "* h.detach() + squash"),  # the same but for its gradients
        (CELL, '"f": "xh"', '"f": "x"'),
        (CELL, 'vectors = ("p",)', 'vectors = ("q",)'),
        (CELL, 'keep_gate = "f"', 'keep_gate = "g"'),
        (CELL, 'keep_gate = "f"', 'keep_gate = "f"\n    input_gate = "g"'),
        (CELL, "\n\ndef squash", f"{START}\n\ndef squash"),
        (STARTED, "HALF / gap", "HALF / (gap + 1)"),
        (STARTED, "fill_(spread(gap))", "fill_(-spread(gap))"),
        (CELL, "HALF = 0.5", "HALF = torch.tensor(0.25)"),
        (STEP, "torch.tanh(x)", "torch.sin(x)"),
        (STEP, "ROWS = 1", "ROWS = 2"),
        (STEP, "squash(h @", "squash(-h @"),
    ],
)
def test_an_edit_of_a_cell_is_seen(own, text, old, new):
    codes = cell_code(own, text), cell_code(own, edit(text, old, new))
    assert None not in codes and codes[0] != codes[1]


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (CELL, "    keep_gate", "    # the gate that keeps\n    keep_gate"),
        (CELL, "class Mine(Cell):", 'class Mine(Cell):\n    """A cell."""\n'),
        (CELL, "return torch.sigmoid", "z = f + p * h  # named\n        return torch.sigmoid"),
        (CELL, "def squash(x):", "def squash(x: torch.Tensor) -> torch.Tensor:"),
        (CELL, "HALF = 0.5", "OTHER = 3\nHALF = 0.5"),
        (STARTED, "HALF / gap", "HALF  /  gap  # small"),
        (STEP, "    def step(self,", '    "Apart."\n\n    def step(\n        self,'),
        (STEP, "def squash(x):", 'def squash(x: "torch.Tensor") -> "torch.Tensor":\n    """No."""'),
        (STEP, "class Mine(Cell):", "class Other(Cell):\n    states = ()\n\n\nclass Mine(Cell):"),
    ],
)
def test_what_computes_the_same_is_the_same(own, text, old, new):
    codes = cell_code(own, text), cell_code(own, edit(text, old, new))
    assert None not in codes and codes[0] == codes[1]


def test_an_argument_that_the_arithmetic_depends_on_has_a_code_of_its_own(own):
    own.write(own_code=CELL)
    condition = replace(ONE, cell={"_target_": "own_code.Mine", "name": "mine", "init": "torch"})
    other = replace(condition, cell={**condition.cell, "init": "glorot"})
    assert code_of(condition) == code_of(condition) != code_of(other)


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("SHARE = 0.5", "SHARE = 0.25", False),
        ("batch.inputs * SHARE", "batch.inputs + SHARE", False),
        ("class Guess(DelayedRecall):", "class Guess(DelayedRecall):\n    version = 2", False),
        ('"""Draw them."""', '"""Draw all of them."""', True),
        ("SHARE = 0.5", "SHARE  =  0.5  # of all", True),
    ],
)
def test_so_it_is_with_a_task(own, old, new, same):
    codes = task_code(own, TASK), task_code(own, edit(TASK, old, new))
    assert None not in codes and (codes[0] == codes[1]) is same


IMPORTS = {
    "from own_other import squash": "squash(x)",
    "import own_other": "own_other.squash(x)",
    "import own_other as other": "other.squash(x)",
    "from own_other import *": "squash(x)",
    "import own_room.deep": "own_room.deep.squash(x)",
    "from own_room import deep": "deep.squash(x)",
    "from own_room import squash as press": "press(x)",
}
OTHER = "import torch\n\nHALF = 0.5\n\n\ndef squash(x):\n    return HALF * torch.tanh(x)\n"


@pytest.mark.parametrize("line", IMPORTS)
def test_what_is_imported_from_modules_of_ones_own_counts(own, line):
    text = edit(STEP, "torch.tanh(x)", IMPORTS[line]).replace("def squash", "def mine")
    text = text.replace("squash(h", "mine(h").replace("import torch", f"import torch\n{line}")

    def code(other):
        room = {"own_room/__init__": "from .deep import squash\n", "own_room/deep": other}
        return cell_code(own, text, own_other=other, **room)

    codes = {code(OTHER), code(OTHER + "# more\n")}, {code(edit(OTHER, "0.5", "0.25"))}
    assert [len(each) for each in codes] == [1, 1]
    assert not codes[0] & codes[1]


def test_a_base_class_of_ones_own_counts(own):
    text = "from own_base import Mine as Base\n\n\nclass Mine(Base):\n    pass\n"
    codes = [
        cell_code(own, text, own_base=base)
        for base in (STEP, STEP + "# more\n", edit(STEP, "torch.tanh(x)", "torch.sin(x)"))
    ]
    assert codes[0] == codes[1] != codes[2]


def test_what_is_installed_counts_for_classes_of_its_own_package_alone(own, monkeypatch):
    monkeypatch.syspath_prepend(own.directory / "site-packages")
    step = edit(STEP, "torch.tanh(x)", "pack.help.squash(lib.squash(x))")
    step = edit(step, "import torch", "import lib\nimport pack.help\nimport torch")

    def code(helper=OTHER, library=OTHER):
        texts = {"pack/__init__": "", "pack/mine": step, "pack/help": helper, "lib": library}
        own.write(**{f"site-packages/{name}": text for name, text in texts.items()})
        return code_of(replace(ONE, cell={"_target_": "pack.mine.Mine", "name": "mine"}))

    assert code() == code(library=edit(OTHER, "0.5", "0.25"))
    assert code() != code(helper=edit(OTHER, "0.5", "0.25"))


def test_where_there_is_no_source_there_is_no_hash(own):
    own.write(own_code=f"text = {STEP!r}\nexec(text)\n")
    assert code_of(replace(ONE, cell={"_target_": "own_code.Mine", "name": "mine"})) == {}


def test_a_traced_cell_needs_no_source(own):
    told = cell_code(own, f"text = {CELL!r}\nexec(text)\n")
    assert told == cell_code(own, CELL)


def test_an_update_that_cannot_be_traced_is_told_by_its_source(own):
    turned = "if h.sum() > 0:\n            h = -h\n        return torch.sigmoid"
    text = edit(CELL, "return torch.sigmoid", turned)
    assert cell_code(own, text) == digest(source_of(__import__("own_code").Mine))
    assert cell_code(own, text) != cell_code(own, edit(text, "> 0", "> 1"))


@pytest.mark.parametrize("error", ["MemoryError()", "RuntimeError('cannot allocate memory')"])
def test_a_lack_of_memory_tells_nothing_of_a_cell(own, error):
    """Hashed by its source instead, its runs would be taken for those of other code."""
    failing = edit(
        CELL, "        return torch.sigmoid", f"        raise {error}\n        return torch.sigmoid"
    )
    with pytest.raises((MemoryError, RuntimeError)):
        cell_code(own, failing)


def test_shipped_classes_have_none():
    assert code_of(ONE) == {}


@pytest.mark.parametrize(
    ("record", "parts"),
    [
        ({}, []),
        ({"code": {}}, []),
        ({"code": {"task": "a"}}, []),
        ({"code": {"cell": "a"}}, []),
        ({"code": {"cell": "b"}}, ["cell"]),
    ],
)
def test_what_has_no_hash_counts_as_the_same(record, parts):
    assert edited_parts(record, {"cell": "a"}) == parts


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (RNN(), "c2be2f5081d2fcde"),
        (RNN(nonlinearity="relu"), "3abcaa9b19422fb0"),
        (LSTM(), "bcc3ce7f7de7e0a3"),
        (GRU(), "76aacb3f21b346d2"),
    ],
)
def test_hashes_of_arithmetic_are_those_of_stored_records(cell, code):
    """Were they others, every own cell would seem to be edited; torch 2.6 and 2.13 agree."""
    assert digest(traced(cell)) == code


def test_hashes_of_source_are_those_of_stored_records(own):
    assert cell_code(own, STEP) == "b10b9096d651c80a"
