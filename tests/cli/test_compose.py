"""Commands become the sweeps that they say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import rnnbench
from rnnbench.cli.command import run_command
from rnnbench.cli.compose import arrange, compose
from rnnbench.cli.own_choices import configuration_directory
from rnnbench.experiment.condition import Replica

CONF = Path(configuration_directory())
GAPS = [11, 20, 40, 80, 160]


def choices(group):
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


CELLS = {path.stem for path in Path(configuration_directory(), "cell").glob("*.yaml")}


def test_the_main_job(sweeps_of):
    (sweep,) = sweeps_of("+sweep=gaps")
    assert (sweep.name, str(sweep.output_dir)) == ("gaps", "results/gaps")
    points = {(c.task["name"], c.cell["name"], c.task["gap"]) for c, _ in sweep.jobs}
    expected = {
        (t, c, g)
        for t in ("copy", "adding", "recall")
        for c in ("rnn", "lstm", "gru")
        for g in GAPS
    }
    assert points == expected
    assert len(sweep.jobs) == 45
    rates = {"copy": 3e-3, "adding": 3e-3, "recall": 1e-3}
    for condition, replicas in sweep.jobs:
        lr = rates[condition.task["name"]]
        assert replicas == tuple(Replica(seed, lr) for seed in range(5))
        plain = {"num_layers": 1, "bidirectional": False, "block": "plain", "window": 1}
        plain |= {"precision": "strict", "wiring": "chain"}
        assert condition.model == {"hidden_size": 64, **plain}
        assert condition.trainer["batch_size"] == 64
        assert condition.cell.get("keep_bias", 1.0) == 1.0


def test_the_command_line_narrows_a_sweep(sweeps_of):
    (sweep,) = sweeps_of("+sweep=gaps", "cell=gru", "task.gap=20")
    names = [condition.name for condition, _ in sweep.jobs]
    assert names == ["copy gap 20 gru", "adding gap 20 gru", "recall gap 20 gru"]
    (sweep,) = sweeps_of("+sweep=gaps", "cell=gru,lstm", "task.gap=20,40", "task=recall", "seeds=2")
    assert len(sweep.jobs) == 4
    assert {len(replicas) for _, replicas in sweep.jobs} == {2}


def test_one_condition(sweeps_of):
    (sweep,) = sweeps_of("task=adding", "cell=gru", "task.gap=50", "seeds=5")
    ((condition, replicas),) = sweep.jobs
    assert condition.name == "adding gap 50 gru"
    assert [replica.seed for replica in replicas] == [0, 1, 2, 3, 4]
    assert str(sweep.output_dir) == "results/adding-gru"


@pytest.mark.parametrize(
    ("words", "directories"),
    [
        ("cell=gru,lstm task.gap=20,40", {"results/copy": 4}),
        ("cell=gru,lstm task=copy,recall", {"results/copy": 2, "results/recall": 2}),
        pytest.param("cell=glob(*)", {"results/copy": len(CELLS)}, marks=pytest.mark.long),
        ("task=copy,recall", {"results/copy-lstm": 1, "results/recall-lstm": 1}),
        ("cell=gru,lstm name=both", {"results/both": 2}),
        ("cell=gru,lstm output_dir=here", {"here": 2}),
        ("+sweep=gaps cell=gru,lstm task=copy task.gap=20", {"results/gaps": 2}),
        ("cell=gru cell.keep_bias=0,1", {"results/copy-gru": 2}),
    ],
)
def test_cells_without_a_name_go_to_a_directory_of_their_task(sweeps_of, words, directories):
    made = {str(sweep.output_dir): len(sweep.jobs) for sweep in sweeps_of(*words.split())}
    assert made == directories


def test_rates_inside_a_job_and_on_the_axes_make_the_same_replicas(sweeps_of):
    (inside,) = sweeps_of("trainer.lr=[1e-3,3e-3]", "seeds=[4,7]")
    (axes,) = sweeps_of("trainer.lr=1e-3,3e-3", "seeds=[4,7]")
    expected = {Replica(seed, lr) for seed in (4, 7) for lr in (1e-3, 3e-3)}
    for sweep in (inside, axes):
        ((_, replicas),) = sweep.jobs
        assert set(replicas) == expected
        assert len(replicas) == 4


def test_places_and_logging_do_not_change_a_run(sweeps_of):
    def run_id(*words):
        (sweep,) = sweeps_of(*words)
        ((condition, (replica, *_)),) = sweep.jobs
        return condition.run_id(replica)

    base = run_id()
    for words in ("workers=1", "output_dir=elsewhere", "name=other", "tracker=none", "seeds=2"):
        assert run_id(words) == base
    for words in ("trainer.eval_every=100", "trainer.lr=1e-4", "engine=torch", "seeds=[1]"):
        assert run_id(words) != base


def test_a_rate_on_the_command_line_wins_over_the_sweep_s(sweeps_of):
    (sweep,) = sweeps_of("+sweep=gaps", "task.gap=20", "cell=rnn", "trainer.lr=0.5")
    assert {replica.lr for _, replicas in sweep.jobs for replica in replicas} == {0.5}


def test_the_curriculum_sweep_has_every_schedule_at_every_gap(sweeps_of):
    (sweep,) = sweeps_of("+sweep=curriculum", "cell=gru")
    points = [(c.task["name"], c.task["gap"], c.gap_schedule) for c, _ in sweep.jobs]
    schedules = ("fixed", "uniform", "growing")
    expected = {(t, g, s) for t in ("copy", "recall") for g in (20, 40, 80) for s in schedules}
    assert set(points) == expected
    assert len(points) == len(expected)


def test_the_load_sweep_has_every_load_at_every_gap(sweeps_of):
    (sweep,) = sweeps_of("+sweep=load", "cell=gru")
    points = [(c.build_task().load_bits, c.task["gap"]) for c, _ in sweep.jobs]
    assert sorted(points) == [(b, g) for b in (3, 6, 15, 30, 60) for g in (21, 40, 80, 160)]


@pytest.mark.parametrize("task", ["tracking", pytest.param("keys", marks=pytest.mark.long)])
def test_the_commands_at_the_head_of_the_load_sweep_are_like_it(sweeps_of, task):
    text = (CONF / "sweep" / "load.yaml").read_text().replace("\\\n#", "")
    (line,) = re.findall(rf"python -m rnnbench (.* task={task} .*)", text)
    (sweep,) = sweeps_of(*line.split())
    (like,) = sweeps_of("+sweep=load")
    assert sweep.name == f"load_{task}"
    assert len(sweep.jobs) == len(like.jobs) == 60
    settings = [
        sorted(repr((c.model, c.cell, c.trainer, replicas)) for c, replicas in made.jobs)
        for made in (sweep, like)
    ]
    assert settings[0] == settings[1]


def test_a_paper_s_sweep_trains_as_the_paper_did(sweeps_of):
    (sweep,) = sweeps_of("+sweep=paper_urnn_adding", "cell=lstm", "task.gap=375")
    ((condition, replicas),) = sweep.jobs
    trainer = {"optimizer": "rmsprop", "clip_norm": None, "clip_value": 1.0}
    trainer |= {"train_set_size": 100_000, "steps": 30_000, "batch_size": 50}
    assert trainer.items() <= condition.trainer.items()
    assert condition.build_task().sequence_length == 750
    (sweep,) = sweeps_of("+sweep=paper_chrono_copy")
    points = {(c.task["gap"], c.cell["init"]) for c, _ in sweep.jobs}
    assert points == {(gap, init) for gap in (11, 510) for init in ("torch", "chrono")}
    assert {c.build_task().sequence_length for c, _ in sweep.jobs} == {520}


def test_the_trainer_s_options_make_runs_of_their_own(sweeps_of):
    def condition_id(*words):
        (sweep,) = sweeps_of(*words)
        ((condition, _),) = sweep.jobs
        return condition.condition_id

    options = ("trainer.optimizer=sgd", "trainer.clip_value=1", "trainer.train_set_size=100")
    assert len({condition_id(), *map(condition_id, options)}) == 4


@pytest.mark.parametrize("tracker", choices("tracker"))
def test_every_shipped_tracker_composes(sweeps_of, tracker):
    (sweep,) = sweeps_of(f"tracker={tracker}")
    assert sweep.tracker["kind"] == tracker


def test_an_own_cell_from_the_current_directory(in_tmp, sweeps_of):
    (in_tmp / "conf" / "cell").mkdir(parents=True)
    (in_tmp / "conf" / "cell" / "mine.yaml").write_text("_target_: composed_own.Own\nname: mine\n")
    (in_tmp / "composed_own.py").write_text(
        "from rnnbench.cells import GRU\n\nclass Own(GRU):\n    pass\n"
    )
    sys.path.insert(0, str(in_tmp))
    try:
        (sweep,) = sweeps_of("--config-dir", "conf", "+sweep=gaps", "cell=mine", "task.gap=20")
        (every,) = sweeps_of("cell=glob(*)", "--config-dir=conf", "name=all", "output_dir=all")
    finally:
        sys.path.remove(str(in_tmp))
    assert {c.cell["name"] for c, _ in every.jobs} == {"mine", *CELLS}
    assert [condition.cell["name"] for condition, _ in sweep.jobs] == ["mine"] * 3
    assert sweep.jobs[0][0].cell["keep_bias"] == 1.0


def test_a_directory_and_a_search_path_together(in_tmp, sweeps_of):
    for directory, gap in (("first", 15), ("second", 16), ("third", 17)):
        (in_tmp / directory / "sweep").mkdir(parents=True)
        text = f"# @package _global_\nname: own\nseeds: 1\ntask: {{gap: {gap}}}\n"
        (in_tmp / directory / "sweep" / f"{directory}.yaml").write_text(text)
        (in_tmp / directory / "sweep" / "all.yaml").write_text(text)
    together = ["--config-dir", "first", "hydra.searchpath=['file://second',third]"]
    for name, gap in (("first", 15), ("second", 16), ("third", 17), ("all", 15)):
        (sweep,) = sweeps_of(*together, f"+sweep={name}")
        assert [condition.task["gap"] for condition, _ in sweep.jobs] == [gap]


def test_flags_may_stand_anywhere():
    words = ["--config-dir", "conf", "+sweep=gaps", "-m", "cell=gru"]
    assert arrange(words) == (["+sweep=gaps", "cell=gru"], ["--config-dir", "conf", "-m"])
    assert arrange(["--cfg", "job", "cell=gru"]) == (["cell=gru"], ["--cfg", "job"])


@pytest.mark.parametrize("words", [[], ["--help"]])
def test_help_fits_and_names_every_choice(in_tmp, capsys, words):
    assert run_command(words) == 0
    text = capsys.readouterr().out
    for choice in (
        *[f"\n    {name} " for name in choices("task")],
        "    lstm ",
        "gaps",
        "curriculum",
        "keep_bias",
        "load",
        "paper_chrono_copy",
        "smoke",
        "none, wandb",
    ):
        assert choice in text
    for key in (
        "seeds",
        "hidden_size",
        "lr",
        "output_dir",
        "dry_run",
        "+sweep=gaps",
        "--config-dir",
    ):
        assert key in text
    listed = re.findall(r"^ {2,}\S", text, re.MULTILINE)  # kinds, and of each choice a line or two
    assert len(text.splitlines()) - len(listed) <= 50
    assert max(map(len, text.splitlines())) <= 100
    assert list(in_tmp.iterdir()) == []


def test_showing_a_configuration_starts_and_writes_nothing(in_tmp, capsys):
    assert run_command(["+sweep=gaps", "--cfg", "job"]) == 0
    assert "steps: 3000" in capsys.readouterr().out
    assert list(in_tmp.iterdir()) == []


def test_composing_leaves_the_process_as_it_was(in_tmp, monkeypatch):
    before = list(sys.argv)
    compose(["task.gap=20"])
    assert sys.argv == before
    assert list(in_tmp.iterdir()) == []


def test_a_run_from_a_notebook(in_tmp, capsys):
    settings = {"trainer.steps": 3, "model.hidden_size": 8, "trainer.eval_size": 16}
    frame = rnnbench.run(task="recall", cell="gru", gap=4, seeds=[3, 5], **settings)
    assert frame["seed"].tolist() == [3, 5]
    assert set(frame["gap"]) == {4}
    again = rnnbench.run(task="recall", cell="gru", gap=4, seeds=[5], **settings)
    assert again["run_id"].tolist() == [frame["run_id"][1]]
    model = rnnbench.load_model("results/recall-gru", frame["run_id"][0])
    assert model.parameters["readout.bias"].shape == (1, 8)
    with pytest.raises(ValueError, match="^task.gap must be at least 1, got 0$"):
        rnnbench.run(task="recall", gap=0)


def test_worker_processes_import_no_hydra():
    code = "import sys, rnnbench.cli, rnnbench.launcher.worker; print('hydra' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
