"""The bench times what it says, in processes that hold only torch of the stack."""

import json
import subprocess
import sys

import pytest

from rnnbench.bench.problem import CELLS, Shape, flops, make_trainer
from rnnbench.bench.tutorial import MODULES, train


def test_flops_by_hand():
    # One multiplication and one addition per weight and sequence, three times over; the inputs'
    # own gradient is not needed.
    assert flops("rnn", Shape(4, 3, 5)) == 5 * 3 * (3 * 2 * 4 * 4 + 2 * 2 * 4 * 2)
    assert flops("lstm", Shape(4, 3, 5, 7)) == 4 * 7 * flops("rnn", Shape(4, 3, 5))
    assert set(CELLS) == set(MODULES)


@pytest.mark.parametrize("cell", CELLS)
def test_what_is_timed_learns(cell):
    trainer = make_trainer(cell, Shape(8, 16, 5), "reference")
    losses = []
    training = trainer.run()
    for _ in range(60):
        next(training)
        batch = trainer.data.batch(trainer.step)
        outputs, _ = trainer.model(batch.inputs, last=1)
        losses.append(float(trainer.task.loss(outputs, batch.targets).detach()))
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
    tutorial = train(cell, Shape(8, 16, 5), "cpu")
    assert [next(tutorial) for _ in range(3)] == [None] * 3


def test_a_table_and_a_file(tmp_path):
    command = [sys.executable, "-m", "rnnbench.bench", "--rounds", "1", "--processes", "1"]
    command += ["--cells", "rnn", "--shapes", "8,4,5,2", "--json", str(tmp_path / "bench.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    header, row, note = done.stdout.splitlines()
    assert row.split()[:4] == ["H8", "B4", "T5", "R2"]
    assert "milliseconds" in note
    (found,) = json.loads((tmp_path / "bench.json").read_text())
    assert all(seconds > 0 for seconds in found["seconds"].values())
    stock = min(found["seconds"]["torch.nn, 1 thread"], found["seconds"]["torch.nn, 2 threads"])
    assert found["times_stock"] == pytest.approx(stock / found["seconds"]["compiled"])


def test_measuring_needs_only_torch():
    heavy = ("hydra", "omegaconf", "wandb", "pandas", "pydantic", "rich", "matplotlib", "scipy")
    code = (
        "import sys, rnnbench.bench.__main__, rnnbench.bench.worker;"
        f"print(*[m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
