"""A dotted path from a file runs nothing but the module of a class of the right kind."""

import sys

import pytest

from rnnbench.cell import Cell
from rnnbench.cells import GRU
from rnnbench.experiment.class_path import find_class

LEAVES_A_TRACE = "from pathlib import Path\nPath('imported').touch()\n"
OTHERS = "class Other(dict):\n    pass\ndef made():\n    pass\n"
ENDLESS = "from endless import *\nfrom endless import Own\nclass Own(Own):\n    pass\n"
GUARDED = (
    "try:\n    import no_such\nexcept ImportError:\n    from rnnbench.cells import GRU as Own\n"
)
CLASS = "from rnnbench.cells import GRU\nclass Own(GRU):\n    pass\n"


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
        "trap.Other",
        "trap.made",
        "trap.Path.cwd",
        "trap.__main__.Own",
        "endless.Own",
        "antigravity.Own",
        "this.Own",
        "this.s",
        "unittest.__main__.main",
        "venv.__main__.rc",
        "trap",
        "",
        ".",
        ".trap.Own",
        "trap..Own",
        "trap.Own()",
        "trap.Own\n",
        "trap\0.Own",
    ],
)
def test_a_module_that_does_not_define_the_class_is_never_imported(modules, in_tmp, path):
    modules({"trap": LEAVES_A_TRACE + OTHERS, "endless": LEAVES_A_TRACE + ENDLESS})
    modules({"trap_package.__init__": LEAVES_A_TRACE, "trap_package.inner": ""})
    known = set(sys.modules)
    with pytest.raises(ValueError, match="cell must name a class that can be imported, got"):
        find_class(path, Cell, "cell")
    assert not (in_tmp / "imported").exists()
    mine = {"antigravity", "this", "trap", "trap_package", "unittest.__main__", "venv.__main__"}
    assert not mine & (set(sys.modules) - known)


@pytest.mark.parametrize(
    "path", ["os.system", "builtins.eval", "subprocess.Popen", "rnnbench.Task", "torch.nn.GRU"]
)
def test_what_is_imported_already_must_be_of_the_kind(path):
    with pytest.raises(ValueError, match=f"^cell must be a Cell, got {path}$"):
        find_class(path, Cell, "cell")


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        ("plain.Own", {"plain": CLASS}),
        ("package.inner.Own", {"package.__init__": "", "package.inner": CLASS}),
        ("loose.deeper.inner.Own", {"loose.deeper.inner": CLASS}),
        ("again.Own", {"again": "from first import Own\n", "first": CLASS}),
        ("starred.Own", {"starred": "from second import *\n", "second": CLASS}),
        ("other.Own", {"other": "import third\nOwn = third.Own\n", "third": CLASS}),
        ("deep.Own", {"deep": "import rnnbench.cells\nclass Own(rnnbench.cells.GRU): ...\n"}),
        ("named.Own", {"named": "import rnnbench.cells as c\nclass Own(c.GRU): ...\n"}),
        ("kin.Own", {"kin.__init__": "from .own import Own\n", "kin.own": CLASS}),
        ("base.Own", {"base": f"{CLASS.replace('Own', 'Base')}class Own(Base): ...\n"}),
        ("guarded.Own", {"guarded": GUARDED}),
    ],
)
def test_an_own_class_is_found_wherever_it_may_lie(modules, path, texts):
    modules(texts)
    assert issubclass(find_class(path, Cell, "cell"), GRU)


def test_a_module_that_ends_the_program_does_not_end_this_one(modules):
    modules({"leaving": f"{CLASS}raise SystemExit(0)\n"})
    with pytest.raises(ValueError, match="cell must name a class that can be imported"):
        find_class("leaving.Own", Cell, "cell")
