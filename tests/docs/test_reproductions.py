"""The tables and sentences on known results that were run again are those of the stored records."""

import gzip
import math
import re
from functools import cache

import torch

import rnnbench
from rnnbench.plot.reach import drawn_at
from rnnbench.plot.starts import CHRONO, half_life, keep_bias_horizons
from rnnbench.statistics import HORIZON, median_steps, seeds_to_bound, wilson_interval
from rnnbench.store.records import CONSOLIDATED
from rnnbench.tasks.adding import Adding
from rnnbench.training.data import STEPS_PER_BLOCK, fixed_batches, scheduled_gap
from rnnbench.training.streams import EVALUATION, TEST

from .markdown import ROOT, says, table

PAGE = "reproductions.md"
STORED = ROOT / "results" / "reproductions"
RUNS = {"staged_learning": 10, "hs97_adding": 40, "gru_and_lstm": 20}
RUNS |= {"collins": 720, "keep_bias": 600, "curriculum": 90, "urnn_adding": 15, "tree": 270}
STARTS = (0, 1, 2, 3, 5, CHRONO)
CELLS = ("lstm", "gru")
WORDS = "none one two three four five six seven eight nine ten eleven".split()
PLATEAU = 1 / 12  # the loss on adding of one who knows one of the two numbers


@cache
def results(name):
    return rnnbench.load_results(STORED / name)


def losses(name):
    """Return the losses of the evaluations: rows step, columns run_id."""
    history = rnnbench.load_history(STORED / name)
    return history.pivot_table(index="step", columns="run_id", values="loss")


@cache
def horizons(task):
    """Return the horizon by (start, cell)."""
    found = keep_bias_horizons(results("keep_bias").query("task == @task"))
    return found.set_index(["start", "cell"])["horizon"]


def rows(heading):
    """Return the rows of the table below a heading, without the names of its columns."""
    return table(PAGE, heading)[1:]


def span(values, form=",.0f"):
    return f"{min(values):{form}} to {max(values):{form}}"


def each(values, form=".3f"):
    return ", ".join(f"{value:{form}}" for value in sorted(values))


def wilson(successes, trials):
    _, low, high = wilson_interval(successes, trials)
    return f"{100 * low:.0f} to {100 * high:.0f} %"


def test_the_records_are_whole_and_small_and_name_no_place():
    assert {path.name for path in STORED.iterdir()} == set(RUNS)
    for name, runs in RUNS.items():
        assert len(results(name)) == runs
        assert "failed" not in set(results(name)["status"])
        for command in results(name)["command"].unique():
            words = command.split()
            assert words[:3] == ["python", "-m", "rnnbench"]
            assert f"output_dir=results/{name}" in words
        path = STORED / name / CONSOLIDATED[1]
        assert path.stat().st_size < 2**20
        assert not re.search(r'[" =]/', gzip.decompress(path.read_bytes()).decode())
    assert sum(path.stat().st_size for path in STORED.rglob("*.*")) < 4 * 2**20
    (processor,) = {cpu for name in RUNS for cpu in results(name)["cpu"]}
    says(PAGE, f"all of them trained on one machine with two cores ({processor})")


def test_the_keep_bias_on_recall():
    found = horizons("recall")
    lives = [half_life(start) for start in STARTS[:-1]]
    told = [f"{life:.1f}" if life < 100 else f"{life:.0f}" for life in lives]
    heading = "The keep bias moves recall's horizon more than the choice of cell"
    assert rows(heading) == [
        [str(start), life, *(str(found[start][cell]) for cell in CELLS)]
        for start, life in zip(STARTS, [*told, "1 to gap"], strict=True)
    ]
    assert not any(parted(found[start]) for start in STARTS)
    says(PAGE, "at no bias do the intervals of the two cells part")
    assert all(found[3][cell].horizon.bound == ">" for cell in CELLS)
    (least,) = {f"{found[0][cell].horizon.gap:.0f}" for cell in CELLS}
    says(PAGE, f"From bias 0 to 3 the horizon grows from {least} time steps to more than 80")
    (shut,) = {reached("recall", 0, cell, 40) for cell in CELLS}
    (opened,) = {reached("recall", 3, cell, 40) for cell in CELLS}
    assert wilson_interval(*shut).high < wilson_interval(*opened).low
    says(PAGE, f"at gap 40 {share(shut)} at bias 0 and {share(opened)} at bias 3, of either cell")
    ratios = [
        found[start][cell].horizon.gap / life
        for start, life in zip((0, 1, 2), lives[:3], strict=True)
        for cell in CELLS
        if not found[start][cell].horizon.bound
    ]
    says(PAGE, f"reach {span(ratios)} times as far at biases 0 to 2")
    lstm = {start: found[start]["lstm"].horizon for start in (0, 1, 3)}
    says("why.md", f"falls from {lstm[1]} to {lstm[0]} time steps, with 3 it is beyond 80")
    assert str(lstm[3]) == "> 80"


def test_the_keep_bias_on_adding():
    runs = results("keep_bias").query("task == 'adding'")
    assert set(runs["status"]) == {"solved"}
    says(PAGE, f"All {len(runs)} runs are solved", "every cell at every bias is > 40")
    (found,) = set(horizons("adding"))
    assert str(found.horizon) == "> 40" and not found.is_bounded
    says(PAGE, f"(Its interval is {found.low} to {found.high} all the same")
    scores = {gap: [1.0] * 5 for gap in (11, 20, 40)}
    says(PAGE, f"`seeds={seeds_to_bound(scores)}` would")
    start = runs["keep_bias"].astype(object).mask(runs["init"] == CHRONO, CHRONO)
    steps = runs.groupby([start, "cell", "gap"])["steps_to_solve"].agg(median_steps)
    told = [
        [str(start), *(" / ".join(f"{n:,.0f}" for n in steps[start][cell]) for cell in CELLS[::-1])]
        for start in STARTS
    ]
    assert rows("On adding it changes little, and the other way") == told
    cells = steps.unstack("cell")
    assert (cells["gru"] <= cells["lstm"]).all()
    says(PAGE, "The GRU never needs more steps than the LSTM")


def test_the_keep_bias_on_copy():
    found = horizons("copy")
    told = [[str(start), *(str(found[start][cell]) for cell in CELLS)] for start in STARTS]
    assert rows("On copy it turns the ranking of the cells over") == told
    gru_alone, lstm_alone = [(0, 20), (1, 40)], [(3, 40), (5, 40)]
    for places, first, second in ((gru_alone, "gru", "lstm"), (lstm_alone, "lstm", "gru")):
        for start, gap in places:
            assert reached("copy", start, first, gap) == (5, 5)
            assert reached("copy", start, second, gap) == (0, 5)
            order = [drawn_at(found[start][cell].horizon, 2) for cell in (first, second)]
            assert order[0] > order[1]
    says(PAGE, f"{share((5, 5))} with the GRU and {share((0, 5))} with the LSTM")
    assert not any(found[start][cell].low.bound != "<" for start in STARTS for cell in CELLS)
    lstm = [drawn_at(found[start]["lstm"].horizon, 2) for start in STARTS[:-1]]
    assert lstm == sorted(lstm)


def parted(pair):
    """Return whether the intervals of two horizons lie apart."""
    lstm, gru = (pair[cell] for cell in CELLS)
    return lstm.beyond(gru) or gru.beyond(lstm)


def reached(task, start, cell, gap):
    """Return how many runs at a keep bias have a score of 0.75 or more, and of how many."""
    runs = results("keep_bias").query("task == @task and cell == @cell and gap == @gap")
    scores = runs[(runs["init"] == "torch") & (runs["keep_bias"] == start)]["score"]
    return int((scores >= HORIZON).sum()), len(scores)


def share(counts):
    successes, trials = counts
    return f"{successes} of {trials} ({wilson(successes, trials)})"


def test_adding_under_the_urnn_recipe():
    runs = results("urnn_adding")
    start = {key: own for key, own in runs.groupby(["cell", "init"], observed=True)}
    rnn, lstm = start["rnn", "glorot"], start["lstm", "glorot"]
    assert len(rnn) == len(lstm) == 5 and rnn["score"].max() < 0.05
    (below,) = {(lstm["loss"] < limit).sum() for limit in (PLATEAU, 0.1)}
    low = (lstm["loss"] < 0.02).sum()
    since = (losses("urnn_adding")[lstm["run_id"]] < 0.1).idxmax()
    told = [
        f"{span(rnn['loss'], '.3f')}: 0 of 5 leave chance (Wilson: {wilson(0, 5)})",
        f"{each(lstm['loss'])}: {below} of 5 below 1/12 ({wilson(below, 5)}), "
        f"{low} of 5 below 0.02 ({wilson(low, 5)}); below 0.1 after {span(since)}",
    ]
    heading = "Adding at T = 100 under the uRNN recipe: the tanh RNN fails, the LSTM succeeds"
    assert [row[-1] for row in rows(heading)] == told
    assert since.min() > 1450
    other = start["lstm", "torch"]["loss"]
    assert len(other) == 5
    says(PAGE, f"{each(other)} are all that 8,000 updates give")
    assert set(runs["status"]) == {"unsolved"}
    says(PAGE, f"of the LSTMs from Glorot's weights {span(100 * lstm['accuracy'])} of 100 are")


def test_the_losses_of_a_constant_answer_under_the_urnn_recipe():
    task, size = Adding(gap=50, layout="half"), 2048
    chance = []
    for kind in (EVALUATION, TEST):
        batches = fixed_batches(task, size, kind, torch.device("cpu"), torch.float64)
        answers = torch.cat([batch.targets.flatten() for batch in batches])
        chance.append(f"{(answers - 1).square().mean():.3f}")
    says(PAGE, "a loss of {}, on those of the test stream {}".format(*chance))


def test_gru_and_lstm_on_adding():
    runs = results("gru_and_lstm")
    told = []
    for cell in ("gru", "lstm"):
        steps = runs[runs["cell"] == cell]["steps_to_solve"]
        solved = f"{steps.count()} of {len(steps)}"
        told.append([cell, solved, f"{median_steps(steps):,.0f} ({span(steps)})"])
    assert rows("GRU needs fewer steps than LSTM on adding at gap 50") == told
    steps = runs.pivot_table(index="seed", columns="cell", values="steps_to_solve")
    assert len(steps) == 10 and (steps["gru"] < steps["lstm"]).all()
    says(PAGE, "The GRU is the sooner one on every one of the ten seeds")


def test_adding_is_learned_in_stages():
    course = losses("staged_learning")
    near = (course - PLATEAU).abs() < 0.01
    counts, last = near.sum(), course.iloc[-1]
    stay = counts[counts >= 4].index
    assert near.shape == (15, 10)
    says(PAGE, f"{WORDS[len(stay)]} of ten seeds have four or more of their fifteen evaluations")
    longest = near[counts.idxmax()]
    since = longest.loc[longest.idxmax() :]
    says(PAGE, f"one of them {WORDS[counts.max()]} of its last {WORDS[len(since)]}")
    others = last.drop(stay)
    assert counts[others.index[others < 0.01]].max() == 1
    says(PAGE, f"{WORDS[(others < 0.01).sum()]} go through with one at most")
    arrived = others[near.iloc[-1][others.index]]
    says(PAGE, f"{WORDS[len(arrived)]} come there at the end")
    at_chance = results("staged_learning")["score"] < 0.05
    assert at_chance.sum() == len(others) - (others < 0.01).sum() - len(arrived) == 1
    says(PAGE, "one is still at chance")


def test_shorter_gaps_in_training():
    runs = results("curriculum")
    learned = runs[runs["score"] >= HORIZON]
    counts = learned.groupby(["gap_schedule", "cell", "gap"]).size()
    transfer = rnnbench.load_transfer(STORED / "curriculum")
    farther = transfer[transfer["test_gap"] > transfer["gap"]]
    best = farther[farther["run_id"].isin(learned["run_id"])].groupby("run_id")["score"].max()
    told = []
    for name in ("fixed", "uniform", "growing"):
        each = [
            f"{cell} {' / '.join(str(counts.get((name, cell, gap), 0)) for gap in (20, 40, 80))}"
            for cell in CELLS
        ]
        own = learned[learned["gap_schedule"] == name]["run_id"]
        measured = best.reindex(own).dropna()
        holds = (measured >= HORIZON).sum()
        told.append([", ".join(each), f"{len(own)} of 30", f"{holds} of {len(measured)}"])
    heading = "Shorter gaps in training decide whether recall is learned at all"
    assert [row[1:] for row in rows(heading)] == told
    says(PAGE, f"5 of 5 is {wilson(5, 5)}, 0 of 5 is {wilson(0, 5)}")
    solved = runs[(runs["gap_schedule"] == "growing") & (runs["gap"] == 80)].groupby("cell")
    steps = solved["steps_to_solve"].agg(median_steps)
    says(PAGE, f"after a median of {steps['lstm']:g} steps (LSTM) and {steps['gru']:g} (GRU)")
    blocks = [math.ceil(number / STEPS_PER_BLOCK) for number in (*steps[list(CELLS)], 3000)]
    most = [scheduled_gap(range(1, 81), "growing", n - 1, blocks[-1]) for n in blocks[:-1]]
    says(PAGE, f"when no gap above {most[0]} and {most[1]} has been trained on yet")
    farthest = learned[(learned["gap_schedule"] != "fixed") & (learned["gap"] == 80)]
    assert (farthest.groupby(["gap_schedule", "cell"]).size() == 5).all()
    assert "both hold gap 80 on all of five seeds" in (ROOT / "README.md").read_text()


def test_hochreiter_and_schmidhubers_adding():
    runs = results("hs97_adding")
    wrong = (2560 * (1 - runs["accuracy"])).round()
    told = []
    for init, lr in (("chrono", 0.5), ("chrono", 0.1), ("torch", 0.5), ("torch", 0.1)):
        own = runs[(runs["init"] == init) & (runs["lr"] == lr)]
        solved = own["steps_to_solve"].dropna()
        row = [f"{len(solved)} of {len(own)}", "", "chance"]
        if len(solved):
            off = wrong[own.index]
            row[1] = f"{solved.mean().round(-3):,.0f} ({span(solved)})"
            row[2] = f"{off.median():g} ({span(off)})"
        else:
            assert own["score"].max() < 0
        told.append([f"{lr:g}", *row])
    heading = "Hochreiter & Schmidhuber's adding over 100 time steps"
    found = rows(f"{heading}: a matter of the input gates' start")
    assert [row[1:] for row in found[1:]] == told
    lost = runs[(runs["init"] == "chrono") & (runs["status"] == "unsolved")].index
    history = rnnbench.load_history(STORED / "hs97_adding").set_index(["run_id", "step"])
    (earlier,) = history.loc[[(run, 246_000) for run in runs.loc[lost, "run_id"]], "accuracy"]
    (answers,) = wrong[lost]
    says(PAGE, f"is not solved after 250,000 sequences has the {WORDS[int(answers)]} wrong answers")
    says(PAGE, f"and had {2560 * (1 - earlier):.0f} four thousand sequences earlier")


def test_how_often_a_cell_trains():
    runs = results("collins")
    plain = runs["optimizer"] == "sgd"
    learned, unclipped = runs["score"] >= HORIZON, plain & runs["clip_norm"].isna()
    told = []
    for cell in ("rnn", "lstm", "gru"):
        own = runs["cell"] == cell
        rates = runs[learned & ~plain & own]["lr"]
        diverged = runs[unclipped & own]["status"] == "diverged"
        numbers = [(learned & own).sum(), (learned & ~plain & own).sum()]
        numbers += [power_range(rates), (learned & plain & own).sum(), diverged.sum()]
        told.append([cell, *map(str, numbers)])
        assert len(diverged) == 60 and (plain & own).sum() == (~plain & own).sum() == 120
    assert rows("How often a cell trains at all") == told
    assert set(runs[runs["status"] == "diverged"].index) <= set(runs[unclipped].index)
    says(PAGE, "No run diverges that is clipped, and none with Adam")
    rnns = runs[learned & (runs["cell"] == "rnn")]["init"]
    says(PAGE, f"all {len(rnns)} of those that learn with the RNN start from an orthogonal matrix")
    assert set(rnns) == {"orthogonal"}


def power_range(rates):
    """Return the least and the greatest rate, as in 1e-3 to 3e-3."""
    least, most = (f"{rate:.0e}".replace("e-0", "e-") for rate in (rates.min(), rates.max()))
    return f"{least} to {most}"
