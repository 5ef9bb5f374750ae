"""The cells of the suite; kin share a file."""

from rnnbench.cells.gru import GRU
from rnnbench.cells.lstm import LSTM
from rnnbench.cells.rnn import RNN
from rnnbench.cells.ugrnn import UGRNN

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "UGRNN",
]
