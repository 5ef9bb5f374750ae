"""Why runs forget, in the report: which data are drawn, what is counted, what is said."""

from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from rnnbench.diagnose.label import VANISHED
from rnnbench.plot.curves import label_variants
from rnnbench.plot.diagnosis import curve_rows, drawn_gaps
from rnnbench.plot.gating import KEEPS, gates_gap
from rnnbench.plot.looks import PALETTE
from rnnbench.plot.measured import join
from rnnbench.plot.selection import select
from rnnbench.report.document import Bullets, Figure, Heading
from rnnbench.report.sections.diagnosis import (
    FIGURES,
    diagnosis_section,
    evidence_table,
    label_table,
)
from rnnbench.report.study import Study
from rnnbench.report.text import to_markdown
from rnnbench.report.write import write_report
from rnnbench.store.diagnoses import FORMAT, Diagnoses, load_diagnosis, write_diagnosis
from rnnbench.store.frames import load_all, load_results

from .conftest import write

FACTOR = {"initial": 0.5, "trained": 0.9}  # of the gradient, per time step
HALF_LIVES = {"q10": 1.0, "q50": 2.0, "q90": 3.0, "max": 40.0}


def phase(record, factor, gates):
    gap, seed = record["gap"], record["seed"]
    total = [(2 + seed) * factor**lag for lag in range(gap, -1, -1)]
    states = ("h", "c") if record["cell"] == "lstm" else ("h",)
    opened = {"mean": 0.6, "q10": 0.4, "q50": 0.5, "q90": 0.8, "max": 0.95}
    return {
        "gradient": {**{name: [x / 4 for x in total] for name in states}, "total": total},
        "cue": [1 - 0.9 * time / gap - 0.01 * seed for time in range(gap + 1)],
        "gates": {g: {k: [v] * (gap + 1) for k, v in opened.items()} for g in gates},
        "half_life": HALF_LIVES if gates else None,
    }


def diagnose(record, **changes):
    gates = {"rnn": (), "gru": ("r", "z"), "lstm": ("i", "f", "o")}[record["cell"]]
    return {
        "format": FORMAT,
        **{name: record[name] for name in ("run_id", "task", "cell", "gap", "seed", "lr")},
        "settings": {"sequences": 64},
        "cue_time": 0,
        "read_time": record["gap"],
        "cue": "class",
        "keep_gate": {"gru": "z", "lstm": "f"}.get(record["cell"]),
        "clipped_share": 0.25,
        "left_out": [] if gates else ["gates: none"],
        "phases": {name: phase(record, factor, gates) for name, factor in FACTOR.items()},
        "label": "vanishing",
        "evidence": "Said.",
    } | changes


def write_sweep(fabricate, directory, cells, gaps):
    """Store some gaps of some cells; seed 2 has no diagnosis, seed 0 is solved up to gap 20.

    The plain network alone scores well at gap 40.
    """
    lost_at = {"rnn": 80, "lstm": 40, "gru": 20}
    status = {10: "solved", 20: "solved", 40: "unsolved", 80: "unsolved"}
    runs = [
        fabricate(
            cell=cell,
            gap=gap,
            seed=seed,
            status=status[gap],
            score=0.8 if gap < lost_at[cell] else 0.7,
        )
        for cell in cells
        for gap in gaps
        for seed in range(3)
    ]
    place = write(directory, runs)
    for run in runs:
        if run["seed"] < 2:
            solved = run["seed"] == 0 and run["status"] == "solved"
            write_diagnosis(place, diagnose(run, **({"label": "solved"} if solved else {})))
    write_diagnosis(place, diagnose(fabricate(cell="gru", gap=5)))  # of a run that is not there
    return place


@pytest.fixture(scope="module")
def loaded(fabricate, tmp_path_factory):
    """Three cells at four gaps."""
    directory = tmp_path_factory.mktemp("diagnosed")
    place = write_sweep(fabricate, directory, ("gru", "lstm", "rnn"), (10, 20, 40, 80))
    return label_variants(load_all(place)), load_diagnosis(place)


@pytest.fixture
def diagnosed(loaded):
    """Copies of what was loaded, for each test its own."""
    results, (runs, curves) = loaded
    return results.copy(), Diagnoses(runs.copy(), curves.copy())


def lines(panel):
    return {line.get_label(): line for line in panel.get_lines()}


def panels(figure):
    return {panel.get_title(): panel for panel in figure.axes}


NAMES = ["gradient_vs_lag", "cue_vs_time", "gates_vs_time"]


def study_of(results, diagnoses):
    nothing = pd.DataFrame()
    return Study((), results, *[nothing] * 5, join(results, diagnoses), nothing, nothing, "lstm")


def draw(name, *diagnosed, **looks):
    return next(f for f in FIGURES.values() if f.name == name).draw(study_of(*diagnosed), **looks)


def only(diagnosed, cell):
    results, diagnoses = diagnosed
    return results[results["cell"] == cell], diagnoses


def section(*diagnosed):
    return list(diagnosis_section(study_of(*diagnosed)))


def pictures(blocks):
    return [block.name for block in blocks if isinstance(block, Figure)]


def test_the_plain_network_comes_first_and_nothing_is_drawn_of_gates_it_lacks(diagnosed):
    names = pictures(section(*diagnosed))
    assert names == NAMES
    titles = {name: list(panels(draw(name, *diagnosed))) for name in names}
    assert titles["gradient_vs_lag"] == ["copy, rnn", "copy, lstm", "copy, gru"]
    assert titles["gates_vs_time"] == ["copy, lstm", "copy, gru"]


def test_gradients_are_drawn_as_multiples_of_that_at_lag_0(diagnosed):
    """The seeds' gradients differ by a factor, which must not be seen; the factors per step are."""
    panel = panels(draw("gradient_vs_lag", *diagnosed))["copy, gru"]
    drawn = lines(panel)
    assert {name for name in drawn if name.startswith("trained")} == {
        "trained 10",
        "trained 40",
        "trained 80",
    }
    for name, factor in FACTOR.items():
        line = drawn[f"{name} 40"]
        assert line.get_xdata().tolist() == list(range(41))
        assert line.get_ydata() == pytest.approx(factor ** np.arange(41))
        assert line.get_linestyle() == ("--" if name == "initial" else "-")
    assert drawn["_noise"].get_ydata()[0] == VANISHED
    assert panel.get_xscale() == "linear"
    numbers = {text.get_text(): text.xy for text in panel.texts}
    assert numbers == {f"{gap}": (gap, pytest.approx(0.9**gap)) for gap in (10, 40, 80)}
    ends = {c.get_label(): c.get_offsets() for c in panel.collections}["_ends 40"]
    assert ends.tolist() == [[40, pytest.approx(0.9**40)]] * 2


def test_marks_of_what_is_too_faint_lie_at_the_lower_edge(diagnosed):
    results, (runs, curves) = diagnosed
    faint = curves.assign(value=curves["value"].where(curves["lag"] < 5, 1e-30))
    panel = panels(draw("gradient_vs_lag", results, Diagnoses(runs, faint)))
    low, _ = panel["copy, gru"].get_ylim()
    (ends,) = [c for c in panel["copy, gru"].collections if c.get_label() == "_ends 40"]
    assert ends.get_offsets()[:, 1].tolist() == [low] * 2
    assert not ends.get_clip_on()
    assert {text.xy[1] for text in panel["copy, gru"].texts} == {low}


def test_the_output_alone_is_drawn_only_beside_other_states(diagnosed):
    figure = draw("gradient_vs_lag", *diagnosed)
    dotted = {
        title: [line for line in panel.get_lines() if line.get_label() == "_h alone"]
        for title, panel in panels(figure).items()
    }
    assert {title: len(found) for title, found in dotted.items()} == {
        "copy, rnn": 0,
        "copy, gru": 0,
        "copy, lstm": 1,
    }
    (line,) = dotted["copy, lstm"]
    assert line.get_ydata() == pytest.approx(0.9 ** np.arange(81) / 4)
    (legend,) = figure.legends
    assert "through h alone" in [text.get_text() for text in legend.get_texts()]
    alone = draw("gradient_vs_lag", *only(diagnosed, "gru")).legends[0]
    assert "through h alone" not in [text.get_text() for text in alone.get_texts()]


def test_the_cue_is_drawn_against_its_age_as_a_median_and_by_seed(diagnosed):
    panel = panels(draw("cue_vs_time", *diagnosed))["copy, rnn"]
    line = lines(panel)["trained 10"]
    assert line.get_xdata().tolist() == list(range(11))
    assert line.get_ydata() == pytest.approx(1 - 0.09 * np.arange(11) - 0.005)
    seeds = [line for line in panel.get_lines() if line.get_label().startswith("_seed")]
    assert len(seeds) == 6


def test_a_cue_shown_later_counts_from_there(diagnosed):
    results, diagnoses = diagnosed
    runs = diagnoses.runs.assign(cue_time=3)
    curves = join(results, diagnoses._replace(runs=runs)).curves
    assert (curves["age"] == curves["time"] - 3).all()


def test_gates_are_drawn_at_the_greatest_gap_that_a_gated_cell_remembers(diagnosed):
    figure = draw("gates_vs_time", *diagnosed)
    panel = panels(figure)["copy, lstm"]
    drawn = lines(panel)
    shown = [name for name in drawn if not name.startswith("_")]
    assert shown == ["f keeps", "i", "o"]
    assert drawn["f keeps"].get_xdata().tolist() == list(range(21))
    assert drawn["f keeps"].get_ydata() == pytest.approx([0.6] * 21)
    assert drawn["_most open"].get_ydata() == pytest.approx([0.95] * 21)
    (said,) = panel.texts
    assert said.get_text() == "gap 20, score 0.80"
    (strip,) = panel.child_axes
    figure.draw_without_rendering()
    # One above the other: the curves, the strip with its numbers, what is said, the title.
    above = [part.get_window_extent() for part in (strip, said, panel.title)]
    above.insert(1, strip.xaxis.get_tightbbox())
    assert panel.bbox.y1 < above[0].y0
    assert all(low.y1 <= high.y0 + 1 for low, high in pairwise(above))


def test_half_lives_lie_in_a_strip_hollow_before_training_and_filled_after(diagnosed):
    results, (runs, curves) = diagnosed
    trained = runs.assign(half_life_trained=7.0, longest_trained=1606500.0)
    panel = panels(draw("gates_vs_time", results, Diagnoses(trained, curves)))["copy, lstm"]
    (strip,) = panel.child_axes
    assert strip.get_xscale() == "log"
    rows = dict(zip(strip.get_yticks(), (text.get_text() for text in strip.get_yticklabels())))
    seen = {}
    for circles in strip.get_lines()[:-1]:
        (x,), (y,) = set(circles.get_xdata()), set(circles.get_ydata())
        seen[rows[y], circles.get_markerfacecolor() == "white"] = x
    assert seen["median", True] == 2 and seen["median", False] == 7
    assert seen["longest", True] == 40
    assert seen["longest", False] == 10_000  # by then it is a matter of rounding
    assert strip.get_lines()[-1].get_xdata() == [20, 20]


def test_which_gaps_are_drawn(diagnosed):
    runs = join(*diagnosed).runs
    assert drawn_gaps(runs) == [10, 40, 80]
    assert drawn_gaps(runs[runs.gap < 40]) == [10, 20]
    assert gates_gap(runs[runs.cell == "rnn"]) == {"copy": 40}
    assert gates_gap(runs[runs.cell != "rnn"]) == {"copy": 20}
    assert gates_gap(runs[runs.gap == 80]) == {"copy": 80}


def test_curves_diagnosed_at_different_gaps_are_all_drawn(diagnosed):
    """As when one is diagnosed at 20 alone, and another has no gates to be found."""
    results, (runs, curves) = diagnosed
    curves = curves[(curves.cell != "lstm") | (curves.gap == 20)]
    curves = curves[(curves.cell != "gru") | (curves.measure != "gate")]
    own = panels(draw("gradient_vs_lag", results, Diagnoses(runs, curves)))
    assert [n for n in lines(own["copy, lstm"]) if n.startswith("trained")] == ["trained 20"]
    assert own["copy, lstm"].get_xlim() == own["copy, gru"].get_xlim()
    assert list(panels(draw("gates_vs_time", results, Diagnoses(runs, curves)))) == ["copy, lstm"]


def test_lines_end_at_the_cue_though_time_began_before_it(diagnosed):
    results, (runs, curves) = diagnosed
    later = Diagnoses(runs.assign(cue_time=4), curves)
    panel = panels(draw("gradient_vs_lag", results, later))["copy, rnn"]
    assert lines(panel)["trained 10"].get_xdata().tolist() == list(range(7))


def test_a_gate_without_a_half_life_says_none(diagnosed):
    results, (runs, curves) = diagnosed
    none = Diagnoses(runs.assign(half_life_trained=np.nan), curves)
    panel = panels(draw("gates_vs_time", results, none))["copy, gru"]
    assert [text.get_text() for text in panel.texts] == ["gap 20, score 0.70"]
    assert not panel.child_axes


def test_labels_are_counted_by_curve_and_gap(diagnosed):
    table = label_table(join(*diagnosed).runs)
    assert table.header == ("task", "cell", "gap 10", "gap 20", "gap 40", "gap 80")
    both, lost = "1 solved, 1 vanishing", "2 vanishing"
    assert table.rows[0] == ("copy", "rnn", both, both, lost, lost)
    assert len(table.rows) == 3


def test_the_evidence_is_of_the_runs_with_a_label(diagnosed):
    table = evidence_table(join(*diagnosed))
    rows = {row[:4]: row[4:] for row in table.rows}
    solved = rows["copy", "lstm", "solved", "10"]
    assert solved[:3] == ("1", f"{0.5**10:.1e}", f"{0.9**10:.1e}")
    assert solved[3:8] == ("0.10", "25%", "2", "2", "40")
    assert rows["copy", "rnn", "vanishing", "80"][5:8] == ("", "", "")
    assert rows["copy", "lstm", "vanishing", "80"][0] == "2"


def test_the_section_says_how_many_and_what_was_left_out(diagnosed):
    blocks = section(*diagnosed)
    assert blocks[0] == Heading("Why it forgets", apart="why")
    text = to_markdown(blocks)
    assert "24 of 36 runs were diagnosed: 6 solved, 18 vanishing." in text
    assert pictures(blocks) == NAMES
    (bullets,) = [block for block in blocks if isinstance(block, Bullets)]
    assert bullets.texts[-1] == "Left out of rnn: gates: none."


def test_without_diagnoses_there_is_no_section(fabricate, stored):
    place = stored([fabricate()])
    results, diagnoses = label_variants(load_all(place)), load_diagnosis(place)
    assert section(results, diagnoses) == []


def test_the_section_and_its_pictures_are_part_of_the_report(fabricate, tmp_path):
    report = write_report([write_sweep(fabricate, tmp_path, ["gru"], [10, 40])])
    text = (report / "report.md").read_text()
    assert text.index("## Learning curves") < text.index("## Why it forgets")
    assert (
        text.index("## Why it forgets") < text.index("[why.md](why.md)") < text.index("## Settings")
    )
    assert "runs were diagnosed" in text and "What the labels rest on" not in text
    text = (report / "why.md").read_text()
    assert text.startswith("# Why it forgets\n") and "What the labels rest on" in text
    for name in NAMES:
        assert (report / f"{name}.png").stat().st_size and (report / f"{name}.svg").stat().st_size
        assert f"({name}.png)" in text


@pytest.mark.parametrize("name", NAMES)
def test_each_figure_takes_the_colours_and_names_of_cells(diagnosed, name):
    figure = draw(name, *diagnosed, palette={"gru": "red"}, labels={"gru": "GRU"})
    assert "copy, GRU" in panels(figure)


def test_gates_have_a_palette_of_their_own_and_one_legend(diagnosed):
    figure = draw("gates_vs_time", *diagnosed)
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts[:4] == ["keep gate (f, z)", "i", "o", "r"]
    lstm, gru = (lines(panels(figure)[f"copy, {cell}"]) for cell in ("lstm", "gru"))
    assert lstm["f keeps"].get_color() == gru["z keeps"].get_color() == KEEPS
    drawn = {lstm[name].get_color() for name in ("i", "o")} | {gru["r"].get_color(), KEEPS}
    assert len(drawn) == 4
    cells = {mpl.colors.to_hex(colour) for colour in PALETTE}
    assert not {mpl.colors.to_hex(colour) for colour in drawn} & cells


def test_many_variants_of_a_cell_make_rows_of_their_own(fabricate, stored):
    tuned = {"lr": 0.01, "config": {"tuned": True}, "sweep": "tuned"}
    cells = ("rnn", "lstm", "gru")
    records = [fabricate(cell=cell) for cell in cells]
    records += [fabricate(cell=c, **tuned) | {"run_id": f"{n:016x}"} for n, c in enumerate(cells)]
    chosen = select(load_results(stored(records)))
    rows = curve_rows(chosen, chosen.runs, "text")
    assert [[cell for _, (cell, _) in row] for row in rows] == [list(cells)] * 2
    assert [{variant for _, (_, variant) in row} for row in rows] == [{""}, {"tuned lr"}]
    few = select(chosen.runs, cells=["rnn", "gru"])
    (row,) = curve_rows(few, few.runs, "text")
    assert len(row) == 4
