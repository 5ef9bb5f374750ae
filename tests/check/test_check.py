"""Each check passes cells that are right, and fails the cell that breaks what it is about."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from rnnbench import Cell
from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.check.outcome import FAILED, NOT_APPLICABLE, PASSED
from rnnbench.check.run import CHECKS, run_check, run_checks
from rnnbench.check.subject import Subject

ROOT = Path(__file__).resolve().parents[2]
LONG = ("compiled", "learning")  # a kernel is built, a training is run


class MinimalGatedUnit(Cell):
    """Zhou et al. (2016)."""

    gates = {"f": "xh", "n_x": "x", "n_h": "h"}
    keep_gate = "f"

    def update(self, f, n_x, n_h, h):
        keep = torch.sigmoid(f)
        return keep * h + (1 - keep) * torch.tanh(n_x + n_h)


class Peephole(Cell):
    """An LSTM whose forget and input gates see the cell state (Gers & Schmidhuber, 2000)."""

    gates = {"i": "xh", "f": "xh", "g": "xh", "o": "xh"}
    states = ("h", "c")
    vectors = ("p_i", "p_f")
    keep_gate = "f"

    def update(self, i, f, g, o, h, c, p_i, p_f):
        c = torch.sigmoid(f + p_f * c) * c + torch.sigmoid(i + p_i * c) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class IndRNN(Cell):
    """Independently recurrent (Li et al., 2018): a vector in place of the matrix."""

    gates = {"a": "x", "unused": "h"}
    vectors = ("u",)

    def update(self, a, unused, h, u):
        return torch.tanh(a + u * h + 0.1 * unused)


class OwnStep(Cell):
    """Two matrix products in a row, which cannot be declared."""

    def shapes(self, input_size, hidden_size):
        square = (hidden_size, hidden_size)
        return {"w": (hidden_size, input_size), "first": square, "weight_hh_l0": square}

    def initialize(self, parameters, generator, *, gap):
        for tensor in parameters.values():
            tensor.uniform_(-0.2, 0.2, generator=generator)

    def step(self, parameters, inputs, states):
        inner = torch.tanh(torch.bmm(states[0], parameters["first"].mT))
        outer = torch.bmm(inner, parameters["weight_hh_l0"].mT)
        return (torch.tanh(torch.bmm(inputs, parameters["w"].mT) + outer),)


class NoUpdate(Cell):
    gates = {"a": "xh"}


class SwappedNames(GRU):
    def update(self, z, r, n_x, n_h, h):
        return h


class TooManyStates(GRU):
    def update(self, r, z, n_x, n_h, h):
        return super().update(r, z, n_x, n_h, h), h


class SumOfUnits(GRU):
    def update(self, r, z, n_x, n_h, h):
        return super().update(r, z, n_x, n_h, h).sum(-1)


class Wider(GRU):
    def update(self, r, z, n_x, n_h, h):
        return super().update(r, z, n_x, n_h, h).double()


class ForgetsGate(GRU):
    def update(self, r, z, n_x, n_h, h):
        return super().update(0.5 * z, z, n_x, n_h, h)


class MixesBatch(GRU):
    def update(self, r, z, n_x, n_h, h):
        return super().update(r, z, n_x, n_h, h - 0.1 * h.mean(-2, keepdim=True))


class InPlace(GRU):
    def update(self, r, z, n_x, n_h, h):
        new = super().update(r, z, n_x, n_h, h)
        n_x.mul_(2)
        return new


class Noisy(GRU):
    def update(self, r, z, n_x, n_h, h):
        return super().update(r, z, n_x, n_h, h) + 1e-3 * torch.rand(h.shape, dtype=h.dtype)


class Detached(GRU):
    def update(self, r, z, n_x, n_h, h):
        return super().update(r, z.detach(), n_x, n_h, h)


class MixesReplicas(GRU):
    def update(self, r, z, n_x, n_h, h):
        return super().update(r, z, n_x, n_h - 0.1 * n_h.mean(-3, keepdim=True), h)


class Growing(GRU):
    def update(self, r, z, n_x, n_h, h):
        return 1.1 * h + 0.1 * n_x + 0.1 * n_h + 0.1 * torch.tanh(r) + torch.sigmoid(z)


class GlobalStart(GRU):
    def initialize(self, parameters, generator, *, gap):
        super().initialize(parameters, generator, gap=gap)
        parameters["bias_ih_l0"].add_(torch.rand(()))


class KeepBiasTwice(GRU):
    def initialize(self, parameters, generator, *, gap):
        super().initialize(parameters, generator, gap=gap)
        if self.init != "chrono":
            self.bias_of("z", parameters["bias_ih_l0"], "x").add_(self.keep_bias)


class Deaf(GRU):
    """It hears its input at a whisper."""

    def update(self, r, z, n_x, n_h, h):
        return super().update(r * 1e-6, z * 1e-6, n_x * 1e-6, n_h * 1e-6, h)


class Remembers(GRU):
    """A memory beside its states."""

    calls = 0

    def update(self, r, z, n_x, n_h, h):
        Remembers.calls += 1
        return super().update(r, z, n_x, n_h, h) + 1e-6 * Remembers.calls


class Raises(GRU):
    def update(self, r, z, n_x, n_h, h):
        raise KeyError("a mistake\nin two lines")


BROKEN = [
    (NoUpdate, "declaration", "must have update"),
    (SwappedNames, "declaration", "in order: r, z, n_x, n_h, h"),
    (TooManyStates, "shapes", "must return 1 states (h), got 2"),
    (SumOfUnits, "shapes", "must have shape (2, 3, 32)"),
    (Wider, "shapes", "must be torch.float32"),
    (Raises, "shapes", "KeyError: 'a mistake\\nin two lines'"),
    (ForgetsGate, "use", "no use of gate r"),
    (MixesBatch, "batch", "must not depend on the others"),
    (InPlace, "purity", "must leave n_x as it is"),
    (Noisy, "determinism", "random numbers"),
    (Remembers, "determinism", "a memory beside its states"),
    (Detached, "gradient", "is something detached?"),
    (MixesReplicas, "stacking", "alone and in a stack"),
    (Growing, "endurance", "below 1e+06 over 1000 time steps"),
    (GlobalStart, "start", "depend on the seed alone"),
    (KeepBiasTwice, "start", "keep_bias must be added once"),
]
# What also fails where one thing is wrong, by its nature.
WITH = {
    Noisy: {"stepping", "causality", "batch", "gradient", "use", "stacking"},
    Remembers: {"stepping", "causality", "batch", "gradient", "use", "stacking"},
    InPlace: {"shapes", "gradient", "stacking"},
}


def subject(kind, size=32, **arguments):
    return Subject(kind, arguments, size)


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU, MinimalGatedUnit, Peephole, IndRNN, OwnStep])
def test_cells_that_are_right_pass(kind):
    outcomes = list(run_checks(subject(kind)))
    assert [outcome.check for outcome in outcomes] == list(CHECKS)
    failed = {outcome.check: outcome.text for outcome in outcomes if outcome.result == FAILED}
    assert failed == {}
    skipped = {o.check: o.text for o in outcomes if o.result == NOT_APPLICABLE}
    if kind is OwnStep:
        assert "step" in skipped.pop("compiled")
    assert skipped == {}


@pytest.mark.parametrize(
    ("kind", "check", "words"), BROKEN, ids=[kind.__name__ for kind, *_ in BROKEN]
)
def test_a_broken_cell_fails_the_check_that_is_about_it(kind, check, words):
    outcomes = {name: run_check(name, subject(kind)) for name in CHECKS if name not in LONG}
    assert outcomes[check].result == FAILED
    assert words in outcomes[check].text
    failed = {name for name, outcome in outcomes.items() if outcome.result == FAILED}
    if check not in ("declaration", "shapes"):
        assert failed - {check} <= WITH.get(kind, set())


def test_a_kernel_that_gives_other_numbers_fails(monkeypatch):
    import rnnbench.check.problem as problem_module

    real = problem_module.get_engine

    def scaled(name):
        def run(*arguments, **options):
            outputs, finals = real("reference")(*arguments, **options)
            return outputs * (1 + 1e-9), finals

        return run if name == "compiled" else real(name)

    monkeypatch.setattr(problem_module, "get_engine", scaled)
    outcome = run_check("compiled", subject(GRU))
    assert outcome.result == FAILED
    assert "must agree with the reference engine to 1e-12" in outcome.text


def test_a_cell_that_learns_nothing_fails():
    outcome = run_check("learning", subject(Deaf))
    assert outcome.result == FAILED
    assert "recall over 3 time steps must reach 0.44, got accuracy 0." in outcome.text


def test_after_a_broken_declaration_the_rest_is_left_alone():
    outcomes = list(run_checks(subject(NoUpdate)))
    assert [outcome.result for outcome in outcomes] == [FAILED] + [NOT_APPLICABLE] * 14
    assert outcomes[-1].text == "until declaration passes"


@pytest.mark.parametrize("size", [1, 5, 33])
def test_any_size_can_be_checked(size):
    for name in set(CHECKS) - {*LONG, "stacking"}:
        outcome = run_check(name, subject(LSTM, size, keep_bias=1.0))
        assert outcome.result == PASSED, outcome


def check(*words, cwd):
    command = [sys.executable, "-m", "rnnbench.check", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_the_command_finds_a_cell_in_the_current_directory(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import torch\nfrom rnnbench import Cell\n\n\nclass Mine(Cell):\n"
        "    gates = {'a': 'xh'}\n\n    def update(self, a, h):\n        return torch.tanh(a)\n\n\n"
        "class Half(Mine):\n    def update(self, a, h):\n        return a.detach()\n"
    )
    good = check("mine.Mine", "--json", "found.json", cwd=tmp_path)
    assert (good.returncode, good.stderr) == (0, "")
    assert [line.split()[0] for line in good.stdout.splitlines()] == list(CHECKS)
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["cell"] == "mine.Mine"
    assert {entry["result"] for entry in found["checks"]} == {PASSED}
    bad = check("mine.Half", cwd=tmp_path)
    assert (bad.returncode, bad.stderr) == (1, "")
    assert "gradient     fail            outputs must have a gradient" in bad.stdout


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nothing.Cell"], "must name a class that can be imported, got nothing.Cell"),
        (["Cell"], "must name a class that can be imported, got Cell"),
        (["tasks.adding.Adding"], "must be a Cell, got tasks.adding.Adding"),
        (["rnnbench.cells.GRU", "--set", "init=none"], "init must be one of torch"),
        (["rnnbench.cells.GRU", "--set", "size=3"], "unexpected keyword argument 'size'"),
        (["rnnbench.cells.GRU", "--set", "size"], "must be KEY=VALUE, got size"),
        (["rnnbench.cells.GRU", "--hidden-size", "0"], "a whole number of at least 1, got 0"),
    ],
)
def test_a_mistake_is_one_line_and_code_2(words, complaint, capsys):
    from rnnbench.check.__main__ import main

    with pytest.raises(SystemExit) as leaving:
        main(words)
    assert leaving.value.code == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1
