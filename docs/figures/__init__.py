"""List the guide's figures by the names of their files."""

from collections.abc import Callable

from matplotlib.figure import Figure

from figures.belt import draw_belt
from figures.gates import draw_gates
from figures.gradient import draw_gradient
from figures.half_life import draw_half_life
from figures.reproduced import (
    draw_atlas,
    draw_curriculum,
    draw_hs97_adding,
    draw_keep_bias,
    draw_staged_learning,
    draw_tree,
    draw_urnn_adding,
)
from figures.unrolled import draw_unrolled

FIGURES: dict[str, Callable[[], Figure]] = {
    "unrolled": draw_unrolled,
    "gradient": draw_gradient,
    "belt": draw_belt,
    "half_life": draw_half_life,
    "gates": draw_gates,
    "keep_bias": draw_keep_bias,
    "urnn_adding": draw_urnn_adding,
    "staged_learning": draw_staged_learning,
    "curriculum": draw_curriculum,
    "hs97_adding": draw_hs97_adding,
    "tree": draw_tree,
    "atlas": draw_atlas,
}
