"""Which processors there are, and which commit: whatever a container or a hook says around them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnnbench.launcher.backends.process import THREAD_VARIABLES
from rnnbench.training import machine

ROOT = Path(machine.__file__).resolve().parent.parent.parent


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Return what lays out control groups, in a process that may run on 8 processors."""
    monkeypatch.setattr(machine, "CGROUPS", tmp_path)
    monkeypatch.setattr(machine, "PROCESSORS", set(range(8)))
    monkeypatch.setattr(os, "cpu_count", lambda: 64)

    def lay_out(own, files):
        read = machine._read
        told = {Path("/proc/self/cgroup"): own}
        monkeypatch.setattr(machine, "_read", lambda path: told.get(path) or read(path))
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)

    return lay_out


OLD = {
    "cpu,cpuacct/jobs/cpu.cfs_quota_us": "300000",
    "cpu,cpuacct/jobs/cpu.cfs_period_us": "100000",
}


@pytest.mark.parametrize(
    ("own", "files", "number"),
    [
        ("0::/\n", {}, 8),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "250000 100000\n"}, 3),
        ("0::/\n", {"cpu.max": "9900000 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "garbage\n"}, 8),
        ("0::/\n", {"cpu.max": "0 0\n"}, 8),
        ("0::/a/b\n", {"a/cpu.max": "200000 100000", "a/b/cpu.max": "500000 100000"}, 2),
        ("0::/not/seen/here\n", {"cpu.max": "400000 100000"}, 4),
        ("4:memory:/\n3:cpu,cpuacct:/jobs/mine\n0::/\n", OLD, 3),
        ("3:cpu,cpuacct:/jobs\n", OLD | {"cpu,cpuacct/jobs/cpu.cfs_quota_us": "-1"}, 8),
        ("2:cpuset,memory:/jobs\n", {"cpuset,memory/jobs/cpu.max": "100000 100000"}, 8),
    ],
)
def test_processors_are_those_that_the_control_groups_grant(groups, own, files, number):
    groups(own, files)
    assert machine.cores() == number


def test_without_an_answer_of_the_system_all_processors_count(groups, monkeypatch):
    groups("", {})
    monkeypatch.setattr(machine, "PROCESSORS", None)
    assert machine.cores() == 64


BOUND = """
import os, time
from rnnbench.launcher.backends.process import Worker
if __name__ == "__main__":
    from rnnbench.training.machine import cores
    worker, end = Worker(), time.monotonic() + 60
    print(len(os.sched_getaffinity(0)), cores())
    while len(os.sched_getaffinity(worker.process.pid)) == 1 and time.monotonic() < end:
        time.sleep(0.05)
    print(len(os.sched_getaffinity(worker.process.pid)))
    worker.end()
"""


@pytest.mark.skipif(machine.cores() < 2, reason="one processor")
@pytest.mark.parametrize(
    "variable", ["OMP_PLACES", pytest.param("GOMP_CPU_AFFINITY", marks=pytest.mark.long)]
)
def test_a_worker_may_run_anywhere_though_its_parent_is_bound(tmp_path, variable):
    script = tmp_path / "bound.py"
    script.write_text(BOUND)
    first = str(min(os.sched_getaffinity(0)))
    places = f"{{{first}}}" if variable == "OMP_PLACES" else first
    own = {**os.environ, "PYTHONPATH": str(ROOT), variable: places}
    done = subprocess.run([sys.executable, script], env=own, capture_output=True, text=True)
    parent, cores, worker = map(int, done.stdout.split())
    assert (parent, cores) == (1, machine.cores())
    assert worker == len(os.sched_getaffinity(0))
    assert THREAD_VARIABLES["OMP_PROC_BIND"] == "false"


def git(place, *words):
    own = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    name = ["-c", "user.name=a", "-c", "user.email=a@b"]
    done = subprocess.run(
        ["git", *name, *words], cwd=place, env=own, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository that the suite's code seems to lie in."""
    place = tmp_path / "mine"
    (place / "rnnbench" / "training").mkdir(parents=True)
    git(place, "init", "-q")
    git(place, "commit", "-q", "--allow-empty", "-m", "first")
    monkeypatch.setattr(machine, "__file__", str(place / "rnnbench" / "training" / "machine.py"))
    return place


def test_another_repository_in_the_environment_is_not_recorded(checkout, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    git(other, "commit", "-q", "--allow-empty", "-m", "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "nothing"))
    assert machine._git_commit() == git(checkout, "rev-parse", "HEAD")


def test_a_repository_around_a_broken_one_is_not_recorded(checkout, tmp_path):
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "around")
    (checkout / ".git" / "HEAD").unlink()
    assert machine._git_commit() is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_a_checkout_of_somebody_else_is_recorded(checkout):
    head = git(checkout, "rev-parse", "HEAD")
    for path in [checkout, checkout / ".git", *(checkout / ".git").rglob("*")]:
        os.chown(path, 12345, 12345)
    assert machine._git_commit() == head


@pytest.mark.parametrize("script", ["exit 1", "echo no commit", "sleep 60 & sleep 60"])
def test_a_git_that_fails_or_hangs_is_no_reason_to_stop(checkout, tmp_path, monkeypatch, script):
    (tmp_path / "git").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setattr(machine, "GIT_SECONDS", 0.5)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert machine._git_commit() is None
