"""Verify the engines on this machine's GPU: right first, then fast. It takes under nine minutes.

Each part has a time limit, and a process that fails, hangs or dies costs its own part alone. What
is found is printed as it comes, a line of JSON for each part. The verdict is stored where `engine:
auto` looks before it takes the GPU's own engine.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import rnnbench.cells
from rnnbench.bench.problem import CELLS
from rnnbench.bench.table import draw_speeds, speed_lines
from rnnbench.check.verdicts import proof_of, remember
from rnnbench.console import ExitCode, message_of, say
from rnnbench.engine import check_engine, get_engine
from rnnbench.training.machine import visible_gpus

FAST = {"cuda": "triton", "cpu": "compiled"}  # the engine to be proven
MINUTES = 8.5
LEAST_SECONDS = 5.0  # of a part that is begun
FEATURES = 2  # as the adding task has
SPEEDS = ("speed", "stock")
Line = dict[str, Any]


class Sizes(NamedTuple):
    """Give what a device is verified at.

    Attributes:
        cells: that are tried, by their classes.
        gates: replicas, batch and hidden units of the trials of rnn, gru and lstm; the first is
            that of all cells.
        small: H, B, T, R of the trainings that are compared, and `steps` their length.
        large: H, B, T of what is timed.
        replicas: side by side, of what is timed; they are compared in stacks, too.
        processes: of torch.nn, at once.
        product: rows and columns of the product that tells the peak.
    """

    cells: Sequence[str]
    gates: Sequence[tuple[int, int, int]]
    small: tuple[int, int, int, int]
    steps: int
    long_steps: int
    large: tuple[int, int, int]
    replicas: Sequence[int]
    processes: int
    product: int


SIZES = {
    "cuda": Sizes(
        cells=rnnbench.cells.__all__,
        gates=[*((n, 32, 128) for n in (5, 1, 25, 60, 132)), (3, 35, 33)],
        small=(64, 16, 20, 4),
        steps=40,
        long_steps=10_000,
        large=(128, 32, 200),
        replicas=(1, 5, 25, 132, 264),
        processes=4,
        product=8192,
    ),
    "cpu": Sizes(
        cells=("RNN", "LSTM"),  # to try the script itself
        gates=[(2, 3, 16), (3, 5, 33)],
        small=(16, 4, 6, 3),
        steps=20,
        long_steps=200,
        large=(16, 4, 8),
        replicas=(1, 3),
        processes=2,
        product=256,
    ),
}


class Part(NamedTuple):
    """Name a function of `rnnbench.bench.parts`, its arguments, and how long it may take."""

    name: str
    arguments: Mapping[str, Any]
    seconds: float


def plan(device: str) -> Iterator[Part]:
    """Yield all parts, the most telling first."""
    sizes = SIZES[device]
    yield Part("machine", {"size": sizes.product}, 60)
    trained = [name for name, kind in CELLS.items() if kind.__name__ in sizes.cells]
    engines = ["reference", *([] if lacking(device) else [FAST[device]])]
    for engine in engines[1:]:
        yield from _gates(engine, device, sizes)
    for engine in engines:
        short = {"engine": engine, "steps": sizes.steps}
        for name, cell in product(("graph", "stack"), trained):
            yield Part(name, {**short, "cell": cell, "shape": sizes.small}, 60)
        for replicas in sizes.replicas[1:-1]:
            hidden, batch, _ = sizes.large
            shape = (hidden, batch, sizes.small[2], replicas)
            yield Part("stack", {**short, "cell": "lstm", "shape": shape}, 60)
        long = {"engine": engine, "steps": sizes.long_steps}
        yield Part("growth", {**long, "cell": "lstm", "shape": sizes.small}, 90)
    for cell in trained:
        for processes in (1, sizes.processes):
            shape = (*sizes.large, 1)
            yield Part("stock", {"cell": cell, "shape": shape, "processes": processes}, 60)
        for replicas in sizes.replicas:
            for engine in engines:
                shape = (*sizes.large, replicas)
                yield Part("speed", {"engine": engine, "cell": cell, "shape": shape}, 60)


def lacking(device: str) -> str | None:
    """Return why the device's own engine cannot run here; None if it can."""
    engine = FAST[device]
    try:
        get_engine(engine)
        check_engine(engine, rnnbench.cells.LSTM(), device)
    except ValueError as error:
        return message_of(error)
    return None


def _gates(engine: str, device: str, sizes: Sizes) -> Iterator[Part]:
    """Yield a trial for each shipped cell that the engine runs, and more for the first three."""
    for name in sizes.cells:
        kind = getattr(rnnbench.cells, name)
        with suppress(ValueError, TypeError):  # it is not for this engine, or no cell by itself
            check_engine(engine, kind(), device)
            for shape in sizes.gates if kind in CELLS.values() else sizes.gates[:1]:
                named = dict(zip(("replicas", "batch", "hidden"), shape, strict=True))
                own = {"engine": engine, "cell": name, **named, "features": FEATURES}
                yield Part("gate", own, 60)


class Server:
    """Run parts in a process of their own; a new one takes its place after a failure."""

    def __init__(self, device: str) -> None:
        self.command = [sys.executable, "-m", "rnnbench.bench.parts", device]
        self.environment = dict(os.environ)
        if gpus := visible_gpus():
            self.environment["CUDA_VISIBLE_DEVICES"] = gpus[0]
        self.process: subprocess.Popen[str] | None = None

    def ask(self, part: Part, seconds: float) -> Line:
        """Return a part's answer, or in one line why there is none."""
        if self.process is None or self.process.poll() is not None:
            pipes: Any = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
            pipes |= {"text": True, "start_new_session": True, "env": self.environment}
            self.process = subprocess.Popen(self.command, **pipes)
        process, answers = self.process, cast(IO[str], self.process.stdout)
        with suppress(BrokenPipeError):  # it died; there will be no answer
            print(json.dumps([part.name, part.arguments]), file=process.stdin, flush=True)
        if not select.select([answers], [], [], seconds)[0]:
            self.close()
            return {"ok": False, "reason": f"does not end in {seconds:.0f} s"}
        answer = answers.readline()
        if answer:
            found: Line = json.loads(answer)
            if found.get("ok") is False:  # CUDA may be beyond help: a new process goes on
                self.close()
            return found
        self.close()
        code = process.returncode
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return {"ok": False, "reason": f"ends its process: {how}"}

    def close(self) -> None:
        """End the process and all that it has started."""
        if self.process is not None:
            if self.process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(0.5)  # one that has died on its own tells how
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                with suppress(BrokenPipeError):
                    pipe.close()  # type: ignore[union-attr]
            self.process = None


def run_parts(parts: Sequence[Part], device: str, minutes: float) -> Iterator[Line]:
    """Run parts one after the other, and yield what each has found; none goes on for longer."""
    server, end = Server(device), time.monotonic() + 60 * minutes
    try:
        for part in parts:
            left = min(part.seconds, end - time.monotonic())
            late = {"ok": None, "reason": "there was no time left"}
            found = server.ask(part, left) if left > LEAST_SECONDS else late
            yield {"part": part.name, **part.arguments, **found}
    finally:
        server.close()


def verify(device: str, json_file: Path | None, plot: Path | None) -> int:
    """Run all parts, print lines and tables, and store the verdict on the device's own engine."""
    lines = []
    for line in run_parts([*plan(device)], device, MINUTES):
        print(json.dumps(line), flush=True)
        lines.append(line)
    print(*speed_lines(lines), sep="\n")
    if json_file is not None:
        json_file.write_text(json.dumps(lines, indent=1))
    if plot is not None:
        _draw(lines, plot)
    failed = [line for line in lines if line.get("ok") is False]
    for line in failed:
        print(f"failed: {_describe(line)}")
    reason = lacking(device)
    print(f"not verified: {reason}" if reason else _judge(FAST[device], device, lines))
    return ExitCode.NOT_ALL if failed else ExitCode.DONE


def _draw(lines: Sequence[Line], plot: Path) -> None:
    try:
        draw_speeds(lines, plot)
    except ImportError as error:  # the suite's own needs only torch, where it verifies
        say(f"no figure: {message_of(error)}", "rnnbench.bench")


def _judge(engine: str, device: str, lines: Sequence[Line]) -> str:
    """Store the verdict on an engine, and return it in one line; none if a part is missing."""
    own = [line for line in lines if line.get("engine") == engine and line["part"] not in SPEEDS]
    bad = [line for line in own if line["ok"] is False and not _is_shared(line, lines)]
    if bad:
        reason = f"failed its verification: {_describe(bad[0])}"
        remember(proof_of(engine, device), reason)
        return f"engine {engine} {reason}; engine: auto leaves it out here"
    if any(line["ok"] is None for line in own):
        return f"engine {engine} is not proven: there was no time for all parts"
    remember(proof_of(engine, device), None)
    return f"engine {engine} is proven here: engine: auto may take it"


def _is_shared(line: Line, lines: Sequence[Line]) -> bool:
    """Return whether the reference engine fails the same part: the engine is not to blame."""
    reference = {**line, "engine": "reference", "ok": False}
    names = ("part", "engine", "cell", "shape", "ok")
    return any(all(it.get(n) == reference.get(n) for n in names) for it in lines)


def _describe(line: Line) -> str:
    shape = line.get("shape") or [line[k] for k in ("hidden", "batch", "replicas") if k in line]
    sizes = ",".join(map(str, shape))
    words = [line["part"], line.get("cell", ""), sizes and f"at {sizes}", line.get("engine", "")]
    return f"{' '.join(filter(None, words))}: {line['reason']}"
