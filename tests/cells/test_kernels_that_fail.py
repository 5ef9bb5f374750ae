"""Where a kernel cannot be built, loaded or run there is one line, and never another compiler."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from rnnbench.console import message_of
from rnnbench.engine.compiled import build, kernel
from rnnbench.experiment.condition import Replica
from rnnbench.experiment.sweep import Job
from rnnbench.launcher.engines import resolve_engines, time_engines
from rnnbench.launcher.worker import run_job
from rnnbench.store.records import Store
from tests.training.test_worker import CONDITION

SMALL = 'extern "C" int answer() { return 42; }\n'
CACHED = (build.load, build.compiler, build.cache_directory)
pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache, and nothing remembered by this process."""
    monkeypatch.setenv("RNNBENCH_CACHE", str(tmp_path / "cache"))
    for function in CACHED:
        function.cache_clear()
    yield tmp_path / "cache" / "kernels"
    for function in CACHED:
        function.cache_clear()


@pytest.fixture
def compiler(tmp_path, monkeypatch):
    """Return what makes CXX a script that answers for its version and otherwise runs lines."""

    def make(lines, words=""):
        path = tmp_path / "a compiler"
        version = 'case "$*" in *--version*) echo 1; exit;; esac'
        path.write_text(f"#!/bin/sh\n{version}\n{lines}\n")
        path.chmod(0o755)
        monkeypatch.setenv("CXX", f"'{path}' {words}")

    return make


def problem():
    with pytest.raises(build.NoCompiler) as caught:
        build.load(SMALL)
    assert "\n" not in message_of(caught.value)
    return message_of(caught.value)


@pytest.mark.parametrize("words", ["g++ -DFLAG='a b'", "env g++", "'g++'"])
def test_cxx_may_be_several_words(monkeypatch, words):
    monkeypatch.setenv("CXX", words)
    assert build.load(SMALL).answer() == 42
    assert Path(build.compiler()[0]).name == words.strip("'").split()[0]


@pytest.mark.parametrize("words", ["/nowhere/c++ -O2", "no-such-compiler", "'g++", "-O2"])
def test_a_cxx_that_is_none_is_named_and_no_other_is_taken(monkeypatch, words):
    monkeypatch.setenv("CXX", words)
    assert problem() == f"CXX must be the command of a C++ compiler, got {words}"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("exit 0", "it has built nothing"),
        ("printf '\\377\\376 error \\377' >&2; exit 1", "\ufffd error"),
        ("sleep 60 & sleep 60", "no answer in 1 s"),
        ("kill -9 $$", "it has built nothing"),
        ('for last; do :; done; echo text >"$last"', "invalid ELF header|file too short"),
    ],
)
def test_a_compiler_that_fails_is_named_in_one_line(compiler, monkeypatch, lines, told):
    monkeypatch.setattr(build, "BUILD_SECONDS", 1.0)
    compiler(lines)
    line = problem()
    assert "a compiler fails: " in line
    assert any(part in line for part in told.split("|")), line


def test_a_compiler_that_cannot_be_started_is_named(monkeypatch, tmp_path):
    (tmp_path / "cxx").write_bytes(b"\x7fELF of another processor")
    (tmp_path / "cxx").chmod(0o755)
    monkeypatch.setenv("CXX", str(tmp_path / "cxx"))
    assert "cxx fails: " in problem()


def test_a_kernel_that_its_processor_cannot_run_is_found_out_and_not_kept(cache):
    foreign = 'extern "C" void backward_float64(const void *) { __builtin_trap(); }\n'
    with pytest.raises(build.NoCompiler, match="its kernel is ended by SIG(ILL|TRAP) on this"):
        build.load(foreign)
    assert list(cache.iterdir()) == []


def test_the_first_call_is_laid_out_as_a_kernel_s():
    assert kernel.SIZES == ("replicas", "steps", "batch", "features", "hidden", "scored", "keep")
    assert len(kernel.ARRAYS) <= 24


def test_a_cache_that_is_full_is_passed_over(compiler, cache):
    message = os.strerror(28)
    compiler(f'case "$*" in *{cache}*) echo "ld: {message}" >&2; exit 1;; esac; exec g++ "$@"')
    assert build.load(SMALL).answer() == 42
    assert list(cache.iterdir()) == []


def test_without_any_directory_to_write_to_there_is_one_line(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("RNNBENCH_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(build, "_process_directory", _no_directory)
    assert "there is no directory to write to" in problem()


def _no_directory():
    raise FileNotFoundError(2, "No usable temporary directory found")


def test_a_worker_without_the_kernel_that_was_chosen_elsewhere_says_so_and_trains(
    monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("CXX", "/nowhere/c++")
    job = Job(CONDITION, (Replica(0, 1e-3),), tmp_path, "compiled", "cpu", "test")
    run_job(job, lambda event: None, Event())
    run_job(replace(job, replicas=(Replica(1, 1e-3),)), lambda event: None, Event())
    assert {record["engine"] for record in Store(tmp_path).runs().values()} == {"reference"}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("rnnbench: warning: engine reference for gru: CXX must be")
    named = replace(job, condition=replace(CONDITION, engine="compiled"))
    with pytest.raises(build.NoCompiler):
        run_job(named, lambda event: None, Event())


def test_a_remembered_kernel_that_cannot_be_loaded_any_more_is_not_taken(monkeypatch, tmp_path):
    path = tmp_path / "engines.json"
    job = Job(CONDITION, (Replica(0, 1e-3),), tmp_path, "auto", "cpu")

    def choose():
        def run(jobs, notify):
            for index, each in enumerate(jobs):
                notify(index, "done", time_engines(each, print, Event()))

        return resolve_engines([job], path, {}, run, remember=True)[0].engine

    monkeypatch.setattr("rnnbench.launcher.engines.MARGIN", 1e9)  # the first that can run
    assert choose() == "compiled"
    for function in CACHED:
        function.cache_clear()
    monkeypatch.setenv("CXX", "/nowhere/c++")
    assert choose() != "compiled"
