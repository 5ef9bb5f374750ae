"""Looks: stable by cell, and apart in colour, in grey and for colour-blind readers."""

from __future__ import annotations

import matplotlib as mpl
import pytest

from rnnbench.plot.looks import PALETTE, curve_styles, style
from rnnbench.plot.options import themed


def test_a_cell_keeps_its_look_whatever_it_is_shown_with() -> None:
    alone = curve_styles([("lstm", "")])
    together = curve_styles([("gru", ""), ("lstm", ""), ("my_cell", ""), ("rnn", "")])
    assert alone["lstm", ""] == together["lstm", ""]
    assert curve_styles([("my_cell", "")])["my_cell", ""] == together["my_cell", ""]


def test_no_two_curves_share_marker_and_dashes() -> None:
    curves = [(cell, f"lr {lr}") for cell in ("rnn", "lstm", "gru", *"abcdefg") for lr in "12345"]
    styles = curve_styles(curves)
    assert list(styles) == curves
    assert len({(style.marker, style.dashes) for style in styles.values()}) == len(curves)


def test_cells_differ_in_colour_marker_and_dashes() -> None:
    styles = curve_styles([(cell, "") for cell in ("rnn", "lstm", "gru")]).values()
    assert len({style.colour for style in styles}) == 3
    assert len({style.marker for style in styles}) == 3
    assert len({style.dashes for style in styles}) == 3


def test_variants_are_shades_between_dark_and_light() -> None:
    styles = curve_styles([("rnn", "a"), ("rnn", "b"), ("rnn", "c")])
    dark, middle, light = (sum(style.colour) for style in styles.values())
    assert dark < middle < light
    assert middle == pytest.approx(sum(PALETTE[0]), abs=0.02)


def test_whether_figures_are_shown_at_once_is_left_to_the_notebook() -> None:
    @themed
    def first_figure() -> bool:
        was_on = mpl.is_interactive()
        mpl.interactive(True)  # as a notebook's backend does, which pyplot starts with its first
        return was_on

    with mpl.rc_context({"interactive": False}):
        assert not first_figure()
        assert first_figure()
        with mpl.rc_context(style()):
            assert mpl.is_interactive()
