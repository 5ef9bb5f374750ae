"""Draw the gates over the gap after training: LSTM's three, and the two of the GRU."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.measured import GAP, gates
from figures.style import GREY, INK, new_figure
from rnnbench.plot.gating import KEEPS, OTHERS

NAMES = {
    "lstm": {"f": "forget (keeps)", "i": "input", "o": "output"},
    "gru": {"z": "update (keeps)", "r": "reset"},
}
PLACES = {
    "lstm": {"f": (46, 0.70), "i": (46, 0.44), "o": (46, 0.30)},
    "gru": {"z": (46, 0.74), "r": (46, 0.40)},
}


def draw_gates() -> Figure:
    """Draw each gate's mean over units and seeds, and how far apart units of the keep gate are."""
    figure, panels = new_figure(3.2, 2, sharey=True)
    for panel, (cell, names) in zip(panels, NAMES.items(), strict=True):
        for colour, (name, word) in zip((KEEPS, *OTHERS), names.items(), strict=False):
            found = gates(cell, name, "trained")
            panel.plot(found.index, found["mean"], color=colour, lw=2)
            panel.text(*PLACES[cell][name], word, color=colour, fontsize=9)
        _draw_spread(panel, cell, next(iter(names)))
        panel.set(ylim=(0, 1.03), xlim=(-1, GAP), xlabel="time steps since the cue", title=cell)
    panels[0].set_ylabel("gate: 0 shut, 1 open")
    return figure


def _draw_spread(panel: Axes, cell: str, keep_gate: str) -> None:
    found = gates(cell, keep_gate, "trained")
    panel.fill_between(found.index, found["q10"], found["q90"], color=KEEPS, alpha=0.13, lw=0)
    panel.plot(found.index, found["max"], color=KEEPS, lw=1)
    panel.text(20, 0.945, "most open unit", color=INK, fontsize=9, va="top")
    panel.text(2, 0.03, "band: 10 to 90 % of the units' keep gates", color=GREY, fontsize=9)
