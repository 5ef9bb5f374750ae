"""Alone and stacked are bitwise the same whichever way MKL and the compiler take."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from rnnbench.check.engines import HIDDEN, settings
from rnnbench.engine.compiled import build
from rnnbench.engine.reference import _affine
from tests.check.stacks import CELLS, ENGINES, differing

ROOT = Path(__file__).resolve().parents[2]
# MKL asks these whether the processor is Intel's, and takes its generic AVX2 way where it is not.
INTEL = "int mkl_serv_intel_cpu(void) {return 1;} int mkl_serv_intel_cpu_true(void) {return 1;}"
# What MKL obeys on Intel's processors alone.
WAYS = ["AVX512", "AVX2", "SSE4_2"]
BUILDS = {"native": ["-march=native"], "AVX2": ["-mavx2", "-mfma"], "baseline": ["-"]}


def test_settings_have_every_value():
    shown = [*settings([*HIDDEN])][::3]
    assert [len({each[i] for each in shown}) for i in range(5)] == [4, 3, 4, 4, 2]


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        pytest.param(n, e, marks=pytest.mark.long if e == "torch" and n != "gru" else ())
        for n in CELLS
        for e in ENGINES.get(n, ["reference", "compiled", "torch"])
    ],
)
def test_trainings_are_bitwise_the_same_alone_and_stacked(name, engine):
    assert differing(name, engine) == []


def alone_and_stacked(function, *factors):
    """Yield for each replica its result and gradients in the stack and, from copies, alone."""

    def run(given):
        leaves = [each.clone().requires_grad_() for each in given]
        result = function(*leaves)
        weights = torch.linspace(-1, 1, result[0].numel(), dtype=result.dtype)
        total = (result.flatten(1) * weights).sum()
        return [result, *torch.autograd.grad(total, leaves)]

    stacked = run(factors)
    for r in range(len(factors[0])):
        for own, whole in zip(run([each[r, None] for each in factors]), stacked, strict=True):
            yield own[0], whole[r]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("features", [1, 5, 10])
def test_the_engine_is_right_whatever_bmm_does(features, dtype, record_property):
    """Slices of 3 x 7 rows start off a boundary, those of 64 on one."""
    torch.manual_seed(0)
    differ = {"bmm": 0, "engine": 0}
    for batch in (3, 64):
        x = torch.randn(3, 7, batch, features, dtype=dtype)
        weight, bias = torch.randn(3, 64, features, dtype=dtype), torch.randn(3, 64, 1, dtype=dtype)
        products = {
            "bmm": (lambda x, w, b: torch.bmm(x.flatten(1, 2), w.mT) + b.mT),
            "engine": _affine,
        }
        for name, function in products.items():
            pairs = alone_and_stacked(function, x, weight, bias)
            differ[name] += sum(not torch.equal(own, whole) for own, whole in pairs)
    record_property("results of bmm that differ alone and in a stack, of 24", differ["bmm"])
    print(f"bmm: {differ['bmm']} of 24 results differ alone and in a stack")
    assert differ["engine"] == 0


def run_stacks(*flags, **environment):
    command = [sys.executable, "-m", "tests.check.stacks", *flags]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "bitwise the same\n"), done.stdout + done.stderr


def product_under(**environment):
    """Return a digest of products of a fresh process, by which ways of MKL can be told apart."""
    code = (
        "import torch, zlib; torch.manual_seed(0); a = torch.randn(2, 1280, 500)"
        "; print(zlib.crc32(torch.bmm(a, a.mT[:, :, :256]).numpy().tobytes()))"
    )
    environment = {**os.environ, **environment}
    return subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)


@pytest.fixture(scope="module")
def as_intel(tmp_path_factory):
    """Return the setting under which MKL takes Intel's way on any x86 processor."""
    if sys.platform != "linux" or not torch.backends.mkl.is_available():
        pytest.skip("torch's products do not come from MKL here")
    library = tmp_path_factory.mktemp("intel") / "intel.so"
    command = [*build.compiler(), "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)]
    subprocess.run(command, input=INTEL, text=True, check=True)
    return {"LD_PRELOAD": str(library)}


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
def test_in_each_way_of_mkl(as_intel, way, record_property):
    setting = {**as_intel, "MKL_ENABLE_INSTRUCTIONS": way}
    record_property(
        "differs from this processor's own way", product_under(**setting) != product_under()
    )
    run_stacks(**setting)


@pytest.mark.long
def test_mkl_has_several_ways_here(as_intel):
    ways = {product_under(**as_intel, MKL_ENABLE_INSTRUCTIONS=way) for way in ("AVX2", "SSE4_2")}
    assert len(ways) == 2


@pytest.mark.long
def test_with_shorter_vectors_in_torch_s_own_loops():
    run_stacks(ATEN_CPU_CAPABILITY="avx2")


@pytest.mark.slow
@pytest.mark.parametrize(
    "architecture",
    [pytest.param(name, marks=pytest.mark.long) if name != "AVX2" else name for name in BUILDS],
)
def test_with_each_build_of_the_kernel(architecture):
    run_stacks(*BUILDS[architecture])
