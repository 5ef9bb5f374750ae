"""Jobs for worker processes, and what a pool tells of them; workers import this file."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from rnnbench.launcher.backends import Assignment, pool
from rnnbench.launcher.interrupt import Interrupt
from tests.waiting import until


def square(job, progress, stop):
    progress(job)
    return job * job


def report_process(job, progress, stop):
    time.sleep(job)
    return os.getpid()


def obey(job, progress, stop):
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


def wait_for_stop(job, progress, stop):
    progress(os.getpid())
    while not stop.is_set():
        time.sleep(0.01)
    (job / f"checkpoint-{os.getpid()}").touch()
    return "stopped"


def never_stop(job, progress, stop):
    progress(os.getpid())
    time.sleep(60)


def die_when_stopped(job, progress, stop):
    progress(os.getpid())
    while not stop.is_set():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)


def show_environment(job, progress, stop):
    return (os.environ["OMP_NUM_THREADS"], os.environ.get("PREPARED"), "torch" in sys.modules)


def show_gpu(job, progress, stop):
    if job == "die":
        os._exit(3)
    time.sleep(0.2)
    return os.environ.get("CUDA_VISIBLE_DEVICES"), os.getpid()


def prepare():
    os.environ["PREPARED"] = os.environ.get("PREPARED", "") + "once"


def refuse():
    raise OSError("no such device")


class Log:
    """What the pool told, as `kind -> {index: value}`, and an action to take on each event."""

    def __init__(self, act=lambda *event: None):
        self.told = {kind: {} for kind in ("started", "progress", "done", "error", "died")}
        self.act = act

    def __call__(self, index, kind, value):
        self.told[kind][index] = value
        self.act(index, kind, value)


def run(jobs, work, log=None, interrupt=None, workers=2, seconds=None, **options):
    log = log or Log()
    with interrupt or Interrupt() as noted:
        pool.run(Assignment(work, jobs, log, noted, workers, seconds), **options)
    return log


def alive(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def children():
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(process) for process in listed if "spawn_main" in command_line(int(process))]


def command_line(process):
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


def see_them_gone(processes):
    until(lambda: not any(map(alive, processes)), seconds=30)
