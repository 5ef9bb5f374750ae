"""The cells of the suite; kin share a file."""

from rnnbench.cells.brc import BRC, NBRC
from rnnbench.cells.cornn import CoRNN
from rnnbench.cells.gru import GRU
from rnnbench.cells.janet import JANET
from rnnbench.cells.lem import LEM
from rnnbench.cells.lstm import LSTM
from rnnbench.cells.lstm_variant import LSTMVariant
from rnnbench.cells.mgu import MGU
from rnnbench.cells.orthogonal import Orthogonal
from rnnbench.cells.published_gru import PublishedGRU
from rnnbench.cells.rnn import RNN
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
    "JANET",
    "LEM",
    "LSTM",
    "LSTMVariant",
    "MGU",
    "NBRC",
    "Orthogonal",
    "PublishedGRU",
    "RNN",
    "STAR",
    "TCN",
    "TorchModule",
    "Transformer",
    "UGRNN",
    "UnICORNN",
]
