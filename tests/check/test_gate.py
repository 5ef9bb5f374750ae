"""The gate lets a right engine through and refuses each kind of wrong one, in one line."""

import json

import pytest
import torch

from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.check import verdicts
from rnnbench.check.gate import Trial, is_gated, reason_against
from rnnbench.check.verdicts import identity_of, proof_lacks, proof_of, recall, remember, verdict_on
from rnnbench.engine import ENGINES
from rnnbench.engine.reference import run_reference
from tests.check.bad_engines import CHANGES, changed

SHAPE = {"replicas": 3, "batch": 3, "hidden": 16, "features": 2, "device": "cpu"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Verdicts are not the user's, and no bad engine stays known."""
    monkeypatch.setenv("RNNBENCH_CACHE", str(tmp_path))
    for name, change in CHANGES.items():
        monkeypatch.setitem(ENGINES, name, changed(change))
    return tmp_path / "verdicts"


def trial(engine, cell=None, **others):
    return Trial(engine, cell or GRU(), **{**SHAPE, **others})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cell", [RNN(), GRU(), LSTM()], ids=["rnn", "gru", "lstm"])
@pytest.mark.parametrize("engine", ["good", "torch"])
def test_a_right_engine_may_be_used(engine, cell, dtype):
    assert reason_against(trial(engine, cell, dtype=dtype)) is None


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        ("gradient", "is wrong: gradient of weight_ih_l0 is "),
        ("outputs", "is wrong: outputs is "),
        ("evaluation", "is wrong: outputs of an evaluation is 1e-03 off, and may be 1e-05"),
        ("nan", "is wrong: outputs is inf off, and may be 1e-05"),
        ("unwritten", "is wrong: outputs is inf off, and may be 1e-05"),
        ("fails", "fails: RuntimeError: CUDA error: an illegal memory access was encountered"),
        ("unsteady", "gives other numbers each time: outputs"),
        ("by stack", "gives a replica other numbers alone than in a stack: outputs"),
    ],
)
def test_a_wrong_engine_is_refused_in_one_line(engine, reason):
    torch.manual_seed(1)
    found = reason_against(trial(engine))
    assert found.startswith(reason)
    assert found.isprintable()


def test_tf32_may_be_further_off():
    assert reason_against(trial("gradient", precision="tf32")) is None
    assert "may be 5e-03" in reason_against(trial("outputs", precision="tf32"))


@pytest.mark.parametrize("last", [1, None])
def test_an_engine_that_is_wrong_for_some_outputs_is_found_out(last, monkeypatch):
    """One that is right for all of them, or for the last alone."""

    def run(cell, parameters, inputs, states, asked):
        outputs, finals = run_reference(cell, parameters, inputs, states, asked)
        return outputs * (1.001 if asked == last else 1), finals

    monkeypatch.setitem(ENGINES, "good", run)
    assert "is wrong: outputs" in reason_against(trial("good"))


@pytest.mark.parametrize("row", [0, 2])
def test_a_replica_is_compared_at_both_ends_of_the_stack(row, monkeypatch):
    def run(cell, parameters, inputs, states, last):
        outputs, finals = run_reference(cell, parameters, inputs, states, last)
        if len(outputs) == 3:
            outputs = outputs * torch.eye(3)[row].mul(1e-7).add(1)[:, None, None, None]
        return outputs, finals

    monkeypatch.setitem(ENGINES, "good", run)
    assert "alone than in a stack" in reason_against(trial("good"))


def test_deterministic_mode_is_as_it_was():
    reason_against(trial("fails"))
    assert not torch.are_deterministic_algorithms_enabled()


def counted(monkeypatch):
    tried = []

    def count(given):
        tried.append(given.engine)
        return reason_against(given)

    monkeypatch.setattr(verdicts, "reason_against", count)
    return tried


def test_a_remembered_verdict_is_not_tried_again(monkeypatch, cache):
    tried = counted(monkeypatch)
    for _ in range(2):
        assert verdict_on(trial("good")) is None
        assert verdict_on(trial("nan")).startswith("is wrong")
    assert tried == ["good", "nan"]
    assert len(list(cache.iterdir())) == 2


def test_the_same_cell_with_another_start_is_not_tried_again(monkeypatch):
    tried = counted(monkeypatch)
    for bias in (0.0, 1.0):
        verdict_on(trial("good", LSTM(keep_bias=bias)))
    assert tried == ["good"]


@pytest.mark.parametrize(
    "change",
    [
        *({"replicas": 2}, {"batch": 4}, {"hidden": 17}, {"features": 3}),
        *({"dtype": "float64"}, {"precision": "tf32"}, {"engine": "torch"}),
        *({"cell": GRU()}, {"cell": RNN(nonlinearity="relu")}),
    ],
    ids=[*"replicas batch hidden features dtype precision engine cell argument".split()],
)
def test_what_differs_is_tried_by_itself(change):
    given = trial("good", RNN())
    assert identity_of(given) == identity_of(trial("good", RNN()))
    assert identity_of(given) != identity_of(given._replace(**change))


def own_engine(place, factor):
    """Write an engine of one's own, and return it as Python imports it."""
    text = (
        "from rnnbench.engine.reference import run_reference\n"
        "def run(cell, parameters, inputs, states, last):\n"
        "    outputs, finals = run_reference(cell, parameters, inputs, states, last)\n"
        f"    return outputs * {factor}, finals\n"
    )
    path = place / "own_engine.py"
    path.write_text(text)
    scope = {}
    exec(compile(text, str(path), "exec"), scope)
    return scope["run"]


def test_an_engine_whose_source_changes_is_tried_again(monkeypatch, tmp_path):
    tried = counted(monkeypatch)
    for factor, right in ((2, False), (2, False), (1, True), (1, True), (2, False)):
        monkeypatch.setitem(ENGINES, "good", own_engine(tmp_path, factor))
        assert (verdict_on(trial("good")) is None) == right
    assert tried == ["good", "good"]


@pytest.mark.parametrize("name", ["torch", "triton", "gpu", "driver"])
def test_another_machine_is_tried_again(name, monkeypatch):
    before = identity_of(trial("good")), proof_of("good", "cpu")
    if name == "torch":
        monkeypatch.setattr(torch, "__version__", "2.99")
    elif name == "triton":
        monkeypatch.setattr(verdicts, "_triton", lambda: "9.9")
    else:
        other = ("Other GPU", "") if name == "gpu" else (verdicts._processor("cpu")[0], "570.1")
        monkeypatch.setattr(verdicts, "_processor", lambda device: other)
    after = identity_of(trial("good")), proof_of("good", "cpu")
    assert before[0] != after[0]
    assert before[1] != after[1]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"reason": 3}', '{"reason": "\\u001b[2J"}', "{}", "\x00"]
)
def test_a_damaged_verdict_is_as_if_there_were_none(content, monkeypatch, cache, capsys):
    tried = counted(monkeypatch)
    verdict_on(trial("good"))
    (path,) = cache.iterdir()
    path.write_text(content)
    assert recall(path.stem) is None
    assert verdict_on(trial("good")) is None
    assert tried == ["good", "good"]
    assert json.loads(path.read_text()) == {"reason": None}
    assert capsys.readouterr().err == ""


def test_without_a_directory_an_engine_is_tried_each_time(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("RNNBENCH_CACHE", str(tmp_path / "file"))
    tried = counted(monkeypatch)
    assert [verdict_on(trial("good")) for _ in range(2)] == [None, None]
    assert tried == ["good", "good"]


def test_a_full_device_is_no_fault_of_the_engine(monkeypatch, cache):
    assert verdict_on(trial("too large")) == "cannot be tried: the device is out of memory"
    assert not cache.exists() or not list(cache.iterdir())


def test_what_must_prove_itself():
    assert is_gated("triton", "cuda")
    assert not any(is_gated(name, "cuda") for name in ("reference", "torch"))
    assert not any(is_gated(name, "cpu") for name in ("reference", "torch", "compiled", "triton"))


def test_an_engine_is_proven_by_the_whole_verification_alone(monkeypatch):
    monkeypatch.setattr(verdicts, "is_gated", lambda engine, device: True)
    assert "is not proven on this GPU: `python -m rnnbench.bench" in proof_lacks("good", "cpu")
    verdict_on(trial("good"))
    assert proof_lacks("good", "cpu") is not None
    remember(proof_of("good", "cpu"), "is wrong: ...")
    assert proof_lacks("good", "cpu") == "is wrong: ..."
    remember(proof_of("good", "cpu"), None)
    assert proof_lacks("good", "cpu") is None
    assert proof_lacks("torch", "cpu") is not None
