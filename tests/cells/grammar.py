"""Cells that use all of what can be declared, each with a hand-written form of its own."""

import torch
from torch import sigmoid, tanh
from torch.nn import functional

from rnnbench.cell import Cell


class PublishedGRU(Cell):
    """A gate that a value of the first stage feeds."""

    gates = {"r": "xh", "z": "xh", "n": ("x", "rh")}
    keep_gate = "z"

    def prepare(self, r, z, h):
        return {"rh": sigmoid(r) * h}

    def update(self, r, z, n, h, rh):
        return tanh(n) + sigmoid(z) * (h - tanh(n))

    @staticmethod
    def by_hand(p, x, h):
        """Return the new state, from one replica's parameters."""
        (r_x, z_x, n_x), (r_h, z_h) = (
            (source @ p[f"weight_{which}_l0"].T + p[f"bias_{which}_l0"]).chunk(count, -1)
            for source, which, count in ((x, "ih", 3), (h, "hh", 2))
        )
        n = tanh(n_x + (sigmoid(r_x + r_h) * h) @ p["weight_rh_l0"].T)
        z = sigmoid(z_x + z_h)
        return ((1 - z) * n + z * h,)


class TwoStates(Cell):
    """Gates fed by the second state, and by it alone; the first has a name of its own."""

    gates = {"a": ("x", "y", "z"), "b": ("z",)}
    states = ("y", "z")
    outputs = ("z",)
    vectors = ("g",)

    def update(self, a, b, y, z, g):
        z = z + 0.1 * (tanh(a) - g * y)
        return y + sigmoid(b) * z, z

    @staticmethod
    def by_hand(p, x, y, z):
        size = y.shape[-1]
        a_z, b = (z @ p["weight_z_l0"].T).split(size, -1)
        fed = x @ p["weight_ih_l0"].T + p["bias_ih_l0"] + y @ p["weight_hh_l0"].T + p["bias_hh_l0"]
        z = z + 0.1 * (tanh(fed + a_z) - p["g_l0"] * y)
        return y + sigmoid(b) * z, z


class Selective(Cell):
    """An output that is no state: nothing reads it again."""

    gates = {"d": "x", "b": "x", "c": "x"}
    states = ("s",)
    outputs = ("o", "s")
    vectors = ("a",)

    def update(self, d, b, c, s, a):
        step = functional.softplus(d)
        s = torch.exp(-step * torch.exp(a)) * s + step * b
        return s, c * s


class Everything(Cell):
    """Two stages, three outputs, every operation, and gates fed in every way."""

    gates = {"a": ("x", "s"), "b": "h", "c": ("x", "h", "s", "v"), "d": ("v", "w")}
    states = ("h", "s")
    outputs = ("s", "q", "h")
    vectors = ("p",)

    def prepare(self, a, b, h, s, p):
        w = torch.log1p(b * b) * torch.cos(s) + functional.silu(a)
        return {"v": torch.sin(a) * h + p, "w": w + functional.logsigmoid(b * 10)}

    def update(self, a, b, c, d, h, s, v, w, p):
        q = torch.sqrt(1 + c * c) * torch.rsqrt(2 + d**2) + torch.log(2 + s * s) * p
        least, most = torch.minimum(a, d), torch.maximum(b, functional.softplus(c * 30) / 30)
        kept = torch.where(a > b, least, torch.sign(c) * torch.abs(d))
        kept = kept * sigmoid(p) / (1 + p * p)  # of a vector alone
        return tanh(q + v), kept * sigmoid(w), q * tanh(most) + (a >= 0) * d


class Rotation(Cell):
    """Trains an angle, and uses its cosine and sine."""

    gates = {"r": "x", "i": "x"}
    states = ("re", "im")
    outputs = ("re", "im")
    vectors = ("a", "b")

    def shapes(self, input_size, hidden_size):
        shapes = super().shapes(input_size, hidden_size)
        del shapes["a_l0"], shapes["b_l0"]
        return {**shapes, "angle_l0": (hidden_size,)}

    def derive(self, parameters):
        used = {name: value for name, value in parameters.items() if name != "angle_l0"}
        angle = parameters["angle_l0"]
        return {**used, "a_l0": 0.9 * torch.cos(angle), "b_l0": 0.9 * torch.sin(angle)}

    def update(self, r, i, re, im, a, b):
        return a * re - b * im + r, b * re + a * im + i

    @staticmethod
    def by_hand(p, x, re, im):
        new = torch.polar(torch.full_like(p["angle_l0"], 0.9), p["angle_l0"]) * torch.complex(
            re, im
        )
        r, i = (x @ p["weight_ih_l0"].T + p["bias_ih_l0"]).chunk(2, -1)
        return new.real + r, new.imag + i


CELLS = {
    kind.__name__: kind() for kind in (PublishedGRU, TwoStates, Selective, Everything, Rotation)
}
