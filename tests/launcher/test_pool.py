"""Worker processes under kills and signals: what is lost, what is not, and who goes when."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rnnbench.launcher.backends import Assignment, Work, pool
from rnnbench.launcher.interrupt import Interrupt
from tests.waiting import until

Progress = Callable[[Any], None]


def square(job: int, progress: Progress, stop: threading.Event) -> int:
    progress(job)
    return job * job


def report_process(job: float, progress: Progress, stop: threading.Event) -> int:
    time.sleep(job)
    return os.getpid()


def obey(job: Any, progress: Progress, stop: threading.Event) -> Any:
    """Do as the job says."""
    if job == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "leave":
        os._exit(3)
    if job == "interrupt":
        raise KeyboardInterrupt
    if job == "exit":
        sys.exit(3)
    if job == "sleep":
        time.sleep(60)
    if job == "raise":
        raise ValueError("broken\nin two lines")
    if job == "unpicklable":
        return threading.Lock()
    return job


def wait_for_stop(job: Path, progress: Progress, stop: threading.Event) -> str:
    progress(os.getpid())
    while not stop.is_set():
        time.sleep(0.01)
    (job / f"checkpoint-{os.getpid()}").touch()
    return "stopped"


def never_stop(job: Any, progress: Progress, stop: threading.Event) -> None:
    progress(os.getpid())
    time.sleep(60)


def die_when_stopped(job: Any, progress: Progress, stop: threading.Event) -> None:
    progress(os.getpid())
    while not stop.is_set():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)


def show_environment(job: Any, progress: Progress, stop: threading.Event) -> Any:
    return (os.environ["OMP_NUM_THREADS"], os.environ.get("PREPARED"), "torch" in sys.modules)


def show_gpu(job: Any, progress: Progress, stop: threading.Event) -> tuple[str | None, int]:
    if job == "die":
        os._exit(3)
    time.sleep(0.2)
    return os.environ.get("CUDA_VISIBLE_DEVICES"), os.getpid()


def prepare() -> None:
    os.environ["PREPARED"] = os.environ.get("PREPARED", "") + "once"


def refuse() -> None:
    raise OSError("no such device")


class Log:
    """What the pool told, as `kind -> {index: value}`, and an action to take on each event."""

    def __init__(self, act: Callable[[int, str, Any], None] = lambda *event: None) -> None:
        self.told: dict[str, dict[int, Any]] = {
            kind: {} for kind in ("started", "progress", "done", "error", "died")
        }
        self.act = act

    def __call__(self, index: int, kind: str, value: Any) -> None:
        self.told[kind][index] = value
        self.act(index, kind, value)


def run(
    jobs: list[Any],
    work: Work,
    log: Log | None = None,
    interrupt: Interrupt | None = None,
    workers: int = 2,
    seconds: float | None = None,
    **options: Any,
) -> Log:
    log = log or Log()
    with interrupt or Interrupt() as noted:
        pool.run(Assignment(work, jobs, log, noted, workers, seconds), **options)
    return log


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def children() -> list[int]:
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(process) for process in listed if "spawn_main" in command_line(int(process))]


def command_line(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


def see_them_gone(processes: list[int]) -> None:
    until(lambda: not any(map(alive, processes)), seconds=30)


@pytest.fixture(autouse=True)
def no_worker_stays() -> Iterator[None]:
    yield
    see_them_gone(children())


def test_every_job_is_run_once_and_its_progress_arrives() -> None:
    log = run(list(range(20)), square, workers=2)
    assert log.told["done"] == {i: i * i for i in range(20)}
    assert log.told["progress"] == {i: i for i in range(20)}
    assert log.told["error"] == log.told["died"] == {}


def test_jobs_are_spread_over_as_many_processes_as_asked_for() -> None:
    log = run([0.3, 0.3, 0.3, 0.3], report_process, workers=2)
    assert len(set(log.told["done"].values())) == 2
    assert os.getpid() not in log.told["done"].values()


def test_jobs_are_handed_out_in_their_order() -> None:
    assert list(run(list(range(9)), square, workers=1).told["started"]) == list(range(9))


def test_no_jobs_start_no_workers() -> None:
    assert run([], square).told["done"] == {}


def test_a_worker_that_dies_costs_its_own_job_alone() -> None:
    log = run(["a", "die", "b", "leave", "c", "d"], obey)
    assert log.told["done"] == {0: "a", 2: "b", 4: "c", 5: "d"}
    assert log.told["died"] == {
        1: "the worker process was killed by SIGKILL, perhaps out of memory",
        3: "the worker process ended with exit code 3",
    }


def test_a_job_that_raises_is_described_in_one_line_and_its_worker_goes_on() -> None:
    log = run(["raise", "unpicklable", "a"], obey, workers=1)
    assert log.told["error"][0].startswith("ValueError: broken in two lines (test_pool.py:")
    assert "pickle" in log.told["error"][1]
    assert log.told["done"] == {2: "a"}


@pytest.mark.parametrize(
    ("job", "name"), [("interrupt", "KeyboardInterrupt"), ("exit", "SystemExit")]
)
def test_a_job_cannot_end_its_worker_by_what_it_raises(
    job: str, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    log = run([job, "a"], obey, workers=1)
    assert log.told["error"][0].startswith(name)
    assert log.told["done"] == {1: "a"}
    assert capfd.readouterr().err == ""


def test_workers_are_prepared_once_and_have_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    log = run([0, 1, 2], show_environment, workers=1, initialize=prepare)
    assert set(log.told["done"].values()) == {("1", "once", False)}


def test_a_worker_that_cannot_be_prepared_fails_its_jobs() -> None:
    log = run([0, 1], square, initialize=refuse)
    assert all(text.startswith("OSError: no such device") for text in log.told["error"].values())
    assert len(log.told["error"]) == 2


def test_killed_idle_workers_lose_nothing() -> None:
    """Kill the worker the moment its job is done: the next job may be handed over already."""

    def kill(index: int, kind: str, value: Any) -> None:
        if kind == "done":
            os.kill(value, signal.SIGKILL)

    log = run([0.0] * 8, report_process, Log(kill), workers=1)
    assert len(log.told["done"]) == 8
    assert log.told["died"] == {}


def test_of_30_jobs_6_killed_at_random_cost_6() -> None:
    chosen = random.Random(0).sample(range(30), 6)
    log = run(["die" if i in chosen else i for i in range(30)], obey, workers=2)
    assert sorted(log.told["died"]) == sorted(chosen)
    assert log.told["done"] == {i: i for i in range(30) if i not in chosen}


def test_workers_killed_from_outside_lose_what_they_had_begun_alone() -> None:
    """Kill every worker that can be found, whatever it does, three times while jobs run."""
    killed = []

    def kill(index: int, kind: str, value: Any) -> None:
        if kind == "done" and index in (4, 9, 14):
            for process in children():
                os.kill(process, signal.SIGKILL)
                killed.append(process)

    log = run([0.02] * 30, report_process, Log(kill), workers=2)
    assert len(killed) >= 3
    assert len(log.told["done"]) + len(log.told["died"]) == 30
    assert len(log.told["died"]) <= 3
    assert set(log.told["died"]) <= set(log.told["started"])


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_a_signal_lets_jobs_checkpoint_and_hands_out_no_more(
    tmp_path: Path, number: int, code: int
) -> None:
    def interrupt_self(index: int, kind: str, value: Any) -> None:
        if kind == "progress" and len(log.told["progress"]) == 2:
            signal.raise_signal(number)

    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    log = Log(interrupt_self)
    interrupt = Interrupt()
    run([tmp_path] * 5, wait_for_stop, log, interrupt)
    assert interrupt.exit_code == code
    assert set(log.told["started"]) == {0, 1}
    assert log.told["done"] == {0: "stopped", 1: "stopped"}
    assert len(list(tmp_path.glob("checkpoint-*"))) == 2
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_signal_to_the_whole_group_is_the_parents_to_answer(tmp_path: Path) -> None:
    """Ctrl-C in a terminal reaches the workers too, also those that are just starting."""
    script = f"""
        import os, signal, sys, threading, time
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import test_pool
        from rnnbench.launcher.interrupt import Interrupt
        if __name__ == "__main__":
            delay = float(sys.argv[1])
            threading.Timer(delay, os.killpg, (os.getpgid(0), signal.SIGINT)).start()
            interrupt = Interrupt()
            jobs = [Path({str(tmp_path)!r})] * 4
            test_pool.run(jobs, test_pool.wait_for_stop, print, interrupt)
            sys.exit(interrupt.exit_code)
    """
    for delay in (0.05, 0.15, 1.5):
        run_script = run_python(tmp_path, script, str(delay), start_new_session=True)
        output, errors = run_script.communicate(timeout=120)
        assert run_script.returncode == 130, errors
        assert "died" not in output
        assert errors == ""


def test_a_job_that_does_not_stop_is_killed_after_the_grace_time() -> None:
    log = Log(lambda index, kind, value: kind == "progress" and os.kill(os.getpid(), 15) or None)
    start = time.monotonic()
    run([0, 1], never_stop, log, workers=1, grace=0.5)
    assert time.monotonic() - start < 10
    assert list(log.told["started"]) == [0]
    assert log.told["died"] == {}
    see_them_gone(list(log.told["progress"].values()))


def test_a_worker_that_dies_while_it_leaves_has_failed_nothing() -> None:
    """The parent asked it to go: its job is not done, and runs again another time."""
    log = Log(lambda index, kind, value: kind == "progress" and os.kill(os.getpid(), 15) or None)
    run([0], die_when_stopped, log)
    assert log.told["died"] == log.told["done"] == {}


def test_a_second_ctrl_c_does_not_wait_for_the_grace_time() -> None:
    def interrupt_twice(index: int, kind: str, value: Any) -> None:
        if kind == "progress":
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)  # the same one, passed on
            assert not interrupt.insists
            threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT)).start()

    start = time.monotonic()
    interrupt = Interrupt()
    run([0], never_stop, Log(interrupt_twice), interrupt, grace=40.0)
    assert 0.7 < time.monotonic() - start < 10


def test_a_third_ctrl_c_raises() -> None:
    with Interrupt() as interrupt:
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.6)
        signal.raise_signal(signal.SIGINT)
        assert interrupt.insists
        time.sleep(0.6)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_sigterm_to_one_worker_costs_no_waiting_job() -> None:
    """A worker that was asked to leave from outside leaves, and others take the jobs."""

    def terminate(index: int, kind: str, value: Any) -> None:
        if kind == "done" and index < 3:
            os.kill(value, signal.SIGTERM)

    log = run([0.0] * 6, report_process, Log(terminate), workers=1)
    assert len(log.told["done"]) == 6
    assert len(set(log.told["done"].values())) == 4


def test_workers_are_gone_soon_after_their_parent_is_killed(tmp_path: Path) -> None:
    script = f"""
        import sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import test_pool
        if __name__ == "__main__":
            tell = lambda index, kind, value: print(value, flush=True)
            jobs = [Path({str(tmp_path)!r})] * 2
            test_pool.run(jobs, test_pool.wait_for_stop, tell)
    """
    parent = run_python(tmp_path, script)
    assert parent.stdout is not None
    lines = (line.strip() for line in parent.stdout)
    workers = [int(next(line for line in lines if line.isdigit())) for _ in range(2)]
    parent.kill()
    see_them_gone(workers)
    assert len(list(tmp_path.glob("checkpoint-*"))) == 2
    _, errors = parent.communicate(timeout=120)
    assert errors == ""


def run_python(
    directory: Path, script: str, *arguments: str, **options: Any
) -> subprocess.Popen[str]:
    path = directory / "script.py"
    path.write_text(textwrap.dedent(script))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, str(path), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )


def test_the_pool_itself_loads_no_torch() -> None:
    code = "import sys, rnnbench.launcher.backends.pool; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_job_that_takes_too_long_is_ended_and_the_others_are_done() -> None:
    log = run(["a", "sleep", "b"], obey, workers=1, seconds=1.0)
    assert log.told["done"] == {0: "a", 2: "b"}
    assert log.told["died"] == {1: "it took longer than condition_seconds=1"}


@pytest.mark.parametrize("gpus", [("4", "7"), ()])
def test_workers_are_spread_over_the_gpus(
    gpus: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sees one of them; that of a worker that dies goes to the next."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "all")
    log, jobs = Log(), [1, 2, "die", 3, 4, 5, 6]
    with Interrupt() as noted:
        pool.run(Assignment(show_gpu, jobs, log, noted, workers=2, gpus=gpus))
    seen = dict((process, gpu) for gpu, process in log.told["done"].values())
    assert set(seen.values()) == set(gpus or ("all",))
    assert len(log.told["done"]) == 6
    assert len(seen) == 3
