"""A temporal convolutional network: no state but the inputs of a fixed past."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import pad, relu
from torch.nn.utils.parametrizations import weight_norm

from rnnbench.cells.sequence import SequenceCell


class TCN(SequenceCell):
    """Temporal convolutional network (Bai et al., 2018, arXiv:1803.01271, section 3).

    Level l has two causal convolutions of `kernel_size` taps 2^l time steps apart, weights
    normalised, each with a ReLU, and a connection past both. It sees
    1 + 2 (kernel_size - 1) (2^levels - 1) time steps and nothing before.

    State: the inputs that the taps reach back to.
    """

    def __init__(self, *, levels: int = 6, kernel_size: int = 3) -> None:
        super().__init__()
        if levels < 1:
            raise ValueError(f"levels must be at least 1, got {levels}")
        if kernel_size < 2:
            raise ValueError(f"kernel_size must be at least 2, got {kernel_size}")
        self.levels, self.kernel_size = levels, kernel_size

    def build(self, input_size: int, hidden_size: int) -> nn.Module:
        widths = [input_size, *[hidden_size] * (self.levels - 1)]
        return nn.Sequential(
            *(_Level(w, hidden_size, self.kernel_size, 2**n) for n, w in enumerate(widths))
        )

    def count_state(self, hidden_size: int, steps: int) -> int:
        """Count what is kept of the hidden layers; the sequence's own inputs are counted as H."""
        reach = [(self.kernel_size - 1) * 2**level for level in range(self.levels)]
        return sum(2 * min(steps, own) * hidden_size for own in reach)


class _Level(nn.Module):
    def __init__(self, width: int, hidden_size: int, taps: int, apart: int) -> None:
        super().__init__()
        self.reach = (taps - 1) * apart
        self.first = weight_norm(nn.Conv1d(width, hidden_size, taps, dilation=apart))
        self.second = weight_norm(nn.Conv1d(hidden_size, hidden_size, taps, dilation=apart))
        self.past = nn.Identity() if width == hidden_size else nn.Linear(width, hidden_size)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `(T, B, N)` to `(T, B, H)`."""
        hidden = inputs.permute(1, 2, 0)
        for convolution in (self.first, self.second):
            hidden = relu(convolution(pad(hidden, (self.reach, 0))))
        return relu(hidden.permute(2, 0, 1) + self.past(inputs))
