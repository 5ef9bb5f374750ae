"""Figures as files: small, as sharp as they were, the same at every drawing."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from rnnbench.plot.files import PNG_DPI, render


@pytest.fixture
def figure():
    """Lines over each other and half transparent, as curves of many seeds are."""
    figure = Figure(figsize=(4, 3), layout="constrained")
    panel = figure.add_subplot()
    for number in range(30):
        panel.plot(np.sin(np.arange(50) / (number + 3)), color=f"C{number % 5}", alpha=0.4)
    return figure


def test_a_png_has_a_palette_and_shows_the_same(figure):
    picture = Image.open(io.BytesIO(render(figure)["png"]))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=PNG_DPI)
    whole = Image.open(buffer)
    assert (picture.mode, picture.size) == ("P", whole.size)
    assert picture.info["dpi"] == pytest.approx((200, 200), abs=0.1)
    seen, meant = (np.asarray(each.convert("RGB"), float) for each in (picture, whole))
    assert np.abs(seen - meant).mean() < 1
    assert (np.abs(seen - meant).max(-1) > 16).mean() < 0.01  # a few pixels of an edge
    assert len(render(figure)["png"]) < len(buffer.getvalue()) / 2


def test_the_same_figure_gives_the_same_files(figure):
    assert render(figure) == render(figure)
