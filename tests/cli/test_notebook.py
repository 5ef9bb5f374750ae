"""Training from Python: what it gives, what it raises, and what it leaves alone."""

import asyncio
import os
import signal
import sys
import threading

import matplotlib as mpl
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.version import VersionBase

import rnnbench
from rnnbench.cells import LSTM

TINY = {
    "trainer": {"steps": 2, "eval_every": 1, "eval_size": 8, "batch_size": 4},
    "model": {"hidden_size": 4},
    "engine": "reference",
}


def run(**given):
    return rnnbench.run(**{"task": "recall", "cell": "gru", "gap": 3, "seeds": 1, **TINY, **given})


@pytest.fixture(autouse=True)
def no_report(request, monkeypatch):
    """Leave out what takes the longest, but where it may touch the caller's process."""
    if "well" not in request.node.name:
        monkeypatch.setattr("rnnbench.launcher.closing.draw", lambda *_: None)


class Fragile(rnnbench.Cell):
    """A cell that ends as it is told."""

    gates = {"a": "xh"}
    ending = None

    def update(self, a, h):
        if Fragile.ending is not None:
            Fragile.ending()
        return torch.tanh(a)


@pytest.fixture
def fragile(monkeypatch, in_tmp):
    def end_with(action):
        monkeypatch.setattr(Fragile, "ending", staticmethod(action))

    return end_with


def raise_error():
    raise ZeroDivisionError("a mistake\nof two lines")


def test_an_error_of_an_own_cell_is_raised_once_the_others_are_done(fragile):
    fragile(raise_error)
    with pytest.raises(ZeroDivisionError, match="a mistake"):
        run(cell=[Fragile, "gru"], output_dir="o")
    stored = rnnbench.load_results("o").set_index("cell")["status"]
    assert stored.to_dict() == {"fragile": "failed", "gru": "unsolved"}
    fragile(None)
    assert set(run(cell=[Fragile, "gru"], output_dir="o")["status"]) == {"unsolved"}


def test_ctrl_c_reaches_the_caller_and_the_same_call_continues(fragile):
    handler = signal.getsignal(signal.SIGINT)
    fragile(lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        run(cell=Fragile, output_dir="o", seeds=2)
    assert signal.getsignal(signal.SIGINT) == handler
    fragile(None)
    assert len(run(cell=Fragile, output_dir="o", seeds=2)) == 2


def test_sigterm_reaches_the_caller_s_own_handler(fragile):
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        fragile(lambda: signal.raise_signal(signal.SIGTERM))
        with pytest.raises(KeyboardInterrupt):
            run(cell=Fragile, output_dir="o")
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("given", "kind", "line"),
    [
        ({"gap": 0}, ValueError, "task.gap must be at least 1, got 0"),
        ({"lr": 0.1}, ValueError, "lr is not an option"),
        ({"engine": "fast"}, ValueError, "engine must be 'auto', 'reference'"),
        ({"cell": [Fragile, type("Fragile", (Fragile,), {})]}, ValueError, "two tests.cli.test_n"),
        (
            {"cell": ["rnn", LSTM()]},
            ValueError,
            "an object of LSTM: write cell=LSTM, and its arg",
        ),
        ({"plan": "plan.txt", "dry_run": True}, ValueError, "plan must be the name of a .json"),
    ],
)
def test_a_mistake_is_a_value_error_of_one_line(in_tmp, given, kind, line):
    with pytest.raises(kind, match=line) as told:
        run(**given)
    assert "\n" not in str(told.value)
    assert not list(in_tmp.iterdir())


def test_what_cannot_run_is_a_runtime_error(in_tmp):
    (in_tmp / "elsewhere").mkdir()
    (in_tmp / "o").mkdir()
    (in_tmp / "o" / "diagnosis").symlink_to(in_tmp / "elsewhere")
    with pytest.raises(RuntimeError, match="o/diagnosis"):
        run(output_dir="o")


def test_a_dry_run_prints_the_plan_and_gives_no_rows(in_tmp, capsys):
    frame = run(gap=[3, 4], dry_run=True)
    assert len(frame) == 0
    assert "run_id" in frame
    assert "2 conditions with 2 replicas are to do" in capsys.readouterr().out
    assert not list(in_tmp.iterdir())


@pytest.mark.parametrize("ends", ["well", "with an error", "refused", "before it is planned"])
def test_the_caller_s_process_is_left_as_it_was(fragile, ends):
    def state():
        return (
            [torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()],
            [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
            [dict(os.environ), os.getcwd(), list(sys.path), list(sys.argv)],
            [dict(mpl.rcParams), GlobalHydra.instance().hydra, VersionBase.instance().getbase()],
        )

    given = {"with an error": {"cell": Fragile}, "refused": {"gap": 0}}.get(ends, {})
    if ends == "before it is planned":
        given = {"config_dir": "nowhere"}
    if ends == "with an error":
        fragile(raise_error)
    os.makedirs("conf")
    with open("conf/mine.yaml", "w") as file:
        file.write("a: 1")
    with initialize_config_dir(os.path.abspath("conf"), version_base="1.2"), torch.no_grad():
        torch.set_default_dtype(torch.float64)
        try:
            before = state()
            try:
                run(output_dir="o", **given)
            except (ZeroDivisionError, ValueError):
                assert ends != "well"
            assert state() == before
            assert compose("mine").a == 1
        finally:
            torch.set_default_dtype(torch.float32)


def test_the_numbers_do_not_depend_on_the_caller(in_tmp):
    plain = run(output_dir="plain", engine="auto")
    with torch.inference_mode(), torch.device("meta"), torch.autocast("cpu"):
        torch.set_default_dtype(torch.float64)
        try:
            other = run(output_dir="other", engine=plain["engine"][0])
        finally:
            torch.set_default_dtype(torch.float32)
    same = ["run_id", "loss", "accuracy"]
    assert other["run_id"].tolist() != []
    assert other[same[1:]].equals(plain[same[1:]])


def test_in_a_thread_and_in_a_running_loop(in_tmp):
    found = []
    thread = threading.Thread(target=lambda: found.append(run(output_dir="thread")))
    thread.start()
    thread.join()

    async def cell_of_a_notebook():
        return run(output_dir="loop")

    found.append(asyncio.run(cell_of_a_notebook()))
    assert found[0]["loss"].tolist() == found[1]["loss"].tolist()
