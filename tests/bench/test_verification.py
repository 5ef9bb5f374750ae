"""Engines are verified on a device part by part; what fails costs its own part, and the verdict."""

import json
import os
import subprocess
import sys
from dataclasses import asdict

import pytest

from rnnbench.bench import parts, verification
from rnnbench.bench.problem import STOCK
from rnnbench.bench.table import speed_lines
from rnnbench.bench.verification import FAST, Part, Server, plan, run_parts
from rnnbench.check import verdicts
from rnnbench.engine import ENGINES, tile_of
from tests.check.bad_engines import CHANGES, changed

SHAPE = (8, 2, 4, 2)
GATE = {"cell": "GRU", "replicas": 2, "batch": 2, "hidden": 8, "features": 2}
PROBLEM = {"cell": "rnn", "shape": SHAPE, "device": "cpu"}
COLUMN = json.dumps(asdict(STOCK[0]))
BLOCKED = ("hydra", "wandb", "pandas", "omegaconf", "pydantic", "matplotlib", "rich", "seaborn")
# In every process of the verification, as on a machine that has torch and little else.
SITE = "import sys\nsys.modules.update(dict.fromkeys({!r}))\n"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def wrong(monkeypatch):
    """Return what puts a wrong engine in the place of the reference's neighbour `torch`."""

    def put(name):
        monkeypatch.setitem(ENGINES, "torch", changed(CHANGES[name]))

    return put


@pytest.mark.long
def test_the_whole_of_it_runs_without_what_only_the_suite_needs(tmp_path):
    """On a CPU, at sizes of nothing; matplotlib is away, too, so that there is no figure."""
    (tmp_path / "sitecustomize.py").write_text(SITE.format(BLOCKED))
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.getcwd()}"}
    command = [sys.executable, "-W", "error", "-m", "rnnbench.bench", "--device", "cpu"]
    command += ["--verify", "--json", str(tmp_path / "found.json")]
    command += ["--plot", str(tmp_path / "found.png")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    found = json.loads((tmp_path / "found.json").read_text())
    assert [json.loads(line) for line in lines] == found
    assert {line["part"] for line in found} == parts.PARTS.keys()
    assert all(line.get("ok") is not False for line in found)
    assert all(line["us"] > 0 for line in found if line["part"] in ("speed", "stock"))
    assert done.stdout.splitlines()[-1].startswith("engine compiled is proven here")
    assert "no figure: " in done.stderr
    assert verdicts.recall(verdicts.proof_of("compiled", "cpu")) == (None,)


def test_the_parts_of_a_gpu_take_less_than_their_time():
    on_gpu = [*plan("cuda")]
    cells = {part.arguments["cell"] for part in on_gpu if part.name == "speed"}
    assert cells == {"rnn", "lstm", "gru"}
    timed = [part.arguments["shape"] for part in on_gpu if part.name == "speed"]
    assert {shape[3] for shape in timed} == {1, 5, 25, 132, 264}
    assert {shape[:3] for shape in timed} == {(128, 32, 200)}
    assert any(part.arguments.get("steps") == 10_000 for part in on_gpu)
    assert verification.MINUTES < 9
    assert all(part.seconds <= 90 for part in on_gpu)


def test_an_engine_that_cannot_run_here_is_left_out(monkeypatch):
    monkeypatch.setitem(FAST, "cuda", "compiled")
    assert "on cuda, got compiled" in verification.lacking("cuda")
    assert {part.arguments.get("engine") for part in plan("cuda")} == {None, "reference"}
    monkeypatch.setitem(FAST, "cuda", "no such")
    assert verification.lacking("cuda").startswith("engine must be one of reference, ")


def test_all_shipped_cells_that_the_engine_runs_are_tried(monkeypatch):
    monkeypatch.setitem(FAST, "cuda", "reference")
    tried = [*verification._gates("reference", "cuda", verification.SIZES["cuda"])]
    cells = [part.arguments["cell"] for part in tried]
    assert len(set(cells)) >= 24
    stacks = [part.arguments for part in tried if part.arguments["cell"] == "LSTM"]
    assert len(stacks) == 6
    tiles = {tile_of("triton", it["replicas"], it["batch"], it["hidden"]) for it in stacks}
    assert tiles == {4, 8, 16, 32}, "each of Triton's kernels"
    tried = verification._gates("torch", "cuda", verification.SIZES["cuda"])
    assert {part.arguments["cell"] for part in tried} == {"RNN", "GRU", "LSTM"}


@pytest.mark.long
def test_a_part_that_fails_hangs_or_dies_costs_no_other(monkeypatch, tmp_path):
    """Each in the process that a device has, with a library that prints where answers go."""
    program = tmp_path / "program.py"
    program.write_text(
        "import os, sys, time\n"
        "from rnnbench.bench import parts\n"
        "def fine(device): print('noise'); return {'ok': True, 'process': os.getpid()}\n"
        "def fails(device): raise RuntimeError('broken\\nin two lines')\n"
        "def hangs(device): time.sleep(60)\n"
        "def dies(device): os.kill(os.getpid(), 11)\n"
        "parts.PARTS.update({f.__name__: f for f in (fine, fails, hangs, dies)})\n"
        "parts.main(sys.argv[1])\n"
    )

    class Own(Server):
        def __init__(self, device):
            super().__init__(device)
            self.command = [sys.executable, str(program), device]

    monkeypatch.setattr(verification, "Server", Own)
    limits = {"hangs": 6.0}
    names = ("fine", "fine", "fails", "fine", "hangs", "fine", "dies", "fine")
    asked = [Part(name, {}, limits.get(name, 60.0)) for name in names]
    found = [*run_parts(asked, "cpu", 5)]
    assert [line["ok"] for line in found] == [True, True, False, True, False, True, False, True]
    assert found[2]["reason"].startswith("RuntimeError: broken in two lines")
    assert found[4]["reason"] == "does not end in 6 s"
    assert found[6]["reason"] == "ends its process: SIGSEGV"
    processes = [line["process"] for line in found if line["ok"]]
    assert len(set(processes)) == 4
    assert processes[0] == processes[1]


@pytest.mark.parametrize(
    "words", [["parts", "cpu"], ["process", COLUMN, "[]"]], ids=["part", "column"]
)
def test_a_process_whose_reader_is_gone_ends_without_a_word(words):
    """As where somebody ends the program that has started it."""
    command = [sys.executable, "-m", f"rnnbench.bench.{words[0]}", *words[1:]]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = subprocess.Popen(command, **pipes, text=True)
    process.stdout.close()
    request = ["machine", {"size": 8}] if words[0] == "parts" else {"problem": PROBLEM}
    _, said = process.communicate(json.dumps(request) + "\n")
    assert (process.returncode, said) == (141, "")


def test_a_part_for_which_there_is_no_time_is_said_to_be_missing():
    (line,) = run_parts([Part("machine", {"size": 8}, 60.0)], "cpu", 0.0)
    assert (line["ok"], line["reason"]) == (None, "there was no time left")


@pytest.mark.parametrize("name", ["gradient", "nan", "by stack"])
def test_a_wrong_engine_fails_its_trial_and_the_verdict_is_remembered(wrong, name):
    assert parts.gate("cpu", "torch", **GATE)["ok"]
    wrong(name)
    found = parts.gate("cpu", "torch", **GATE)
    assert found["ok"] is False
    assert verdicts.verdict_on(verdicts.Trial("torch", parts.shipped("GRU"), 2, 2, 8, 2, "cpu"))


def test_a_stack_that_changes_numbers_is_found_in_training(wrong):
    given = {"engine": "torch", "cell": "gru", "shape": (8, 2, 4, 3), "steps": 4}
    assert parts.stack("cpu", **given) == {"ok": True, "reason": None}
    wrong("by stack")
    assert parts.stack("cpu", **given)["reason"] == "replica 0 has other numbers alone"


def test_steps_in_a_graph_are_compared_with_steps_as_they_are(wrong):
    given = {"engine": "torch", "cell": "gru", "shape": SHAPE, "steps": 4}
    assert parts.graph("cpu", **given) == {"ok": True, "reason": None}
    wrong("unsteady")
    assert parts.graph("cpu", **given)["reason"] == "a graph gives other numbers"


def test_memory_that_grows_is_found(monkeypatch):
    kept = []

    def keep(cell, parameters, inputs, states, last):
        kept.append(bytearray(2**20))
        return ENGINES["reference"](cell, parameters, inputs, states, last)

    given = {"engine": "torch", "cell": "rnn", "shape": SHAPE, "steps": 200}
    assert parts.growth("cpu", **given)["ok"]
    monkeypatch.setitem(ENGINES, "torch", keep)
    found = parts.growth("cpu", **given)
    assert found["ok"] is False
    assert found["reason"].startswith("memory grows in 200 steps: process ")


def lines(**bad):
    """Return lines in which some parts of the engine `compiled` have failed."""
    own = {"engine": "compiled", "cell": "lstm", "shape": list(SHAPE)}
    named = ("gate", "graph", "stack", "growth")
    found = [
        {"part": name, **own, "ok": True, "reason": None, **bad.get(name, {})} for name in named
    ]
    return [*found, {"part": "speed", **own, "us": 1.0}]


def judged(found):
    told = verification._judge("compiled", "cpu", found)
    return told, verdicts.recall(verdicts.proof_of("compiled", "cpu"))


def test_the_verdict_is_good_where_every_part_is():
    told, stored = judged(lines())
    assert told == "engine compiled is proven here: engine: auto may take it"
    assert stored == (None,)


def test_the_verdict_names_the_first_part_that_failed():
    told, (reason,) = judged(lines(stack={"ok": False, "reason": "replica 0 has other numbers"}))
    assert reason == (
        "failed its verification: stack lstm at 8,2,4,2 compiled: replica 0 has other numbers"
    )
    assert told == f"engine compiled {reason}; engine: auto leaves it out here"


def test_there_is_no_verdict_where_a_part_is_missing():
    told, stored = judged(lines(growth={"ok": None, "reason": "there was no time left"}))
    assert told == "engine compiled is not proven: there was no time for all parts"
    assert stored is None


def test_an_engine_is_not_to_blame_for_what_the_reference_fails_as_well():
    """Products around the recurrence may change in a stack: all engines have the same."""
    bad = {"ok": False, "reason": "replica 0 has other numbers alone"}
    other = {**lines(stack=bad)[2], "engine": "reference"}
    assert judged([*lines(stack=bad), other])[1] == (None,)
    assert judged([*lines(stack=bad), {**other, "cell": "gru"}])[1] != (None,)


def test_speeds_are_shown_by_how_many_runs_train_at_once():
    found = [
        {"part": "stock", "cell": "rnn", "shape": [8, 2, 4, 1], "processes": 4, "us": 8.04},
        {"part": "speed", "cell": "rnn", "shape": [8, 2, 4, 25], "engine": "triton", "us": 0.551},
    ]
    header, *rows = speed_lines([{"part": "machine"}, *found])
    assert header.split()[-4:] == ["R", "4", "R", "25"]
    assert rows[0].split()[-2:] == ["8.04", "-"]
    assert rows[1].split() == ["rnn", "triton", "-", "0.551"]
