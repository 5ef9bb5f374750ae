"""Greff et al. (2017, arXiv:1503.04069): the LSTM, and what each of its variants changes.

z, i, f, o are the paper's block input and gates, g and h its squashing functions, y its output.
state_to_output is Arjovsky et al.'s (2016, arXiv:1511.06464): output_t gets dot(state_t, V_o).
"""

import numpy as np

from rnnbench.cells import LSTMVariant

from . import affine, sigmoid, split

VARIANTS = (
    *("no_input_gate", "no_forget_gate", "no_output_gate"),
    *("no_input_activation", "no_output_activation"),
    *("coupled", "peepholes", "full_gate_recurrence", "state_to_output"),
)
CASES = {f"lstm {variant}": LSTMVariant(variant=variant) for variant in VARIANTS}
WITHOUT = {"no_input_gate": "i", "coupled": "i", "no_forget_gate": "f", "no_output_gate": "o"}


def step(p, x, states, cell):
    variant, (y, c, *old) = cell.variant, states
    names = [name for name in "ifzo" if name != WITHOUT.get(variant)]
    a = dict(zip(names, split(affine(p, x) + affine(p, y, "hh"), len(names))))
    for gate, activation in zip("ifo", old):  # R_ii i^{t-1} + R_fi f^{t-1} + R_oi o^{t-1}, likewise
        for name, fed in zip("ifo", split(activation @ p[f"weight_old_{gate}_l0"].T, 3)):
            a[name] = a[name] + fed
    if variant == "peepholes":
        a["i"], a["f"] = a["i"] + p["p_i_l0"] * c, a["f"] + p["p_f_l0"] * c  # p * c^{t-1}
    z = a["z"] if variant == "no_input_activation" else np.tanh(a["z"])  # NIAF: g(x) = x
    f = 1.0 if variant == "no_forget_gate" else sigmoid(a["f"])  # NFG: f^t = 1
    i = 1.0 if variant == "no_input_gate" else sigmoid(a["i"]) if "i" in a else 1 - f  # NIG, CIFG
    c = z * i + c * f
    if variant == "peepholes":
        a["o"] = a["o"] + p["p_o_l0"] * c  # p_o * c^t
    if variant == "state_to_output":
        a["o"] = a["o"] + c @ p["weight_new_c_l0"].T
    o = 1.0 if variant == "no_output_gate" else sigmoid(a["o"])  # NOG: o^t = 1
    y = (c if variant == "no_output_activation" else np.tanh(c)) * o  # NOAF: h(x) = x
    return y, (y, c, *((i, f, o) if old else ()))
