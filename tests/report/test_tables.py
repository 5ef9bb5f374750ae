"""The report's tables, and how their texts are written as Markdown and HTML."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from matplotlib.figure import Figure as Drawing

from rnnbench.plot.summary import horizons
from rnnbench.report.document import (
    Bullets,
    Figure,
    Heading,
    Paragraph,
    Table,
    one_panel_each,
)
from rnnbench.report.page import Picture, to_html
from rnnbench.report.tables import (
    accuracy_table,
    horizon_table,
    interquartile_table,
    reached_table,
    settings_table,
    solved_table,
)
from rnnbench.report.text import to_markdown

Fabricate = Callable[..., Any]


def test_accuracy_is_a_mean_with_its_interval_within_0_and_1(
    fabricate: Fabricate, labelled: Any
) -> None:
    values = {11: [0.0, 1.0], 20: [0.25]}
    _, summary = labelled(
        [fabricate(gap=g, seed=s, accuracy=a) for g, v in values.items() for s, a in enumerate(v)]
    )
    table = accuracy_table(summary)
    assert table.header == ("cell", "gap 11", "gap 20")
    assert table.rows == (("gru", "0.50 (0.02–0.98)", "0.25"),)


def test_solved_runs_have_their_median_steps_where_most_are_solved(
    fabricate: Fabricate, labelled: Any
) -> None:
    outcomes = {11: [600, 800, None], 20: [400, None, None]}
    _, summary = labelled(
        [
            fabricate(
                gap=gap,
                seed=seed,
                steps_to_solve=steps,
                status="solved" if steps else "unsolved",
            )
            for gap, found in outcomes.items()
            for seed, steps in enumerate(found)
        ]
    )
    assert solved_table(summary).rows == (("gru", "2/3 (0.21–0.94), 800", "1/3 (0.06–0.79)"),)


def test_the_headline_tells_reach_certainty_and_cost(fabricate: Fabricate, labelled: Any) -> None:
    scores = {10: [1.0] * 5, 40: [1.0, 1.0, 1.0, 0.0, 0.0]}
    size = {"hidden_size": 96, "state_size": 192, "num_parameters": 23456, "batch_size": 50}
    results, _ = labelled(
        [
            fabricate(gap=gap, seed=seed, score=score, steps=300, seconds=2.0 + seed, **size)
            | {"status": "solved" if score else "unsolved"}
            for gap, found in scores.items()
            for seed, score in enumerate(found)
        ]
    )
    curves = horizons(results)
    (row,) = horizon_table(curves).rows
    told = dict(zip(horizon_table(curves).header, row, strict=True))
    assert told["horizon (score 0.75)"].startswith("23.8 (")
    assert (told["hidden size"], told["state size"], told["parameters"]) == ("96", "192", "23,456")
    # Ten runs of 300 x 50 sequences in 2 x (2 + 3 + 4 + 5 + 6) seconds: not the mean of the rates.
    assert (told["seconds a run"], told["sequences / s"]) == ("4", "3,750")
    assert told["seeds"] == "5, needs 40"
    assert told["area under score"].startswith("0.80 (")
    assert "D90 (score 0.9)" not in told  # five seeds cannot show it
    assert reached_table(results).rows == (("gru", "5 of 5", "3 of 5"),)


def test_d90_is_shown_where_seeds_are_enough_for_its_interval(
    fabricate: Fabricate, labelled: Any
) -> None:
    scores = {"gru": 40, "rnn": 5}
    runs = [
        fabricate(cell=cell, gap=gap, seed=seed, score=1.0 if gap == 10 else 0.0)
        for cell, seeds in scores.items()
        for gap in (10, 40)
        for seed in range(seeds)
    ]
    results, _ = labelled(runs)
    table = horizon_table(horizons(results))
    column = table.header.index("D90 (score 0.9)")
    found = {row[1]: row[column] for row in table.rows}
    assert found["rnn"] == "" and re.fullmatch(r"11\.\d \(.* to .*\)", found["gru"])


def test_a_curve_of_failed_runs_has_no_rate(
    fabricate: Fabricate, break_run: Callable[..., Any], labelled: Any
) -> None:
    results, _ = labelled([break_run(fabricate(steps=0, seconds=0.0), "failed")])
    table = horizon_table(horizons(results))
    assert table.header[-1] == "seconds a run" and table.rows[0][-1] == "0"


def test_the_interquartile_mean_is_of_the_middle_seeds(fabricate: Fabricate, labelled: Any) -> None:
    values = {11: [0.0, 0.5, 0.5, 0.8, 1.0], 20: [0.1, 0.2]}
    _, summary = labelled(
        [fabricate(gap=g, seed=s, score=a) for g, v in values.items() for s, a in enumerate(v)]
    )
    (row,) = interquartile_table(summary).rows
    assert row[1].startswith("0.60 (0.") and row[2] == "0.15"
    first = summary.iloc[0]
    assert 0 <= first.score_iqm_low < 0.6 < first.score_iqm_high <= 1


def test_settings_name_every_value(fabricate: Fabricate, labelled: Any) -> None:
    rows = [fabricate(gap=10, seed=s, lr=0.003) for s in range(5)] + [fabricate(gap=20, lr=0.0001)]
    results, _ = labelled([*rows, fabricate(cell="rnn")])
    table = settings_table(results)
    rows = [dict(zip(table.header, row, strict=True)) for row in table.rows]
    cells = {row["cell"].partition(",")[0]: row for row in rows}
    assert [row["cell"] for row in rows] == ["rnn, lr 0.003", "gru, lr 0.0001 to 0.003"]
    assert cells["gru"]["seeds"] == "0 to 4"
    assert cells["gru"]["lr"] == "0.0001, 0.003"
    assert (cells["gru"]["keep bias"], cells["rnn"]["keep bias"]) == ("1", "none")


def test_markdown_keeps_texts_in_their_place() -> None:
    table = Table(("a|b", "n"), (("x\ny", "< 1"), ("<b>", "my_cell")))
    lines = to_markdown([Heading("#1 *x*"), table]).splitlines()
    assert lines == [
        "## \\#1 \\*x\\*",
        "",
        "| a\\|b |       n |",
        "| ---- | ------: |",
        "| x y  |     < 1 |",
        "| \\<b> | my_cell |",
    ]


def test_every_block_of_a_page_is_escaped() -> None:
    evil = '"><i>'
    blocks = [
        Heading(evil),
        Paragraph(evil),
        Bullets((evil,)),
        Table((evil,), ((evil,),)),
        Figure("a", evil, draw=lambda _: Drawing(), rows=lambda _: one_panel_each([])),
    ]
    page = to_html(evil, blocks, {"a": Picture(b"<svg/>", b"<svg/>")})
    assert "<i>" not in page
    texts = page.replace("&quot;", '"').replace("&gt;", ">").replace("&lt;", "<").count(evil)
    assert texts == 9  # the title, and each block: a heading twice, a table and a picture too
