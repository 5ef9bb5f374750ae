"""Kernels generated from cells: what they compute, how exactly, and where they are kept."""

import ctypes
import gc
import itertools
import math
import os
import shutil
import subprocess
import sys
import weakref

import numpy as np
import pytest
import torch

from rnnbench.cell import Cell
from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.check.problem import difference, make_problem, run_with_gradients
from rnnbench.engine import get_engine
from rnnbench.engine.compiled import build, kernel
from rnnbench.engine.compiled.codegen import emit
from rnnbench.engine.compiled.kernel import kernel_of

CELLS = {"rnn": RNN(), "relu": RNN(nonlinearity="relu"), "lstm": LSTM(), "gru": GRU()}
BUILDS = {
    "native": ("-march=native",),
    "AVX2": ("-mavx2", "-mfma"),
    "baseline": (),
}


class Odd(Cell):
    """A cell of many operations, with a gate of each kind, two states and two vectors."""

    gates = {"a": "x", "b": "h", "c": "xh"}
    states = ("h", "s")
    vectors = ("v", "w")

    @staticmethod
    def update(a, b, c, h, s, v, w):
        s = torch.sigmoid(c + v * s) * s / 2 + torch.exp(-a * a) - 0.5 * torch.relu(b)
        return torch.tanh(s - w) * (1 - h) + 3 / (4 + b * b), -s


def problem(cell, *, features=4, hidden=33, **sizes):
    return make_problem(cell, features=features, hidden=hidden, **sizes)


def assert_agree(found, expected, bound):
    for name, tensor in expected.items():
        assert difference(found[name].to(tensor.dtype), tensor) <= bound, name


SIZES = [
    (1, 1, 1, 1),
    (7, 3, 5, 2),
    (33, 1, 1, 10),
    (64, 8, 20, 10),
    (100, 3, 2, 17),
    (32, 130, 3, 2),
]


@pytest.mark.parametrize(("hidden", "batch", "steps", "features"), SIZES)
@pytest.mark.parametrize("cell", [*CELLS.values(), Odd()], ids=[*CELLS, "odd"])
def test_agrees_with_the_reference_in_float64(cell, hidden, batch, steps, features):
    sizes = {"hidden": hidden, "batch": batch, "steps": steps, "features": features}
    for last in {None, 1, steps}:
        given = problem(cell, **sizes)
        expected = run_with_gradients("reference", cell, given, last=last)
        assert_agree(run_with_gradients("compiled", cell, given, last=last), expected, 1e-12)


@pytest.mark.parametrize("cell", [*CELLS.values(), Odd()], ids=[*CELLS, "odd"])
def test_agrees_in_float32_as_far_as_that_goes(cell):
    given = problem(cell, steps=30, hidden=48, dtype=torch.float32)
    exact = problem(cell, steps=30, hidden=48)
    expected = run_with_gradients("reference", cell, exact)
    assert_agree(run_with_gradients("compiled", cell, given), expected, 1e-5)


def test_over_random_shapes():
    draw = np.random.default_rng(0)
    for cell in (LSTM(), Odd()):
        for _ in range(15):
            hidden, batch, steps, features = (int(n) for n in draw.integers(1, 40, 4))
            given = problem(cell, hidden=hidden, batch=batch, steps=steps, features=features)
            last = int(draw.integers(1, steps + 1))
            expected = run_with_gradients("reference", cell, given, last=last)
            assert_agree(run_with_gradients("compiled", cell, given, last=last), expected, 1e-12)


def test_a_replica_is_bitwise_the_same_alone_and_in_a_stack():
    parameters, inputs, states = problem(LSTM(), replicas=4, dtype=torch.float32)
    outputs, finals = get_engine("compiled")(LSTM(), parameters, inputs, states, None)
    stacked = [outputs, *finals]
    for r in range(4):
        alone = {k: v[r : r + 1].detach().requires_grad_() for k, v in parameters.items()}
        own = tuple(s[r : r + 1].detach().requires_grad_() for s in states)
        outputs, finals = get_engine("compiled")(LSTM(), alone, inputs[r : r + 1], own, None)
        assert torch.equal(outputs[0], stacked[0][r])
        assert all(torch.equal(a[0], b[r]) for a, b in zip(finals, stacked[1:3]))


def test_evaluation_keeps_nothing_for_a_backward_pass_and_gives_the_same():
    given = problem(GRU(), steps=50)
    with torch.no_grad():
        quiet, _ = get_engine("compiled")(GRU(), *given, None)
    assert not quiet.requires_grad
    assert torch.equal(quiet, get_engine("compiled")(GRU(), *given, None)[0])


class Sorting(Cell):
    gates = {"a": "xh"}

    def update(self, a, h):
        return torch.erfinv(torch.tanh(a))


class Branching(Cell):
    gates = {"a": "xh"}

    def update(self, a, h):
        return a if bool((a > 0).all()) else h


class Stepping(Cell):
    def step(self, parameters, inputs, states):
        return states


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (Sorting(), "update must do without erfinv: it has no compiled form"),
        (Branching(), "update must be elementwise tensor operations, got "),
        (Stepping(), "engine must be reference for a cell without gates, got Stepping"),
    ],
)
def test_what_cannot_be_compiled_is_named(cell, message):
    with pytest.raises(ValueError, match=message) as caught:
        kernel_of(cell)
    assert "\n" not in str(caught.value)


# -- exp, tanh, sigmoid and logarithms ------------------------------------------------------------

FUNCTIONS = {
    "exp": np.exp,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "log": np.log,
    "log1p": np.log1p,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "logsigmoid": lambda x: np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))),
}
# In units in the last place of the exact result, as simd.h states them.
BOUNDS = {"exp": 1.1, "tanh": 2.6, "sigmoid": 2.6, "log": 1, "log1p": 2}
BOUNDS |= {"softplus": 2.5, "logsigmoid": 2.5}
PROBE = "\n".join(
    f"""extern "C" void probe_{name}(const float *x, float *y, long n) {{
      for (long i = 0; i < n; i += lanes<float>()) store(y + i, v{name}(load(x + i)));
    }}"""
    for name in FUNCTIONS
)


def probe(architecture):
    header = (build.HERE / "simd.h").read_text()
    return build.load(f"{header}\n{PROBE}", architecture)


def every_kind_of_float():
    """Return all exponents with several mantissas each, both signs, and a dense middle."""
    bits = np.arange(0, 2**31, 40_009, dtype=np.int64).astype(np.uint32)
    bits = np.concatenate([bits, bits | np.uint32(2**31)])
    middle = np.linspace(-110, 110, 200_000, dtype=np.float32)
    values = np.concatenate([bits.view(np.float32), middle])
    return values[np.isfinite(values)][: len(values) // 16 * 16 - 16]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("architecture", BUILDS.values(), ids=list(BUILDS))
def test_functions_over_the_whole_float_range(architecture, function):
    x = every_kind_of_float()
    x = x[: len(x) // 16 * 16].copy()
    y = np.empty_like(x)
    address = ctypes.POINTER(ctypes.c_float)
    call = getattr(probe(architecture), f"probe_{function}")
    call(x.ctypes.data_as(address), y.ctypes.data_as(address), ctypes.c_long(len(x)))
    with np.errstate(all="ignore"):
        exact = FUNCTIONS[function](x.astype(np.float64))
        unit = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
        rounded = exact.astype(np.float32)
    assert (np.isnan(y) == np.isnan(exact)).all()
    finite = np.isfinite(rounded) & (np.abs(exact) >= 2.0**-126)
    error = np.abs(y[finite].astype(np.float64) - exact[finite]) / unit[finite]
    assert error.max() <= BOUNDS[function]
    tiny = np.abs(exact) < 2.0**-126
    assert np.abs(y[tiny] - exact[tiny]).max(initial=0) <= 2.0**-126
    assert np.isinf(y[np.isinf(rounded)]).all()


@pytest.mark.parametrize("architecture", BUILDS.values(), ids=list(BUILDS))
def test_functions_of_infinity_and_nan(architecture):
    values = np.array([np.inf, -np.inf, np.nan, 0.0] * 4, dtype=np.float32)
    address = ctypes.POINTER(ctypes.c_float)
    expected = {"exp": (np.inf, 0, 1), "tanh": (1, -1, 0), "sigmoid": (1, 0, 0.5)}
    expected |= {"log": (np.inf, np.nan, -np.inf), "log1p": (np.inf, np.nan, 0)}
    expected |= {"softplus": (np.inf, 0, np.float32(np.log(2)))}
    for name, (at_infinity, at_minus, at_zero) in expected.items():
        y = np.empty_like(values)
        call = getattr(probe(architecture), f"probe_{name}")
        call(values.ctypes.data_as(address), y.ctypes.data_as(address), ctypes.c_long(16))
        assert np.array_equal(y[[0, 1, 3]], [at_infinity, at_minus, at_zero], equal_nan=True)
        assert math.isnan(y[2])


# -- builds and the cache ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("compiler", "name"),
    [
        ("g++", "native"),
        *(pytest.param("g++", name, marks=pytest.mark.long) for name in ("AVX2", "baseline")),
        *(pytest.param("clang++", name, marks=pytest.mark.long) for name in BUILDS),
    ],
)
def test_builds_without_a_warning(compiler, name, tmp_path):
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    text = build.source(emit(LSTM()))
    strict = ("-Wall", "-Wextra", "-Werror")
    command = [compiler, *build.FLAGS, *strict, *BUILDS[name], "-", "-o", tmp_path / "k.so"]
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "architecture", [BUILDS["AVX2"], BUILDS["baseline"]], ids=["AVX2", "baseline"]
)
def test_other_builds_compute_the_same(monkeypatch, architecture):
    monkeypatch.setattr(kernel, "load", lambda text: build.load(text, architecture))
    for cell in (LSTM(), Odd()):
        given = problem(cell, hidden=33, batch=7, steps=9)
        expected = run_with_gradients("reference", cell, given)
        assert_agree(run_with_gradients("compiled", cell, given), expected, 1e-12)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache, and nothing remembered by this process."""
    monkeypatch.setenv("RNNBENCH_CACHE", str(tmp_path / "cache"))
    for function in (build.load, build.cache_directory, build.compiler):
        function.cache_clear()
    yield tmp_path / "cache" / "kernels"
    for function in (build.load, build.cache_directory, build.compiler):
        function.cache_clear()


SMALL = 'extern "C" int answer() { return 42; }'


def test_a_kernel_is_built_once_and_then_found(own_cache, monkeypatch):
    assert build.load(SMALL).answer() == 42
    assert sorted(path.suffix for path in own_cache.iterdir()) == [".sha256", ".so"]
    assert own_cache.stat().st_mode & 0o077 == 0
    build.load.cache_clear()
    monkeypatch.setattr(build, "_build", lambda *a: pytest.fail("built again"))
    assert build.load(SMALL).answer() == 42


@pytest.mark.parametrize("damage", ["torn", "other", "sealless", "writable", "link"])
def test_a_broken_or_foreign_kernel_is_rebuilt_and_never_loaded(own_cache, damage, tmp_path):
    build.load(SMALL)
    (library,) = own_cache.glob("*.so")
    (seal,) = own_cache.glob("*.sha256")
    good = library.read_bytes()
    if damage in ("torn", "other"):
        library.unlink()  # this process has loaded it: the file itself must stay as it is
        library.write_bytes(good[: len(good) // 2] if damage == "torn" else good + b"more")
        library.chmod(0o600)
    elif damage == "sealless":
        seal.unlink()
    elif damage == "writable":
        library.chmod(0o666)
    else:
        library.rename(tmp_path / "elsewhere.so")
        library.symlink_to(tmp_path / "elsewhere.so")
    assert not build._is_intact(library, seal)
    build.load.cache_clear()
    assert build.load(SMALL).answer() == 42
    assert build._is_intact(library, seal)


def test_a_directory_open_to_others_is_not_used(own_cache):
    own_cache.mkdir(parents=True)
    own_cache.chmod(0o777)
    assert build.load(SMALL).answer() == 42
    assert list(own_cache.iterdir()) == []


@pytest.mark.long
def test_many_processes_at_once(own_cache):
    code = f"from rnnbench.engine.compiled.build import load; print(load({SMALL!r}).answer())"
    environment = {**os.environ, "RNNBENCH_CACHE": str(own_cache.parent)}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(4)
    ]
    assert [process.communicate()[0] for process in started] == ["42\n"] * 4
    assert len(list(own_cache.iterdir())) == 2


def test_without_a_compiler_there_is_one_clear_line(own_cache, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ValueError, match="without a C\\+\\+ compiler, got compiled"):
        build.load(SMALL)


def test_a_compiler_that_fails_is_named(own_cache, monkeypatch):
    with pytest.raises(build.NoCompiler, match="where .* fails: .*error"):
        build.load("this is no program")


def test_cells_loaded_side_by_side_do_not_disturb_each_other():
    """Libraries of several cells share names of functions, but not the functions."""
    for first, second in itertools.permutations([LSTM(), GRU(), Odd(), RNN()], 2):
        for cell in (first, second):
            given = problem(cell, hidden=5, steps=3)
            expected = run_with_gradients("reference", cell, given)
            assert_agree(run_with_gradients("compiled", cell, given), expected, 1e-12)


def test_a_kernel_is_kept_as_long_as_its_cell_and_no_longer():
    cell = LSTM()
    kernel = weakref.ref(kernel_of(cell))
    assert kernel_of(cell) is kernel()
    del cell
    gc.collect()
    assert kernel() is None
