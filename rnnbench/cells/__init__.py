"""The cells of the suite, one per file."""

from rnnbench.cells.gru import GRU
from rnnbench.cells.lstm import LSTM
from rnnbench.cells.rnn import RNN

__all__ = ["GRU", "LSTM", "RNN"]
