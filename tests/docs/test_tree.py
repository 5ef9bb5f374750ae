"""The numbers of the page on trees are those of the stored records."""

import pytest

from rnnbench.cells import RNN
from rnnbench.layers import Layers
from rnnbench.model import count_parameters
from rnnbench.plot.gap import path_lengths
from rnnbench.tasks.delayed_recall import DelayedRecall

from .markdown import says, table
from .test_reproductions import PLATEAU, results

PAGE = "tree.md"


@pytest.fixture(scope="module")
def runs():
    found = results("tree")
    tree = found["model.wiring"] == "balanced"
    return found.assign(over=tree.map({True: "tree", False: "time"}), path=path_lengths(found))


def field(own):
    """Write the mean score of a point's seeds, and how many solve the task."""
    assert sorted(own["seed"]) == list(range(5))
    return f"{own['score'].clip(0, 1).mean():.2f} ({(own['status'] == 'solved').sum()})"


def fields(runs):
    """Return the rows of the table: task, cell, over time or tree, and a field for each gap."""
    gaps = sorted(set(runs["gap"]))
    points = {key: field(own) for key, own in runs.groupby(["task", "cell", "over", "gap"])}
    return [
        [task, cell, over, *(points.get((task, cell, over, gap), "not run") for gap in gaps)]
        for task in ("recall", "adding")
        for cell in ("rnn", "lstm", "gru")
        for over in ("time", "tree")
    ]


def test_the_table(runs):
    assert table(PAGE, "What came of it")[1:] == fields(runs)


def test_recall(runs):
    tree = runs.query("task == 'recall' and over == 'tree'")
    assert set(tree["status"]) == {"solved"} and set(tree["steps_to_solve"]) <= {100, 200}
    says(PAGE, "Every cell solves it over the tree, at every gap and on every seed")
    says(PAGE, "by step 100 or 200 (it is looked at every 100 steps)")
    rnn = runs.query("task == 'recall' and over == 'time' and cell == 'rnn' and gap >= 31")
    assert rnn["score"].max() < 0.02
    says(PAGE, "over time learns nothing from gap 31 on")
    assert set(tree.query("gap == 127")["path"]) == {7}


def test_adding(runs):
    adding = runs.query("task == 'adding'").set_index(["cell", "over", "gap"]).sort_index()
    mean = adding["score"].clip(0, 1).groupby(level=[0, 1, 2]).mean()
    at_31 = [f"{mean['rnn', over, 31]:.2f}" for over in ("time", "tree")]
    says(PAGE, "At gap 31 the plain RNN scores {} over time and {} over the tree".format(*at_31))
    assert mean["lstm", "time", 63] < 0.1 and mean["gru", "time", 63] > 0.99
    assert (adding.loc[("lstm", "tree", 63), "status"] == "solved").all()
    rnn = adding.loc[("rnn", "tree", 63)]
    assert set(rnn["path"]) == {6}
    (stuck,) = rnn.loc[rnn["score"] < 0.75, ["score", "loss"]].to_numpy()
    says(PAGE, f"on a path of 6, one RNN of five stays at {stuck[0]:.2f}, as who knows one number")
    assert stuck[1] == pytest.approx(PLATEAU, rel=0.05)
    says(PAGE, f"On adding the RNN scores {mean['rnn', 'tree', 63]:.2f} on a path of 6")
    says(PAGE, f"and {mean['rnn', 'time', 7]:.2f} on one of 7 with 6")
    assert mean.xs(7, level="gap").round(2).isin([0.99, 1.0]).all()


def test_sizes():
    task = DelayedRecall(gap=15)
    chain, tree = (
        count_parameters(task, RNN(), Layers(wiring=w), 64) for w in ("chain", "balanced")
    )
    says(PAGE, f"{tree:,} parameters of the RNN where the chain has {chain:,}")
