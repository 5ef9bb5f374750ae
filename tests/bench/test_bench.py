"""The bench times what it says, in processes that hold only torch of the stack."""

import json
import subprocess
import sys

import pytest
import torch

from rnnbench.bench.__main__ import main
from rnnbench.bench.measure import Team, measure
from rnnbench.bench.problem import (
    CELLS,
    COMPILED,
    MODULES,
    RATE,
    MarkedSum,
    Shape,
    TutorialModel,
    flops,
    make_trainer,
    train_as_tutorials_do,
    train_stack,
)
from rnnbench.bench.process import time_steps


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
    tutorial = train_as_tutorials_do(cell, Shape(8, 16, 5), "cpu")
    assert [next(tutorial) for _ in range(3)] == [1] * 3


def test_a_gpu_is_waited_for_before_the_clock_is_read(monkeypatch):
    """It runs behind the program, and may take a block of steps at once."""
    done = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: done.append("wait"))
    monkeypatch.setattr("time.perf_counter", lambda: float(len(done)))

    def training():
        while True:
            done.extend(["step"] * 16)
            yield 16

    assert time_steps(training(), 20, "cuda") == (16 + 16 + 1) / 32
    assert done == ["wait", *["step"] * 32, "wait"]
    done.clear()
    time_steps(training(), 1)
    assert "wait" not in done


def test_the_suite_s_stack_tells_how_many_steps_it_took(monkeypatch):
    training = train_stack("rnn", Shape(8, 4, 5, 2), "reference", "cpu")
    assert [next(training) for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize(("named", "seen"), [("", "0 1 0"), ("2,5", "2 5 2")])
def test_processes_are_spread_over_the_gpus(named, seen, monkeypatch):
    started = []
    monkeypatch.setattr("subprocess.Popen", lambda words, env, **pipes: started.append(env))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    Team(COMPILED, 3)
    assert " ".join(env["CUDA_VISIBLE_DEVICES"] for env in started) == seen


@pytest.mark.parametrize(("device", "processes"), [("cuda", 3), ("cpu", 7)])
def test_there_is_one_process_per_core_or_per_gpu(device, processes, monkeypatch, capsys):
    asked = []

    def stop(columns, cell, shape, **sizes):
        asked.append(sizes)
        raise KeyboardInterrupt

    program = "rnnbench.bench.__main__"
    monkeypatch.setattr(f"{program}.measure", stop)
    monkeypatch.setattr(f"{program}.measure_peak", lambda processes: {})
    monkeypatch.setattr(f"{program}.choose_device", lambda name: device)
    monkeypatch.setattr(f"{program}.visible_gpus", lambda: ["0", "1", "2"])
    monkeypatch.setattr(f"{program}.cores", lambda: 7)
    assert main([]) == 130
    assert asked == [{"rounds": 5, "processes": processes, "device": device}]


def bench(*words):
    command = [sys.executable, "-m", "rnnbench.bench", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.long
def test_a_table_a_file_and_a_picture(tmp_path):
    table, picture = tmp_path / "bench.json", tmp_path / "bench.svg"
    words = ("--rounds", 1, "--processes", 1, "--cells", "rnn", "--shapes", "8,4,5,2")
    done = bench(*words, "--json", table, "--plot", picture)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert all(len(line) <= 133 for line in lines)
    found = json.loads(table.read_text())
    assert set(found["peak_gflops"]) == {"torch.mm", "own kernel"}
    assert min(found["peak_gflops"].values()) > 1
    (row,) = found["rows"]
    seconds = row["seconds"]
    assert all(value > 0 for value in seconds.values())
    stock = min(seconds["nn 1 thread"], seconds["nn 2 threads"])
    assert row["times_stock"] == pytest.approx(stock / seconds["compiled"])
    assert row["times_mallopt"] == pytest.approx(seconds["nn mallopt"] / seconds["compiled"])
    gflops = flops("rnn", Shape(8, 4, 5, 2)) / 2 / seconds["compiled"] / 1e9
    assert row["gflops_per_core"] == pytest.approx(gflops)
    share = gflops / max(found["peak_gflops"].values())
    assert row["share_of_peak"] == pytest.approx(share)
    assert row["memory_mib"]["compiled"] > 0
    assert found["machine"]["torch"] == torch.__version__
    (line,) = [line for line in lines if line.startswith("H8 B4 T5 R2")]
    assert line.split()[4:7] == ["rnn", *(f"{1e3 * seconds[c]:.3g}" for c in list(seconds)[:2])]
    assert "<!-- H8 B4 T5 R2 -->" in picture.read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shapes", "8,4"], "must be like 128,32,200 or 32,32,20,16, got 8,4"),
        (["--shapes", "8,4,2"], "must have at least 3 time steps, got 8,4,2"),
        (["--rounds", "0"], "must be a whole number of at least 1, got 0"),
        (["--plot", "a.jpg"], "must end in .png or .svg, got a.jpg"),
        (["--plot", "no/such/place.png"], "No such file or directory: 'no/such/place.png'"),
        (["--json", "no/such/place"], "No such file or directory: 'no/such/place'"),
        (
            ["--verify", "--cells", "rnn", "--processes", "2"],
            "--verify must do without --rounds, --processes, --cells, --shapes, "
            "got --processes, --cells: it has sizes of its own",
        ),
    ],
)
def test_bad_input_is_told_before_anything_is_measured(words, message, in_tmp, capsys, exit_code):
    code = exit_code(main, words)
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("rnnbench.bench: error: ")
    assert line.endswith(message)


@pytest.mark.skipif(torch.cuda.is_available(), reason="tells what a machine without CUDA says")
def test_a_missing_gpu_is_told():
    done = bench("--device", "cuda")
    assert (done.returncode, done.stdout) == (2, "")
    assert "device must be auto or cpu on a machine without CUDA, got cuda" in done.stderr


@pytest.mark.slow
def test_a_stack_is_counted_by_run_and_memory_by_what_is_held():
    columns = [COMPILED]
    sizes = {"rounds": 1, "processes": 1, "device": "cpu"}
    one = measure(columns, "rnn", Shape(16, 8, 10), **sizes)["compiled"]
    many = measure(columns, "rnn", Shape(16, 8, 10, 64), **sizes)["compiled"]
    assert many["seconds"] < one["seconds"]
    large = measure(columns, "lstm", Shape(64, 256, 200), **sizes)["compiled"]
    states_and_gates = (2 * 201 + 5 * 200) * 256 * 64 * 4 / 2**20
    assert states_and_gates < large["memory"] < 1.6 * states_and_gates + 120


@pytest.mark.parametrize("cell", CELLS)
def test_jax_takes_the_same_step(cell):
    """One step of Adam from the same parameters on the same data moves them the same way."""
    jax_training = pytest.importorskip(
        "rnnbench.bench.jax_training", reason="needs the extra bench", exc_type=ImportError
    )
    shape = Shape(8, 16, 12)
    torch.manual_seed(0)
    parameters = jax_training.initial(cell, shape)
    torch.manual_seed(0)
    model = TutorialModel(cell, shape.hidden)
    task = MarkedSum(shape.length)
    batch = task.sample(shape.batch, torch.Generator().manual_seed(0))
    loss = task.loss(model(batch.inputs), batch.targets)
    arrays = [batch.inputs.numpy(), batch.targets.numpy()]
    assert float(jax_training.loss_of(cell)(parameters, *arrays)) == pytest.approx(loss.item())
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    torch.optim.Adam(model.parameters(), lr=RATE).step()
    zeros = {name: 0 * value for name, value in parameters.items()}
    new, _ = jax_training.training_step(cell)(parameters, (zeros, zeros), arrays, 1)
    for name, parameter in model.named_parameters():
        theirs = torch.tensor(new[name].tolist())
        torch.testing.assert_close(theirs, parameter.detach(), atol=2e-6, rtol=1e-5)


def test_measuring_needs_only_torch():
    heavy = ("hydra", "omegaconf", "wandb", "pandas", "pydantic", "rich", "matplotlib", "scipy")
    heavy += ("jax",)
    code = (
        "import sys, rnnbench.bench.__main__, rnnbench.bench.process;"
        f"print(*[m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
