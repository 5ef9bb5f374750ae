"""The wheel works in an empty directory, and a clean clone needs `make smoke` alone."""

import os
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

import rnnbench

ROOT = Path(__file__).resolve().parent.parent


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
def test_the_wheel_trains_in_an_empty_directory(installed, tmp_path):
    where = run(installed, "-c", "import rnnbench; print(rnnbench.__file__)", cwd=tmp_path)
    assert str(ROOT) not in where
    words = ["task=adding", "cell=gru", "task.gap=4", "seeds=2", "trainer.steps=3", "tracker=none"]
    words += ["model.hidden_size=8", "trainer.eval_size=16"]
    run(installed, "-m", "rnnbench", *words, cwd=tmp_path)
    assert len(rnnbench.load_results(tmp_path / "results" / "adding-gru")) == 2
    assert (tmp_path / "results" / "adding-gru" / "report" / "index.html").exists()
    shown = run(installed, "-m", "rnnbench", cwd=tmp_path)
    assert "gaps" in shown and "smoke" in shown
    assert "nothing is left to do" in run(
        installed, "-m", "rnnbench", *words, "+cluster=ray", "dry_run=true", cwd=tmp_path
    )
    assert not list(tmp_path.rglob("*.egg-info"))


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
