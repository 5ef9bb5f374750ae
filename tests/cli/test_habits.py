"""What people type from habit is one line that names the right form, or does what it says."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rnnbench.cli.command import run_command
from rnnbench.cli.compose import compose
from rnnbench.store.frames import load_history, load_results

LINES = {
    "gap=20": "gap is not an option (did you mean task.gap=20?)",
    "task=recall gap=10,20": "gap is not an option (did you mean task.gap=10,20?)",
    "lr=1e-3": "lr is not an option (did you mean trainer.lr=1e-3?)",
    "learning_rate=1e-3": "did you mean trainer.lr=1e-3?",
    "hidden_size=64": "hidden_size is not an option (did you mean model.hidden_size=64?)",
    "steps=500": "steps is not an option (did you mean trainer.steps=500?)",
    "batch_size=32": "did you mean trainer.batch_size=32?",
    "optimizer=sgd": "did you mean trainer.optimizer=sgd?",
    "num_layers=2": "did you mean model.num_layers=2?",
    "trainer.gap=20": "trainer.gap is not an option (did you mean task.gap=20?)",
    "task=adding tolerance=0.1": "did you mean task.tolerance=0.1?",
    "epochs=10": "epochs is not an option (trainer.steps is a number of updates)",
    "seed=3": "seed is not an option (did you mean seeds=[3]?)",
    "seed=1,2,3": "did you mean seeds=1,2,3?",
    "num_workers=4": "did you mean workers=4?",
    "gpus=1": "gpus is not an option (device=cuda takes the GPU)",
    "dataset=copy": "did you mean task=copy?",
    "wandb=false": "wandb is not an option (tracker=none turns it off, tracker=wandb on)",
    "tracker=off": "tracker must be one of none, wandb, got off (did you mean none?)",
    "tracker=false": "tracker must be one of none, wandb, got false (did you mean none?)",
    "tracker=offline": "did you mean tracker.mode=offline?",
    "--task recall": "--task is not an option (did you mean task=recall?)",
    "--task=recall": "--task is not an option (did you mean task=recall?)",
    "--gap 20": "did you mean task.gap=20?",
    "--hidden-size=32": "did you mean model.hidden_size=32?",
    "-t recall": "-t is not an option (did you mean task=recall?)",
    "--dry-run": "did you mean dry_run=true?",
    "--resume": "--resume is not an option (the same command goes on where it stopped)",
    "--no-wandb": "--no-wandb is not an option (tracker=none turns it off)",
    "--config-name=mine": "+sweep=NAME takes NAME.yaml from sweep/ of --config-dir DIR",
    "--verbose": "unrecognized arguments: --verbose",
    "task.gap=[10,20]": "got [10, 20] (several: task.gap=10,20)",
    "model.hidden_size=[32,64]": "(several: model.hidden_size=32,64)",
    "task.gap=12, 20": "task.gap=12, ends with a comma: several values have commas and no spaces",
    "task.gap=12 20": "20 is not key=value (did you mean task.gap=12,20?)",
    "cell=[lstm,gru]": "cell must be a name, got [lstm,gru] (several: cell=lstm,gru)",
    "cell=lstm gru": "gru is not key=value (did you mean cell=lstm,gru?)",
    "cell=LSTM": "cell must be one that --help lists, got LSTM (did you mean lstm?)",
    "task = recall": "task is not key=value (did you mean task=recall?)",
    "task==recall": "task==recall cannot be read: write task=recall",
    "recall": "recall is not key=value (did you mean task=recall?)",
    "gaps": "gaps is not key=value (did you mean +sweep=gaps?)",
    "+sweep gaps": "+sweep is not key=value (did you mean +sweep=gaps?)",
    "sweep=gaps": "sweep is chosen with a plus: write +sweep=gaps",
    "++sweep=gaps": "sweep is chosen with a plus: write +sweep=gaps",
    "cluster=slurm": "cluster is chosen with a plus: write +cluster=slurm",
    "cluster.gpus=1": "without a cluster: add +cluster=ray or +cluster=slurm",
    "+cluster=local": "got local (without it, this machine trains)",
    "dry_run": "dry_run is not key=value (did you mean dry_run=true?)",
    "dry_run=yes": "got 'yes' (true or false)",
    "model=lstm": "model must be set by its keys, as in model.hidden_size=..., got 'lstm'",
    "run task=recall": "run is not key=value (it is not needed: python -m rnnbench task=copy)",
    "train task=recall": "for settings leave it out: rnnbench task=recall",
    "reprot results": "reprot is not key=value (did you mean rnnbench report?)",
    "hydra/launcher=joblib": "(here it is workers=N, or +cluster=slurm)",
    "hydra/launcher=submitit_slurm": "(here it is +cluster=slurm)",
    "hydra.launcher.array_parallelism=4": "(here it is +cluster=slurm)",
    "hydra/sweeper=optuna": "+sweep=NAME, or trainer.lr=auto)",
    "hydra.run.dir=out": "(here it is output_dir=DIR)",
    "hydra.sweep.dir=out": "(here it is output_dir=DIR)",
    "hydra.job.chdir=true": "(here it is output_dir=DIR, and the working directory stays)",
    "hydra.job.name=mine": "(here it is name=NAME)",
    "output_dir='out/${hydra:job.num}'": "output_dir must name nothing of Hydra's",
    "output_dir='${oc.env:NO_SUCH}/x'": "output_dir cannot be resolved: ",
    "output_dir=a,b": "output_dir must be one text, got a,b: a comma needs quotes, as in",
    "name=my run": "run is not key=value (did you mean \"name='my run'\"?)",
}


@pytest.mark.parametrize("words", LINES)
def test_a_habit_is_answered_in_one_line(refuse, words):
    assert LINES[words] in refuse(*shlex.split(words))


@pytest.mark.parametrize("value", ["r/lr=0.1", "r(1)", "r[1]", "größe", "a#b", "a;b", "a&b", "a!b"])
@pytest.mark.parametrize("key", ["output_dir", "tracker.project"])
def test_a_sign_that_needs_quotes_is_named_with_its_word_and_what_to_type(refuse, key, value):
    line = refuse(f"{key}={value}", "dry_run=true")
    assert line.startswith(f"{key}={value} cannot be read at ")
    typed = line.partition("as in ")[2]
    (word,) = subprocess.check_output(["sh", "-c", f"printf '%s\n' {typed}"]).splitlines()
    (configuration,) = compose([word.decode()])
    section, _, name = key.rpartition(".")
    assert (configuration[section] if section else configuration)[name] == value


@pytest.mark.parametrize(
    ("words", "seeds"),
    [
        ("seeds=3", [0, 1, 2]),
        ("seeds=1,2,3", [1, 2, 3]),
        ("seeds=7,5", [7, 5]),
        ("'seeds=range(1,4)'", [1, 2, 3]),
        ("'seeds=range(3)'", [0, 1, 2]),
        ("seeds=[4],[5,6]", [4, 5, 6]),
        ("seeds=4,[5,6]", [4, 5, 6]),
        ("-m seeds=1,2", [1, 2]),
    ],
)
def test_seeds_are_a_number_or_the_ones_named(sweeps_of, words, seeds):
    (sweep,) = sweeps_of(*shlex.split(words))
    ((_, replicas),) = sweep.jobs
    assert [replica.seed for replica in replicas] == seeds


@pytest.mark.parametrize("word", ["output_dir=~/x", "output_dir='~/x'", "++output_dir=~/x"])
def test_a_home_is_a_home(sweeps_of, monkeypatch, word):
    monkeypatch.setenv("HOME", "/somebody")
    (sweep,) = sweeps_of(word, "plan=~/p.json", "dry_run=true")
    assert (str(sweep.output_dir), str(sweep.plan_file)) == ("/somebody/x", "/somebody/p.json")


def test_other_directories_may_lie_in_a_home(in_tmp, sweeps_of, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(in_tmp))
    (in_tmp / "own" / "cell").mkdir(parents=True)
    (in_tmp / "own" / "cell" / "mine.yaml").write_text("_target_: rnnbench.cells.GRU\nname: mine\n")
    (sweep,) = sweeps_of("--config-dir=~/own", "cell=mine")
    assert sweep.jobs[0][0].cell["name"] == "mine"
    assert run_command(["status", "~/nothing"]) == 2
    assert f"no results at {in_tmp}/nothing" in capsys.readouterr().err


def test_a_home_that_is_not_known_is_one_line(refuse, exit_code, capsys):
    rule = "output_dir must be below a home that is known where it begins with ~, got '~nobody_x/a'"
    assert refuse("output_dir=~nobody_x/a") == rule
    assert exit_code(run_command, ["status", "~nobody_x/a"]) == 2
    assert "must be below a home that is known, got ~nobody_x/a" in capsys.readouterr().err


def test_a_name_of_digits_is_a_name(sweeps_of):
    (sweep,) = sweeps_of("name=2024", "output_dir=1e5")
    assert (sweep.name, str(sweep.output_dir)) == ("2024", "1e5")


def test_now_is_one_moment_in_all_jobs_and_keys(sweeps_of):
    words = ["cell=rnn,lstm,gru", "task.gap=20,40", "name='${now:%H-%M-%S.%f}'"]
    (sweep,) = sweeps_of(*words, "output_dir='r/${now:%H-%M-%S.%f}/${now:%f}'")
    _, name, end = sweep.output_dir.parts
    assert (name, end) == (sweep.name, sweep.name[-6:])
    assert len(sweep.jobs) == 6


def test_no_tracker_by_its_mode(sweeps_of):
    (sweep,) = sweeps_of("tracker.mode=disabled")
    assert sweep.tracker["mode"] == "disabled"


COMMANDS = [
    ("--version", 0, "rnnbench 0.1.0\n"),
    ("-V", 0, "rnnbench 0.1.0\n"),
    ("help", 0, "rnnbench: how far back"),
    ("help report", 0, "usage: python -m rnnbench.report "),
    ("report --help", 0, "usage: python -m rnnbench.report "),
    ("report", 2, ""),
    ("status nowhere", 2, ""),
]


@pytest.mark.parametrize(("words", "code", "shown"), COMMANDS)
def test_a_command_is_also_a_word_of_the_main_one(in_tmp, capsys, exit_code, words, code, shown):
    assert exit_code(run_command, words.split()) == code
    out, err = capsys.readouterr()
    assert out.startswith(shown) and len(err.splitlines()) <= 1
    assert bool(out) == (code == 0)


def test_a_command_s_word_is_the_command(capsys):
    reference = str(Path(__file__).parents[2] / "results" / "reference")
    apart = subprocess.run(
        [sys.executable, "-m", "rnnbench.status", reference], capture_output=True, text=True
    )
    assert run_command(["status", reference]) == apart.returncode
    assert capsys.readouterr().out == apart.stdout


def test_an_empty_frame_says_why(in_tmp, capsys):
    def told(load, place):
        assert load(place).empty
        (line,) = capsys.readouterr().err.splitlines()
        return line.removeprefix("rnnbench: warning: no rows: ")

    (in_tmp / "results" / "gaps" / "runs").mkdir(parents=True)
    assert told(load_results, "results/gaps") == "results/gaps has no run that ended"
    line = told(load_history, "results")
    assert line.startswith("results is no results directory")
    assert line.endswith("but gaps in it have")
    os.mkdir("empty")
    assert told(load_results, Path("empty")).endswith("it has no runs/ and no records.jsonl")
