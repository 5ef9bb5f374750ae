"""A dotted path from a record has no module imported but one with a class of that name."""

import sys

import pytest

from rnnbench.cells import GRU
from rnnbench.experiment.condition import Condition
from tests.small_sweep import ONE

LEAVES_A_TRACE = "from pathlib import Path\nPath('imported').touch()\n"
OTHERS = "def made():\n    pass\nnamed = 'class Own:'\n"
CLASS = "from rnnbench.cells import GRU\nclass Own(GRU):\n    pass\n"
GUARDED = """
try:
    import no_such
except ImportError:
    from rnnbench.cells import GRU

    class Own(GRU):
        pass
"""


def from_record(path):
    """Return the condition of a record whose cell is at a path."""
    settings = {**ONE.settings, "cell": {**ONE.settings["cell"], "_target_": path}}
    return Condition.from_settings(settings, trusted=False)


@pytest.fixture
def modules(in_tmp, monkeypatch):
    """Write modules into the current directory, which can be imported from."""
    monkeypatch.syspath_prepend(in_tmp)
    known = set(sys.modules)

    def write(texts):
        for name, text in texts.items():
            path = in_tmp.joinpath(*name.split(".")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    yield write
    for name in set(sys.modules) - known:
        del sys.modules[name]


@pytest.mark.parametrize(
    "path",
    [
        "trap.Own",
        "trap_package.inner.Own",
        "trap_package.nothing.Own",
        "trap.os",
        "trap.Path",
        "trap.made",
        "trap.Path.cwd",
        "trap.__main__.Own",
        "trap_package.__main__.Own",
        "antigravity.Own",
        "this.s",
        "unittest.__main__.main",
        "trap",
        ".",
        ".trap.Own",
        "trap..Own",
        "trap.Own()",
        "again.Own",
    ],
)
def test_a_module_without_a_class_of_the_name_is_never_imported(modules, in_tmp, path):
    modules({"trap": LEAVES_A_TRACE + OTHERS, "again": f"{LEAVES_A_TRACE}from plain import Own\n"})
    modules({"trap_package.__init__": LEAVES_A_TRACE, "trap_package.inner": "", "plain": CLASS})
    modules({"trap_package.__main__": LEAVES_A_TRACE + CLASS})
    known = set(sys.modules)
    with pytest.raises(ValueError, match="cell must name a class that can be imported, got"):
        from_record(path)
    assert not (in_tmp / "imported").exists()
    mine = {"again", "antigravity", "this", "trap", "trap_package", "unittest.__main__"}
    assert not mine & (set(sys.modules) - known)


@pytest.mark.parametrize("path", ["", "trap.Own\n", "trap\0.Own"])
def test_what_is_no_name_is_none_of_a_class(path):
    with pytest.raises(ValueError, match="^a record's cell's _target_ must be a name"):
        from_record(path)


@pytest.mark.parametrize(
    "path", ["os.system", "builtins.eval", "subprocess.Popen", "rnnbench.Task", "torch.nn.GRU"]
)
def test_what_is_imported_already_must_be_of_the_kind(path):
    with pytest.raises(ValueError, match=f": cell must be a Cell, got {path}$"):
        from_record(path)


def test_so_must_a_class_of_another_module(modules):
    modules({"other": "class Own(dict):\n    pass\n"})
    with pytest.raises(ValueError, match=r": cell must be a Cell, got other\.Own$"):
        from_record("other.Own")


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        ("plain.Own", {"plain": CLASS}),
        ("package.inner.Own", {"package.__init__": "", "package.inner": CLASS}),
        ("loose.deeper.inner.Own", {"loose.deeper.inner": CLASS}),
        ("guarded.Own", {"guarded": GUARDED}),
    ],
)
def test_a_class_is_found_in_its_own_module(modules, path, texts):
    modules(texts)
    assert isinstance(from_record(path).build_cell(), GRU)


def test_a_class_may_be_named_by_another_module_in_one_s_own_configuration(modules):
    modules({"again": "from first import Own\n", "first": CLASS})
    settings = {**ONE.settings, "cell": {**ONE.settings["cell"], "_target_": "again.Own"}}
    made = Condition.from_settings(settings, trusted=True)
    assert isinstance(made.build_cell(), GRU)
    assert from_record("again.Own") == made  # now that it is imported


def test_a_module_that_ends_the_program_does_not_end_this_one(modules):
    modules({"leaving": f"{CLASS}raise SystemExit(0)\n"})
    with pytest.raises(ValueError, match="cell must name a class that can be imported"):
        from_record("leaving.Own")
