"""The wheel works in an empty directory, and a clean clone needs the README's words alone."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

import rnnbench

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


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
    assert not list(tmp_path.rglob("*.egg-info"))


def commands():
    """Return the README's commands, without the one that runs these very tests."""
    blocks = re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and line != "make test"]


def test_the_readme_has_its_two_commands():
    assert commands()[0] == "make gaps"
    assert "make test" in README
    assert len(commands()) >= 5


# Half a minute each; tests/test_bench.py and the report on one's own results are the like of them.
LONG = ("python -m rnnbench.bench", "python -m rnnbench.report results/gaps results/reference")


@pytest.fixture(scope="module")
def own_results(tmp_path_factory):
    """A small sweep to be measured and reported on."""
    place = tmp_path_factory.mktemp("own") / "gaps"
    settings = {"trainer.steps": 3, "model.hidden_size": 8, "trainer.eval_size": 16}
    rnnbench.run(task="recall", gap=11, seeds=2, output_dir=place, engine="reference", **settings)
    return place


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, marks=[pytest.mark.slow] * command.startswith(LONG))
        for command in commands()
        if not command.startswith("make")
    ],
)
def test_the_readme_s_commands_run(command, tmp_path, own_results):
    """Long ones with dry_run=true, which composes, checks and measures all the same.

    The bench has none: it is run on one small shape.
    """
    (tmp_path / "results").symlink_to(ROOT / "results")
    write_files_of_the_readme(tmp_path)
    words = shlex.split(command)
    assert words[:2] == ["python", "-m"]
    if words[2] == "rnnbench":
        words.append("dry_run=true")
        assert "to do" in run(sys.executable, *words[1:], cwd=tmp_path)
        return
    if words[2] == "rnnbench.bench":
        words += "--rounds 1 --processes 1 --cells rnn --shapes 8,4,5".split()
        assert "compiled" in run(sys.executable, *words[1:], cwd=tmp_path)
        assert (tmp_path / "bench.json").exists() and (tmp_path / "bench.png").exists()
        return
    (tmp_path / "results").unlink()
    words = [
        word.replace("results/reference", str(ROOT / "results" / "reference")) for word in words
    ]
    shutil.copytree(own_results, tmp_path / "results" / "gaps")
    run(sys.executable, *words[1:], cwd=tmp_path)
    assert (tmp_path / "results" / "gaps" / "report" / "index.html").exists()


def write_files_of_the_readme(directory):
    """Write the own cell that the README shows, each block under the name in its first line."""
    for text in re.findall(r"```(?:python|yaml)\n(# \S+\.(?:py|yaml)\n.*?)```", README, re.DOTALL):
        path = directory / text.partition("\n")[0].removeprefix("# ")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def snippets():
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    return [block for block in blocks if not block.startswith("# ")]


@pytest.mark.parametrize("snippet", snippets(), ids=range(len(snippets())))
def test_the_readme_s_snippets_run(snippet, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "reference").symlink_to(ROOT / "results" / "reference")
    code = snippet.replace('"trainer.steps": 400', '"trainer.steps": 4')
    run(sys.executable, "-c", code, cwd=tmp_path)


@pytest.mark.slow
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
