"""The wheel works in an empty directory, and a clean clone needs `make smoke` alone."""

import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

import rnnbench
from tests.security.test_surroundings import crowd

ROOT = Path(__file__).resolve().parent.parent
WORDS = "task=adding cell=gru task.gap=4 seeds=2 trainer.steps=3 trainer.eval_size=16".split()
WORDS += ["model.hidden_size=8"]
RESULTS = "results/adding-gru"


def run(*command, cwd, code=0, **environment):
    hidden = ("PYTHONPATH", "MAKEFLAGS", "MAKELEVEL")
    kept = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env={**kept, **environment}
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A virtual environment with the wheel, on top of this one's libraries."""
    place = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation")
    run(*build, "--wheel-dir", str(place), str(ROOT), cwd=place)
    (wheel,) = place.glob("*.whl")
    venv.create(place / "venv", with_pip=False, symlinks=True)
    (packages,) = (place / "venv" / "lib").glob("python*/site-packages")
    own = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    pip = (sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(packages))
    run(*pip, str(wheel), cwd=place)
    (packages / "libraries.pth").write_text(f"{own}\n")
    return place / "venv" / "bin" / "python"


@pytest.mark.slow
def test_the_wheel_trains_among_files_of_all_names(installed, tmp_path):
    crowd(tmp_path)
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "__init__.py").write_text("raise ImportError")
    (tmp_path / "results").mkdir()
    where = run(installed, "-Pc", "import rnnbench; print(rnnbench.__file__)", cwd=tmp_path)
    assert str(ROOT) not in where
    run(installed, "-m", "rnnbench", *WORDS, "tracker=none", cwd=tmp_path)
    assert len(rnnbench.load_results(tmp_path / RESULTS)) == 2
    assert (tmp_path / RESULTS / "report" / "index.html").exists()
    shown = run(installed, "-m", "rnnbench", cwd=tmp_path)
    assert "gaps" in shown and "smoke" in shown
    words = [*WORDS, "tracker=none", "+cluster=ray", "dry_run=true"]
    assert "nothing is left to do" in run(installed, "-m", "rnnbench", *words, cwd=tmp_path)
    assert not (tmp_path / "ran").exists()
    assert not list(tmp_path.rglob("*.egg-info"))


@pytest.mark.slow
def test_a_sweep_of_two_runs_is_two_runs_under_an_agent_of_wandb(installed, tmp_path):
    said = {"SWEEP_ID": "abc12345", "RUN_ID": "zzz99999", "PROJECT": "another", "NAME": "theirs"}
    said |= {"RUN_GROUP": "group", "DIR": str(tmp_path / "elsewhere"), "RESUME": "must"}
    agent = {f"WANDB_{name}": value for name, value in said.items()}
    run(installed, "-m", "rnnbench", *WORDS, "tracker.mode=offline", cwd=tmp_path, **agent)
    assert len(rnnbench.load_results(tmp_path / RESULTS)) == 2
    files = list((tmp_path / RESULTS / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(files) == 3  # two runs and the summary
    assert not any("zzz99999" in file.name for file in files)
    assert not (tmp_path / "elsewhere").exists()


INSIDE = """
mount -t tmpfs -o mode=777 tmpfs /mnt && mount -t tmpfs tmpfs /sys/fs/cgroup || exit 77
echo "100000 100000" > /sys/fs/cgroup/cpu.max
: > /sys/fs/cgroup/cgroup.controllers
mount -o remount,bind,ro / || exit 77
may="+dac_override,+dac_read_search"  # where the tests lie may be closed to all but root
user="--reuid=54321 --regid=54321 --clear-groups --inh-caps=$may --ambient-caps=$may"
cd /mnt && exec env -i PATH=/usr/bin:/bin setpriv $user "$@"
"""


@pytest.mark.slow
def test_in_a_container_without_a_user_a_home_or_a_second_processor(installed, tmp_path):
    if os.getuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("mounts can be made by root alone")
    look = f"ls {RESULTS}/runs/*.json | wc -l; ls {RESULTS}/report/index.html"
    script = f"{installed} -m rnnbench {' '.join(WORDS)} task.gap=4,5; {look}"
    inside = ("unshare", "-m", "sh", "-c", INSIDE, "sh", "sh", "-c", f"({script}) 2>&1")
    told = run(*inside, cwd=tmp_path)
    assert "Traceback" not in told and "warning" not in told, told
    assert told.splitlines()[-2:] == ["4", f"{RESULTS}/report/index.html"], told


@pytest.mark.long
@pytest.mark.alone
def test_a_clean_clone_makes_smoke_in_a_minute_and_then_does_nothing(tmp_path):
    clone = tmp_path / "clone"
    run("git", "clone", "--quiet", str(ROOT), str(clone), cwd=tmp_path)
    run("make", ".venv/.installed", cwd=clone, PYTHON=sys.executable)
    times, lines = [], []
    for _ in range(2):
        start = time.monotonic()
        lines.append(run("make", "smoke", cwd=clone))
        times.append(time.monotonic() - start)
    assert times[0] < 60
    assert times[1] < 20
    assert (clone / "results" / "smoke" / "report" / "accuracy_vs_gap.png").exists()
    assert "all              0       36       0" in lines[1]
    assert run("git", "status", "--porcelain", cwd=clone) == ""
