"""The numbers in the guide's sentences are those of the committed results."""

import math
import sys

import pandas as pd
import pytest

import rnnbench
from rnnbench.diagnose.label import VANISHED

from .markdown import ROOT, says

sys.path.insert(0, str(ROOT / "docs"))
from figures import measured

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
REFERENCE = ROOT / "results" / "reference"


@pytest.fixture(scope="module")
def results():
    return rnnbench.load_results(REFERENCE).query("not superseded")


@pytest.fixture(scope="module")
def diagnosed(results):
    runs = rnnbench.load_diagnosis(REFERENCE).runs
    return runs[runs["run_id"].isin(results["run_id"])]


@pytest.fixture(scope="module")
def summary():
    return pd.read_csv(REFERENCE / "summary.csv", keep_default_na=False)


def power(number):
    """Write a number as the text does: 2·10⁻¹⁷."""
    factor, exponent = f"{number:.0e}".split("e")
    return f"{factor}·10{str(int(exponent)).translate(RAISED)}"


def test_gradients():
    at_cue = measured.gradients().loc[measured.GAP]
    factor = at_cue ** (1 / measured.GAP)
    before, after = (at_cue.xs(phase, level="phase") for phase in ("initial", "trained"))
    first, second = factor["rnn"]["initial"]
    says("why.md", f"shrinks by {first:.2f} and {second:.2f} per time step")
    says("why.md", f"At the cue {power(before['rnn'][0])} and {power(before['rnn'][1])} are left")
    lstm, gru = (factor[cell]["initial"].mean() for cell in ("lstm", "gru"))
    says("why.md", f"by {lstm:.2f} and {gru:.2f} per time step")
    says("why.md", f"At the cue of the LSTM {power(before['lstm'].mean())} is left")
    orders = (before["lstm"] / before["rnn"]).map(math.log10).round()
    assert orders.tolist() == [11, 14]
    says("why.md", "eleven to fourteen orders of magnitude")
    gated = after[["lstm", "gru"]]
    says("why.md", f"a gradient of {gated.min():.1f} to {gated.max():.1f} times that at lag 0")
    rnn = after["rnn"]
    says("why.md", f"one seed is at {power(rnn[0])}, the other at {power(rnn[1])}")
    says("why.md", f"The dotted line, {VANISHED}")
    assert before["lstm"].max() < VANISHED


def test_a_typical_vector_shrinks_by_the_root_of_a_third():
    says("why.md", "1/√3 = 0.58", f"that is 0.58⁸⁰, about {power(3**-40)}")
    assert f"{3**-0.5:.2f}" == "0.58"


def test_gates():
    opened = {
        (cell, name): measured.gates(cell, name, "trained")
        for cell, name in (("lstm", "f"), ("lstm", "i"), ("lstm", "o"), ("gru", "z"))
    }
    mean = {key: table["mean"] for key, table in opened.items()}
    entering = mean["lstm", "i"]
    says("why.md", f"{entering[0]:.2f} at time 0, {entering[5]:.2f} from time 5 on")
    assert entering[5:].round(2).between(0.40, 0.41).all()
    start = measured.gates("lstm", "f", "initial")["mean"].iloc[-1]
    says("why.md", f"from {start:.2f} before training to {mean['lstm', 'f'].iloc[-1]:.2f}")
    assert opened["lstm", "f"]["max"][5:].min() > 0.999
    leaving = mean["lstm", "o"]
    says("why.md", f"The output gate** goes from {leaving[0]:.2f} to {leaving.iloc[-1]:.2f}")
    keeping = mean["gru", "z"]
    says(
        "why.md", f"`z` is at {keeping[0]:.2f} at the cue", f"at {keeping.iloc[-1]:.2f} at the end"
    )


def test_half_lives(diagnosed):
    runs = measured.runs().set_index(["cell", "seed"]).sort_index()
    lstm, gru = runs.loc["lstm"], runs.loc["gru"]
    median = lstm[["half_life_initial", "half_life_trained"]].median()
    says("why.md", "goes from {:.1f} to {:.1f} time steps".format(*median))
    longest = lstm["longest_trained"]
    says("why.md", f"{longest[0]:,.0f} time steps on one seed and {longest[1]:,.0f} on the other")
    says("why.md", f"Before training the longest was {lstm['longest_initial'].max():.1f}")
    says("why.md", "are {:.0f} and {:.0f} time steps".format(*gru["longest_trained"]))
    left = 2 ** (-measured.GAP / gru["longest_trained"].min())
    assert left == pytest.approx(0.2, abs=0.01)
    recall = diagnosed.query("task == 'recall' and gap == 20 and cell == 'gru'")
    assert set(recall["label"]) == {"solved"}
    most = recall["longest_trained"].max()
    says(
        "why.md",
        f"above {most:.1f} time steps",
        f"such a gate has left {2 ** (-20 / most):.1%}"[:-1],
    )
    for bias, half_life in ((1, "2.2"), (2, "5.5"), (3, "14.3")):
        keep = 1 / (1 + math.exp(-bias))
        assert f"{math.log(2) / -math.log(keep):.1f}" == half_life
        says("why.md", half_life)


def test_sizes_and_horizons(summary, results):
    own = summary[summary.variant == ""].set_index(["task", "cell"])
    for cell in measured.CELLS:
        row = own.loc["adding", cell]
        says("why.md", f"{row.num_parameters:,}", f" {row.state_size} ")
    for task in ("adding", "copy", "recall"):
        cells = [own.loc[task, cell] for cell in measured.CELLS]
        told = [f"{row.horizon_bound} {row.horizon:.0f}".strip() for row in cells]
        says("why.md", f"| {task} | {' | '.join(told)} |")
    scores = results.query("task == 'adding' and gap == 80 and lr == 0.003").groupby("cell")[
        "score"
    ]
    says(
        "why.md", "mean of ten seeds | {rnn:.2f} | {lstm:.2f} | {gru:.2f} |".format(**scores.mean())
    )
    copy = results.query("task == 'copy' and gap == 11 and lr_choice == 'given'")
    means = copy.groupby("cell")["accuracy"].mean()
    assert f"{means['lstm']:.2f}" == f"{means['gru']:.2f}" == "0.93"
    says("why.md", f"a mean accuracy of {means['rnn']:.2f} where LSTM and GRU have 0.93")


def ranged(row):
    """Write a horizon with its interval as README's table does."""
    names = ("horizon", "horizon_low", "horizon_high")
    told = [f"{row[f'{name}_bound']} {float(row[name]):.0f}".strip() for name in names]
    return told[0] if len(set(told)) == 1 else f"{told[0]} ({told[1]} to {told[2]})"


def test_the_table_of_the_first_page(summary, results):
    text = (ROOT / "README.md").read_text()
    own = summary.set_index(["task", "variant", "cell"])
    for task in ("adding", "copy", "recall"):
        for variant, name in (("", "one for all cells"), ("tuned lr", "tuned for each")):
            told = " | ".join(ranged(own.loc[task, variant, cell]) for cell in measured.CELLS)
            assert f"| {name} | {told} |" in text
    tuned = results.query(
        "task == 'recall' and cell == 'lstm' and lr_choice == 'tuned' and gap == 11"
    )
    transfer = rnnbench.load_transfer(REFERENCE)
    far = transfer[transfer["run_id"].isin(tuned["run_id"]) & (transfer["test_gap"] == 160)]
    assert f"the tuned LSTM scores {far['score'].mean():.2f} at gap 160" in text
    says("why.md", f"at gap 11 it scores {far['score'].mean():.2f} at gap 160")


def test_who_solves_recall(results):
    given = results.query("task == 'recall' and gap == 20 and lr_choice == 'given'")
    solved = given[given["status"] == "solved"]["cell"].value_counts()
    assert solved["lstm"] == 10 and "rnn" not in solved
    says("why.md", "ten of ten LSTMs solve it in the reference sweep, and no RNN of ten")
    tuned = results.query("task == 'recall' and lr_choice == 'tuned' and score > 0.99")
    solved = tuned.groupby(["cell", "gap"]).size()
    assert solved["gru", 80] == 10 and ("lstm", 40) not in solved
    says("why.md", "solves gap 80 on ten seeds of ten, and the LSTM gap 40 on none")


def test_labels(diagnosed):
    counts = diagnosed["label"].value_counts()
    says(
        "why.md", f"Of {len(diagnosed)} diagnosed runs {counts['vanishing']} are labelled vanishing"
    )
    says("why.md", f"but {counts['not trained long enough']} were not trained long enough")
    says("why.md", f"and {counts['unclear']} remain unclear")


def test_the_figures_page(results):
    gru = results.query("task == 'recall' and gap == 40 and cell == 'gru' and lr == 0.001")
    says("figures.md", f"the GRU's mean is {gru['accuracy'].mean():.2f}")
    assert sorted(gru["accuracy"].round(2))[-2:] == [0.80, 1.00]
    assert (gru["accuracy"].sort_values()[:8] < 0.15).all()
    copy = results.query("task == 'copy' and gap == 40 and cell == 'gru' and lr_choice == 'given'")
    says("figures.md", f"is right in {100 * copy['accuracy'].mean():.0f} of 100 answers")
    tuned = results.query(
        "task == 'copy' and gap == 20 and cell == 'lstm' and lr_choice == 'tuned'"
    )
    transfer = rnnbench.load_transfer(REFERENCE)
    own = transfer[transfer["run_id"].isin(tuned["run_id"])].groupby("test_gap")["score"].mean()
    says("figures.md", f"scores {own[20]:.2f} with a tuned LSTM, and {own[11]:.2f} at gap 11")
    cue = rnnbench.load_diagnosis(REFERENCE).curves.query(
        "task == 'copy' and cell == 'rnn' and gap == 11 and measure == 'cue' and phase == 'trained'"
    )
    seen = cue[cue["lr"] == 0.003].groupby("time")["value"].median()
    says("figures.md", f"falls to {seen.min():.1f} and comes back to {seen.iloc[-1]:.0f}")
