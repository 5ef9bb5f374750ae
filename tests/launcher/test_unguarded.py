"""A script whose workers would run it again is told what to add, once."""

import os
import subprocess
import sys

import pytest

TINY = "task=recall cell=gru task.gap=3 seeds=1 trainer.steps=2 tracker=none output_dir=o".split()
SCRIPTS = {
    "main": "from rnnbench.cli import main\nsys.exit(main({words}))\n",
    "in a try": "from rnnbench.cli import main\ntry:\n    code = main({words})\n"
    "except BaseException:\n    code = 99\nsys.exit(code)\n",
    "several workers": "from rnnbench.cli import main\n"
    "sys.exit(main({words} + ['cell=gru,rnn', 'workers=2', 'engine=reference', 'name=o']))\n",
}


def start(tmp_path, text):
    (tmp_path / "script.py").write_text(f"import sys\n{text}")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "name", [pytest.param(own, marks=pytest.mark.long) if own != "main" else own for own in SCRIPTS]
)
def test_it_is_told_in_one_line(tmp_path, name):
    done = start(tmp_path, SCRIPTS[name].format(words=TINY))
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if "error" in line]
    assert len(errors) == 1
    assert errors[0].startswith("rnnbench: error: ")
    assert 'under `if __name__ == "__main__":`' in errors[0]
    assert not list(tmp_path.glob("o/runs/*"))


@pytest.mark.long
def test_training_from_python_needs_no_guard(tmp_path):
    text = (
        "import rnnbench\n"
        "rnnbench.run(task='recall', cell='gru', gap=3, seeds=1, output_dir='o',\n"
        "    trainer={'steps': 2, 'eval_size': 8}, model={'hidden_size': 4}, engine='reference')\n"
    )
    done = start(tmp_path, text)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("o/runs/*.json"))) == 1
