"""Draw the gradient against the lag, before and after training: a panel per cell."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures.measured import CELLS, GAP, gradients, runs
from figures.style import COLOURS, GREY, INK, new_figure
from rnnbench.diagnose.label import VANISHED

LEAST = 1e-20


def draw_gradient() -> Figure:
    """Draw both seeds of each cell; what lies below the axis leaves it."""
    table, scores = gradients(), runs().groupby("cell")["score"].mean()
    figure, panels = new_figure(3.1, len(CELLS), sharey=True)
    for panel, cell in zip(panels, CELLS, strict=True):
        for phase, look in (("initial", "--"), ("trained", "-")):
            own = table[cell][phase]
            panel.plot(own.index, own, look, color=COLOURS[cell], lw=1.6)
        panel.axhline(VANISHED, color=GREY, lw=1, ls=":")
        panel.set(yscale="log", ylim=(LEAST, 1e3), xlim=(0, GAP), xticks=range(0, GAP + 1, 20))
        panel.set_title(f"{cell}, score {scores[cell]:.2f}")
        panel.set_xlabel("lag (time steps)")
    panels[0].set_ylabel("gradient / at lag 0")
    panels[0].annotate("noise", (GAP, VANISHED * 3), ha="right", color=GREY, fontsize=9)
    lines = [Line2D([], [], color=INK, ls=ls, lw=1.6) for ls in ("--", "-")]
    names = ["before training, two seeds", "after training, two seeds"]
    figure.legend(lines, names, loc="outside lower center", ncols=2, frameon=False)
    return figure
