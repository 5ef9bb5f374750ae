"""Build kernels with the system's C++ compiler, and cache them where only the user can write."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from rnnbench.console import message_of
from rnnbench.store.files import is_private, private_directory

HERE = Path(__file__).resolve().parent
HEADERS = ("simd.h", "gemm.h", "recurrence.h", "forward.h", "backward.h")
FLAGS = "-O3 -std=c++17 -fno-math-errno -ffp-contract=fast -shared -fPIC -x c++".split()
NATIVE = ("-march=native",)
VERSION_SECONDS, BUILD_SECONDS, TRY_SECONDS = 10.0, 120.0, 30.0
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
int rows() { return Recurrence<Cell, float>::Q; }
int saved() { return Cell::SAVED + Cell::PREPARED; }
}
"""
FUNCTIONS = ("forward_float32", "backward_float32", "forward_float64", "backward_float64")
# A kernel's first call, in a process of its own: one built for another processor ends it. Each
# array is a block of zeros, of which two steps of eight units need a small part.
FIRST_CALL = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
for name in filter(lambda name: hasattr(library, name), sys.argv[2:]):
    arrays = [ctypes.create_string_buffer(2**19) for _ in range(24)]
    places = (ctypes.c_void_p * len(arrays))(*map(ctypes.addressof, arrays))
    getattr(library, name)(bytes((ctypes.c_int64 * 7)(1, 2, 2, 2, 8, 1, 1)) + bytes(places))
"""


class NoCompiler(ValueError):
    """Say that no kernel can be had here: there is no compiler, or it or its kernel fails."""


def source(cell: str) -> str:
    """Return the whole C++ source of a kernel, around the struct of a cell."""
    headers = ((HERE / name).read_text(encoding="utf-8") for name in HEADERS)
    return "\n".join([*headers, f"namespace {{\n{cell}}}", ENTRIES])


@cache
def load(text: str, architecture: tuple[str, ...] = NATIVE) -> ctypes.CDLL:
    """Build a source, or find it built in the cache, and load it.

    The architecture is given as flags of the compiler. Where the cache is full or its files cannot
    be executed, a directory for this process takes its place.

    Raises:
        NoCompiler: it cannot be built, loaded or run here.
    """
    command = [*compiler(), *FLAGS, *architecture]
    parts = [text, *command, _version(compiler()), _processor()]
    name = hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()[:32]
    problem = "there is no directory to write to"
    for directory in _directories():
        library, seal = directory / f"{name}.so", directory / f"{name}.sha256"
        try:
            if not _is_intact(library, seal):
                _build(text, command, library, seal)
            return ctypes.CDLL(str(library))
        except OSError as error:
            problem = message_of(error)
    raise _unusable(command, problem)


@cache
def compiler() -> tuple[str, ...]:
    """Return the C++ compiler's command: the words of CXX, or the path of g++, clang++ or c++.

    Raises:
        NoCompiler: there is none.
    """
    named = os.environ.get("CXX", "").strip()
    if named:
        with suppress(ValueError):  # a quote that is not closed
            program, *flags = shlex.split(named)
            if path := shutil.which(program):
                return (path, *flags)
        raise NoCompiler(f"CXX must be the command of a C++ compiler, got {named}")
    for path in filter(None, map(shutil.which, ("g++", "clang++", "c++"))):
        return (path,)
    raise NoCompiler("engine must be reference or torch without a C++ compiler, got compiled")


def run_program(
    command: Sequence[str], seconds: float, text: str = "", **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a program on a text; after so many seconds end it with all that it has started.

    Raises:
        OSError, subprocess.TimeoutExpired: it cannot be started, or does not end.
    """
    pipes: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    pipes |= {"encoding": "utf-8", "errors": "replace", "start_new_session": True}
    with subprocess.Popen(command, **pipes, **options) as process:
        try:
            out, err = process.communicate(text, seconds)
        except BaseException:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _unusable(command: Sequence[str], problem: str) -> NoCompiler:
    return NoCompiler(f"engine must be reference or torch where {command[0]} fails: {problem}")


def _ask(
    command: Sequence[str], seconds: float, text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the compiler on a text; its messages are English.

    Raises:
        NoCompiler: it cannot be run, or does not end.
    """
    try:
        return run_program(command, seconds, text, env={**os.environ, "LC_ALL": "C"})
    except subprocess.TimeoutExpired as error:
        raise _unusable(command, f"no answer in {seconds:.0f} s") from error
    except OSError as error:
        raise _unusable(command, message_of(error)) from error


def _directories() -> Iterator[Path]:
    """Yield where a kernel may lie: the cache, then a directory for this process."""
    with suppress(OSError):  # no temporary directory
        yield cache_directory()
    with suppress(OSError):
        if cache_directory() != Path(_process_directory().name):
            yield Path(_process_directory().name)


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
    """Compile into a directory beside the library, try it, and move it into place in one step.

    Raises:
        NoCompiler: the compiler fails, or the kernel cannot be run.
        OSError: nothing can be written there, or not be loaded from there.
    """
    with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
        built, sealed = Path(scratch, library.name), Path(scratch, seal.name)
        done = _ask([*command, "-", "-o", str(built)], BUILD_SECONDS, text)
        if any(os.strerror(number) in done.stderr for number in (errno.ENOSPC, errno.EDQUOT)):
            raise OSError(f"no space left in {library.parent}")
        if done.returncode != 0 or not built.exists():
            lines = done.stderr.strip().splitlines()
            first = next((line for line in lines if "error" in line), "it has built nothing")
            raise _unusable(command, first)
        _try(built, command)
        sealed.write_text(hashlib.sha256(built.read_bytes()).hexdigest())
        for path in (built, sealed):
            path.chmod(0o600)
        os.replace(built, library)
        os.replace(sealed, seal)


def _try(library: Path, command: Sequence[str]) -> None:
    """Load a library and call its functions once, in a process of its own.

    Raises:
        NoCompiler: it cannot be run.
        OSError: it cannot be loaded.
    """
    python = [sys.executable, "-I", "-c", FIRST_CALL, str(library), *FUNCTIONS]
    try:
        done = run_program(python, TRY_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise _unusable(command, "its kernel does not end") from error
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise _unusable(command, f"its kernel is ended by {name} on this processor")
    if done.returncode > 0:
        raise OSError(done.stderr.strip().rpartition("\n")[2].removeprefix("OSError: "))


@cache
def _version(command: tuple[str, ...]) -> str:
    return _ask([*command, "--version"], VERSION_SECONDS).stdout


@cache
def _processor() -> str:
    """Return the processor's features, on which -march=native depends."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return os.uname().machine
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
