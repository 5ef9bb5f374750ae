"""Build kernels with the system's C++ compiler, and cache them where only the user can write."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from rnnbench.store.files import is_private, private_directory

HERE = Path(__file__).resolve().parent
HEADERS = ("simd.h", "gemm.h", "recurrence.h", "forward.h", "backward.h")
FLAGS = "-O3 -std=c++17 -fno-math-errno -ffp-contract=fast -shared -fPIC -x c++".split()
NATIVE = ("-march=native",)
ENTRIES = """
template <class Pass, class T> static void run(const Call<T> *call) {
  Pass pass(*call);
  for (int r = 0; r < call->replicas; r++)
    pass.run(r);
}
extern "C" {
void forward_float32(const Call<float> *call) { run<Forward<Cell, float>>(call); }
void backward_float32(const Call<float> *call) { run<Backward<Cell, float>>(call); }
void forward_float64(const Call<double> *call) { run<Forward<Cell, double>>(call); }
void backward_float64(const Call<double> *call) { run<Backward<Cell, double>>(call); }
int panel_bytes() { return COLUMN_VECTORS * VECTOR_BYTES; }
int width() { return Recurrence<Cell, float>::W; }
int saved() { return Cell::SAVED; }
}
"""


class NoCompiler(ValueError):
    """Say that there is no C++ compiler, or that it fails to build a kernel."""


def source(cell: str) -> str:
    """Return the whole C++ source of a kernel, around the struct of a cell."""
    headers = ((HERE / name).read_text() for name in HEADERS)
    return "\n".join([*headers, f"namespace {{\n{cell}}}", ENTRIES])


@cache
def load(text: str, architecture: tuple[str, ...] = NATIVE) -> ctypes.CDLL:
    """Build a source, or find it built in the cache, and load it.

    The architecture is given as flags of the compiler.

    Raises:
        NoCompiler: it cannot be built here.
    """
    command = [compiler(), *FLAGS, *architecture]
    parts = [text, *command, _version(command[0]), _processor()]
    name = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    directory = cache_directory()
    library, seal = directory / f"{name}.so", directory / f"{name}.sha256"
    if not _is_intact(library, seal):
        _build(text, command, library, seal)
    return ctypes.CDLL(str(library))


@cache
def compiler() -> str:
    """Return the path of the C++ compiler: the one named in CXX, or g++, clang++ or c++.

    Raises:
        NoCompiler: there is none.
    """
    for name in (os.environ.get("CXX"), "g++", "clang++", "c++"):
        path = shutil.which(name) if name else None
        if path is not None:
            return path
    raise NoCompiler("engine must be reference or torch without a C++ compiler, got compiled")


@cache
def cache_directory() -> Path:
    """Return a directory for kernels that only the user can write to.

    It is `kernels` in the user's cache, or where there is none a directory for this process.
    """
    return private_directory("kernels") or Path(_process_directory().name)


@cache
def _process_directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="rnnbench-kernels-")


def _is_intact(library: Path, seal: Path) -> bool:
    """Return whether a library belongs to the user and has not changed since it was built."""
    try:
        if not (is_private(library) and is_private(seal)):
            return False
        return seal.read_text() == hashlib.sha256(library.read_bytes()).hexdigest()
    except (OSError, UnicodeDecodeError):
        return False


def _build(text: str, command: list[str], library: Path, seal: Path) -> None:
    """Compile into a directory beside the library, and move it into place in one step."""
    with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
        built, sealed = Path(scratch, library.name), Path(scratch, seal.name)
        command = [*command, "-", "-o", str(built)]
        done = subprocess.run(command, input=text, capture_output=True, text=True)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines()
            first = next((line for line in lines if "error" in line), "no message")
            raise NoCompiler(f"engine must be reference or torch where {command[0]} fails: {first}")
        sealed.write_text(hashlib.sha256(built.read_bytes()).hexdigest())
        for path in (built, sealed):
            path.chmod(0o600)
        os.replace(built, library)
        os.replace(sealed, seal)


@cache
def _version(path: str) -> str:
    return subprocess.run([path, "--version"], capture_output=True, text=True).stdout


@cache
def _processor() -> str:
    """Return the processor's features, on which -march=native depends."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return os.uname().machine
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
