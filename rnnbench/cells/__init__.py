"""The cells of the suite; kin share a file."""

from rnnbench.cells.brc import BRC, NBRC
from rnnbench.cells.cornn import CoRNN
from rnnbench.cells.gru import GRU
from rnnbench.cells.indrnn import IndRNN
from rnnbench.cells.janet import JANET
from rnnbench.cells.lem import LEM
from rnnbench.cells.linoss import LinOSS
from rnnbench.cells.lru import LRU
from rnnbench.cells.lstm import LSTM
from rnnbench.cells.lstm_variant import LSTMVariant
from rnnbench.cells.mgu import MGU
from rnnbench.cells.mingru import MinGRU, MinLSTM
from rnnbench.cells.minmax import MinMax
from rnnbench.cells.orthogonal import Orthogonal
from rnnbench.cells.published_gru import PublishedGRU
from rnnbench.cells.rg_lru import RGLRU
from rnnbench.cells.rnn import RNN
from rnnbench.cells.s6 import S6
from rnnbench.cells.slstm import SLSTM
from rnnbench.cells.star import STAR
from rnnbench.cells.tcn import TCN
from rnnbench.cells.torch_module import TorchModule
from rnnbench.cells.transformer import Transformer
from rnnbench.cells.ugrnn import UGRNN
from rnnbench.cells.unicornn import UnICORNN

__all__ = [
    "BRC",
    "CoRNN",
    "GRU",
    "IndRNN",
    "JANET",
    "LEM",
    "LinOSS",
    "LRU",
    "LSTM",
    "LSTMVariant",
    "MGU",
    "MinGRU",
    "MinLSTM",
    "MinMax",
    "NBRC",
    "Orthogonal",
    "PublishedGRU",
    "RGLRU",
    "RNN",
    "S6",
    "SLSTM",
    "STAR",
    "TCN",
    "TorchModule",
    "Transformer",
    "UGRNN",
    "UnICORNN",
]
