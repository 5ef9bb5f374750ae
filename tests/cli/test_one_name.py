"""A run has one name in every command: it tells the options that its sweep varies."""

import re

import pytest

import rnnbench
from rnnbench import status
from rnnbench.diagnose.__main__ import main as diagnose
from rnnbench.guess import search
from rnnbench.transfer import evaluate
from rnnbench.verify import rerun

SMALL = {"trainer.steps": 2, "model.hidden_size": 8, "trainer.eval_size": 16}
NAMES = [f"recall gap 4 gru, distractors {kind}" for kind in ("blank", "noise")]
PLANS = {
    "guess": lambda place: search.make_plan(place, 9, None, None),
    "transfer": lambda place: evaluate.make_plan(place, [6], None, None),
    "verify": lambda place: rerun.make_plan(place, 2, 0),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    place = tmp_path_factory.mktemp("sweep")
    options = {"task.distractors": ["noise", "blank"], "cell.init": "orthogonal"}
    rnnbench.run(task="recall", cell="gru", gap=4, seeds=1, output_dir=place, **options, **SMALL)
    return place


@pytest.mark.parametrize("command", PLANS)
def test_in_the_lines_of_progress(trained, command):
    jobs, _ = PLANS[command](trained)
    assert sorted(re.split(":|, seed", job["name"])[0] for job in jobs) == NAMES


def test_in_a_diagnosis(trained, capsys):
    diagnose([str(trained), "--sequences", "64"])
    *lines, _ = capsys.readouterr().out.splitlines()
    assert [line.partition(" lr ")[0] for line in lines] == NAMES


def test_in_the_status(trained, capsys):
    status.main([str(trained)])
    table = capsys.readouterr().out
    assert all(f"recall  {name.removeprefix('recall gap 4 ')}" in table for name in NAMES)


@pytest.mark.long
def test_a_search_is_not_named_by_what_does_not_matter_to_it(trained):
    options = {"cell.init": ["torch", "chrono"], "trainer.batch_size": [4, 8]}
    place = trained / "starts"
    rnnbench.run(
        task="recall", cell="gru", gap=[3, 4], seeds=1, output_dir=place, **options, **SMALL
    )
    jobs, _ = PLANS["guess"](place)
    assert [job["name"] for job in jobs] == [f"recall gap {gap} gru: 9 guesses" for gap in (4, 3)]
