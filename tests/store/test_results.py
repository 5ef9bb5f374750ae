"""Records as data frames: the promised columns, and every run counted."""

import math

import pandas as pd
import pytest

import rnnbench
from rnnbench.store.frames import load_all
from rnnbench.store.records import Store, consolidate
from rnnbench.store.settings import label_conditions

COLUMNS = """task cell gap seed lr hidden_size num_parameters state_size batch_size steps loss
accuracy score chance_accuracy chance_loss status steps_to_solve seconds sequences_per_second engine
device dtype run_id condition_id version sequence_length load_bits plateaus init keep_bias sweep
error num_layers directions least_distance greatest_distance clipped_steps lr_choice gap_schedule
optimizer clip_norm clip_value train_set_size task_version cell_version model_version
trainer_version task_code cell_code command python torch platform cpu cores threads gpu git_commit
started same_as accuracy_by_age curve superseded""".split()
FLOATS = """lr loss accuracy score steps_to_solve seconds sequences_per_second load_bits keep_bias
least_distance greatest_distance clipped_steps clip_norm clip_value train_set_size task_version
cell_version model_version trainer_version""".split()


def record(seed, **more):
    row = {
        **{"format": 1, "run_id": f"{seed:016d}", "condition_id": "c" * 16, "task": "copy"},
        **{"cell": "gru", "gap": 20, "seed": seed, "lr": 1e-3, "hidden_size": 8, "steps": 4},
        **{"num_parameters": 9, "state_size": 8, "batch_size": 4, "chance_accuracy": 0.125},
        **{"chance_loss": math.log(8), "engine": "reference", "device": "cpu", "seconds": 0.5},
        **{"dtype": "float32", "version": "0.1.0", "sequences_per_second": 32.0, "loss": 0.3},
        **{"accuracy": 0.9, "score": 0.88, "status": "unsolved", "steps_to_solve": None},
        **{"sweep": "trial"},
    }
    history = [
        {"step": s, "loss": 1.0 / s, "accuracy": 0.5, "score": 0.4, "grad_norm": 0.1}
        for s in (2, 4)
    ]
    return {**row, "history": history, **more}


@pytest.fixture
def directory(tmp_path):
    store = Store(tmp_path / "sweep")
    store.write(record(1))
    store.write(record(0, status="solved", steps_to_solve=200))
    lost = {"loss": math.nan, "accuracy": 0.125, "score": 0.0}
    store.write(record(2, status="diverged", **lost))
    return tmp_path / "sweep"


def test_one_row_per_run_with_the_promised_columns(directory):
    frame = rnnbench.load_results(directory)
    assert frame.columns.tolist() == COLUMNS
    assert {"lr_choice": "given", "gap_schedule": "fixed", "optimizer": "adam"}.items() <= dict(
        frame.iloc[0]
    ).items()
    assert frame["seed"].tolist() == [0, 1, 2]
    assert frame["status"].tolist() == ["solved", "unsolved", "diverged"]
    assert frame["steps_to_solve"].dtype == "float64"
    assert frame["steps_to_solve"].isna().tolist() == [False, True, True]
    assert frame["loss"].isna().tolist() == [False, False, True]
    assert frame["score"].mean() == pytest.approx((0.88 + 0.88 + 0) / 3)


def test_one_row_per_run_and_evaluation(directory):
    frame = rnnbench.load_history(directory)
    assert frame.columns.tolist() == (
        "run_id task cell gap seed lr step loss accuracy score grad_norm".split()
    )
    assert len(frame) == 6
    assert frame.query("seed == 1")["loss"].tolist() == [0.5, 0.25]


def test_a_tuned_condition_has_a_row_for_each_rate(directory):
    tuning = {
        **{"lr": 1e-3, "learned": True, "at_edge": False, "seeds": [1021]},
        "grid": [{"lr": 1e-3, "score": 0.9, "steps": 4.0, "solved": 1, "dropped": False}],
    }
    Store(directory).write(record(3, tuning=tuning, history=[]))
    (row,) = load_all(directory).tuning.to_dict("records")
    assert row == {
        "task": "copy",
        "cell": "gru",
        "gap": 20,
        "condition_id": "c" * 16,
        "chosen_lr": 1e-3,
        "learned": True,
        "at_edge": False,
        **tuning["grid"][0],
        "tuned_at": 20,
        "seeds": 3,  # of records that do not tell
    }


def test_evaluations_keep_to_their_run(tmp_path):
    store = Store(tmp_path / "sweep")
    lengths = {0: 2, 1: 0, 2: 3}
    for seed, length in lengths.items():
        history = [{"step": 10 * i + seed, "loss": None} for i in range(length)]
        store.write(record(seed, history=history))
    frame = rnnbench.load_history(tmp_path / "sweep")
    assert frame["seed"].tolist() == [0, 0, 2, 2, 2]
    assert frame["run_id"].tolist() == [f"{seed:016d}" for seed in frame["seed"]]
    assert frame["step"].tolist() == [0, 10, 2, 12, 22]
    assert frame["loss"].isna().all() and frame["grad_norm"].isna().all()


def test_where_a_run_comes_from_is_a_column_and_may_be_unknown(tmp_path):
    store = Store(tmp_path / "sweep")
    store.write(record(0))
    environment = {"cpu": "Abacus", "cores": 2, "started": "2026-11-25T01:10:48+00:00"}
    store.write(record(1, command="python -m rnnbench", environment=environment))
    old, new = rnnbench.load_results(tmp_path / "sweep").to_dict("records")
    assert (new["cpu"], new["cores"], new["command"]) == ("Abacus", 2, "python -m rnnbench")
    assert pd.isna(old["cpu"]) and pd.isna(old["cores"]) and pd.isna(old["command"])


def test_a_consolidated_place_reads_alike_and_runs_count_once(directory, tmp_path):
    consolidate([directory], tmp_path / "one")
    expected = rnnbench.load_results(directory)
    for places in (tmp_path / "one", [directory, tmp_path / "one"], str(directory)):
        pd.testing.assert_frame_equal(rnnbench.load_results(places), expected)


def test_an_empty_directory_gives_no_rows_but_all_columns(tmp_path):
    frame = rnnbench.load_results(tmp_path)
    assert len(frame) == 0
    assert frame.columns.tolist() == COLUMNS
    assert frame.columns[frame.dtypes == "float64"].tolist() == [c for c in COLUMNS if c in FLOATS]


def tuned(seed, lr, run_id, seeds=3, **more):
    """Return the record of a run whose rate was chosen, of so many seeds at each rate."""
    entry = {"score": 0.9, "steps": 4.0, "solved": 0, "dropped": False}
    grid = [{"lr": rate, **entry, "seeds": seeds} for rate in (1e-3, 3e-3)]
    tuning = {"lr": lr, "learned": True, "at_edge": False, "grid": grid}
    ids = {"run_id": run_id, "condition_id": "d" * 16}
    return record(seed, lr=lr, tuning=tuning, config={"tuned": True}, **ids, **more)


def test_a_tuned_run_names_the_same_training_with_its_rate_given(tmp_path):
    """Told by its record, or by settings, seed and rate where both were trained."""
    store = Store(tmp_path)
    for each in (record(0), record(1, status="failed"), record(2), record(3, lr=3e-3)):
        store.write(each)
    for seed, more in enumerate(({}, {}, {"same_as": "e" * 16}, {})):
        store.write(tuned(seed, 1e-3, f"{seed:x>16}", **more))
    frame = rnnbench.load_results(tmp_path).query("lr_choice == 'tuned'")
    assert frame["same_as"].tolist() == [f"{0:016d}", None, "e" * 16, None]
    assert not frame["superseded"].any()


def test_runs_at_an_earlier_choice_of_tuning_are_superseded(tmp_path):
    """The latest choice is made of most seeds; of equal ones, the run that started last has it."""
    store = Store(tmp_path)
    store.write(tuned(0, 1e-3, "a" * 16))
    store.write(tuned(0, 3e-3, "b" * 16, seeds=6))
    store.write(tuned(1, 1e-3, "c" * 16))
    frame = rnnbench.load_results(tmp_path).set_index("run_id")
    assert frame["superseded"].to_dict() == {"a" * 16: True, "b" * 16: False, "c" * 16: True}
    grid = load_all(tmp_path).tuning
    assert grid["chosen_lr"].tolist() == [3e-3, 3e-3] and grid["seeds"].tolist() == [6, 6]
    later = {"environment": {"started": "2026-02-01T00:00:00+00:00"}}
    store.write(tuned(2, 1e-3, "d" * 16, seeds=6, **later))
    frame = rnnbench.load_results(tmp_path).set_index("run_id")
    assert frame.index[~frame["superseded"]].tolist() == ["a" * 16, "c" * 16, "d" * 16]


def test_a_model_is_named_where_it_is_no_plain_one():
    plain = {"task": "copy", "cell": "lstm", "hidden_size": 8}
    models = {"a": plain, "b": {**plain, "model.block": "residual"}}
    models["c"] = {**plain, "model.window": 4}
    models["d"] = {**plain, "model.precision": "tf32"}
    models["e"] = {**plain, "model.wiring": "balanced"}
    labels = {"a": "lstm", "b": "lstm, residual blocks", "c": "lstm, window 4"}
    labels |= {"d": "lstm, tf32 products", "e": "lstm, balanced tree"}
    assert label_conditions(models) == labels


def test_an_option_that_came_later_is_named_where_it_is_set():
    plain = {"task": "copy", "cell": "lstm", "hidden_size": 8}
    models = {"a": plain, "b": {**plain, "task.order": "reverse"}}
    assert label_conditions(models) == {"a": "lstm", "b": "lstm, order reverse"}
