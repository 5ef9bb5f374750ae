"""The cells of the suite; kin share a file."""

from rnnbench.cells.gru import GRU
from rnnbench.cells.indrnn import IndRNN
from rnnbench.cells.linoss import LinOSS
from rnnbench.cells.lru import LRU
from rnnbench.cells.lstm import LSTM
from rnnbench.cells.mingru import MinGRU, MinLSTM
from rnnbench.cells.minmax import MinMax
from rnnbench.cells.rg_lru import RGLRU
from rnnbench.cells.rnn import RNN
from rnnbench.cells.s6 import S6
from rnnbench.cells.slstm import SLSTM
from rnnbench.cells.tcn import TCN
from rnnbench.cells.torch_module import TorchModule
from rnnbench.cells.transformer import Transformer
from rnnbench.cells.ugrnn import UGRNN

__all__ = [
    "GRU",
    "IndRNN",
    "LinOSS",
    "LRU",
    "LSTM",
    "MinGRU",
    "MinLSTM",
    "MinMax",
    "RGLRU",
    "RNN",
    "S6",
    "SLSTM",
    "TCN",
    "TorchModule",
    "Transformer",
    "UGRNN",
]
