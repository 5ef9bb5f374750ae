"""Run torch.nn.RNN, LSTM and GRU as an engine, to compare results and speed with."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from rnnbench.cell import Cell, Parameters, States
from rnnbench.cells import GRU, LSTM, RNN


def run_torch_nn(
    cell: Cell, parameters: Parameters, inputs: Tensor, states: States | None, last: int | None
) -> tuple[Tensor, States]:
    """Run a torch.nn module on one replica after the other; see `run_reference`.

    Raises:
        ValueError: torch.nn has no such cell.
    """
    check_cell(cell)
    module = _module(cell, parameters, inputs)
    outputs, finals = [], []
    for replica, x in enumerate(inputs.unbind(0)):
        # Copies start on a boundary of memory: elsewhere a matrix product may round differently.
        own = {name: tensor[replica].clone() for name, tensor in parameters.items()}
        initial = None if states is None else tuple(s[replica, None].clone() for s in states)
        given = initial[0] if initial is not None and len(initial) == 1 else initial
        output, final = functional_call(module, own, (x.clone(), given))
        outputs.append(output if last is None else output[len(output) - last :])
        finals.append(final if isinstance(final, tuple) else (final,))
    stacked = tuple(torch.cat(each, 0) for each in zip(*finals, strict=True))
    return torch.stack(outputs), stacked


def check_cell(cell: Cell) -> None:
    """Raise ValueError unless torch.nn has this very cell."""
    if type(cell) not in (RNN, LSTM, GRU):
        kind = type(cell).__name__
        raise ValueError(
            f"engine must be another than torch for a cell that torch.nn lacks, got {kind}"
        )


def _module(cell: Cell, parameters: Parameters, inputs: Tensor) -> nn.RNNBase:
    size = parameters["weight_hh_l0"].shape[-1]
    # On the meta device a module holds no memory and draws no numbers.
    if isinstance(cell, RNN):
        return nn.RNN(inputs.shape[-1], size, nonlinearity=cell.nonlinearity, device="meta")
    kind = nn.LSTM if isinstance(cell, LSTM) else nn.GRU
    return kind(inputs.shape[-1], size, device="meta")
