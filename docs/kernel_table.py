"""Write the table of compiled GPU kernels in docs/performance.md: `python docs/kernel_table.py`.

Needs no GPU: Triton compiles for any, and its tools read the machine code. Nothing is timed. A
multiprocessor has four schedulers, each of which issues one instruction of a warp a cycle: the
counted instructions of a time step's loop, of all warps, by four, are the least of cycles that a
time step can take. Waiting (for memory, at barriers) comes on top.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from rnnbench.cell import Cell
from rnnbench.cells import GRU, LSTM, RNN
from rnnbench.engine.triton.kernel import CHUNK, LAUNCH, kernels_of, units_for, warps_for

DOCS = Path(__file__).resolve().parent
TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
CELLS: dict[str, Cell] = {"rnn": RNN(), "gru": GRU(), "lstm": LSTM()}
HIDDEN, ROWS, TARGETS = (64, 128), (32, 16, 8, 4), (80, 90, 100, 120)
KINDS = ("forward", "backward")
CHOICES = [(name, size, rows) for name in CELLS for size in HIDDEN for rows in ROWS]
PAGE, BEGIN, END = (
    DOCS / "performance.md",
    "<!-- python docs/kernel_table.py -->\n",
    "<!-- end -->\n",
)
HEAD = """\
| cell, hidden size | sequences x warps | registers | spilled | shared KiB | sm_80 | sm_90 | sm_100 | sm_120 |
|---|---|---|---|---|---|---|---|---|
"""  # noqa: E501
ALIGNED = [["tt.divisibility", 16]]  # as a launch finds of contiguous tensors


class Cost(NamedTuple):
    """What a kernel takes.

    Attributes:
        registers: of a thread.
        spilled: what a thread reads and writes in a time step of what did not fit into them.
        shared: bytes, of a program.
        cycles: of a time step, at least.
    """

    registers: int
    spilled: int
    shared: int
    cycles: int


def compile_kernel(kernel: Any, rows: int, size: int, capability: int, **changed: Any) -> Any:
    """Compile a kernel for a GPU of a compute capability, as the engine launches it."""
    constants = {"H": size, "UNITS": units_for(size), "ROWS": rows, "CHUNK": CHUNK, "KEEP": True}
    constants |= {"PRECISION": "ieee", "DTYPE": tl.float32, **changed}
    names = list(kernel.arg_names)
    places = {(names.index(name),): each for name, each in constants.items() if name in names}
    signature = {name: "*fp32" if name.endswith("_p") else "i32" for name in names}
    signature |= {names[place]: "constexpr" for (place,) in places}
    aligned = {(names.index(name),): ALIGNED for name in names if name.endswith("_p")}
    source = ASTSource(kernel, signature=signature, constexprs=places, attrs=aligned)
    options = LAUNCH | {"num_warps": warps_for(rows, size)}
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)


def cost_of(compiled: Any, size: int) -> Cost:
    """Read what a compiled kernel of a hidden size takes."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(compiled.asm["cubin"])
        file.flush()
        usage, code = (
            subprocess.run(
                [TOOLS / "cuobjdump", word, file.name], capture_output=True, text=True, check=True
            ).stdout
            for word in ("-res-usage", "-sass")
        )
    registers = int(re.findall(r"\bREG:(\d+)", usage)[0])
    issued, local = (_count(code, kinds, -(-size // CHUNK)) for kinds in ("", ("LDL", "STL")))
    cycles = issued * compiled.metadata.num_warps // 4
    return Cost(registers, local, compiled.metadata.shared, cycles)


def _count(code: str, kinds: str | tuple[str, ...], trips: int) -> int:
    """Return how many instructions of some kinds a warp issues in a time step.

    The longest loop is that over time; a loop inside it is that of a product.
    """
    pattern = r"/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P\w+ )?\s*([A-Z][\w.]*)(.*?);"
    lines = [(int(at, 16), kind, rest) for at, kind, rest in re.findall(pattern, code)]
    loops = []
    for at, kind, rest in lines:
        target = re.search(r"0x([0-9a-f]+)", rest)
        if kind.startswith("BRA") and target and int(target[1], 16) < at:
            loops.append((int(target[1], 16), at))
    outer = max(loops, key=lambda loop: loop[1] - loop[0])
    places = [at for at, kind, _ in lines if kind.startswith(kinds)]
    count = sum(outer[0] <= at <= outer[1] for at in places)
    for first, last in loops:
        if outer[0] <= first and last <= outer[1] and (first, last) != outer:
            count += sum(first <= at <= last for at in places) * (trips - 1)
    return count


def costs(name: str, size: int, rows: int) -> dict[tuple[int, str], Cost]:
    """Return what the kernels of a cell take, by target and kind."""
    own = kernels_of(CELLS[name])
    return {
        (target, kind): cost_of(compile_kernel(getattr(own, kind), rows, size, target), size)
        for target in TARGETS
        for kind in KINDS
    }


def row(name: str, size: int, rows: int, found: dict[tuple[int, str], Cost]) -> str:
    """Write a row of the table: forward / backward, the most of all targets but for cycles."""

    def most(field: str) -> str:
        values = (max(getattr(found[t, kind], field) for t in TARGETS) for kind in KINDS)
        return " / ".join(str(value >> 10 if field == "shared" else value) for value in values)

    cycles = [" / ".join(f"{found[t, kind].cycles:,}" for kind in KINDS) for t in TARGETS]
    head = [f"{name} {size}", f"{rows} x {warps_for(rows, size)}"]
    return f"| {' | '.join([*head, *map(most, ('registers', 'spilled', 'shared')), *cycles])} |"


def main() -> None:
    """Compile, and write the table into the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    lines = [row(*choice, costs(*choice)) for choice in CHOICES]
    table = f"Triton {triton.__version__}:\n\n{HEAD}" + "\n".join(lines) + "\n\n"
    PAGE.write_text(f"{before}{BEGIN}{table}{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
