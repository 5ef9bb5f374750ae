"""Jobs composed in one go are what Hydra makes of each from the files, to the last type."""

import re
import shlex
from pathlib import Path

import pytest

from rnnbench.cli import compose as module
from rnnbench.cli.compose import APART, Composer, compose, open_composer
from rnnbench.cli.own_choices import configuration_directory
from rnnbench.console import Mistake

SWEEPS = sorted(path.stem for path in Path(configuration_directory(), "sweep").glob("*.yaml"))


class Both(Composer):
    """Composes a job both ways, and notes whether it took the quick one."""

    pairs, quick, stride = [], [], 1

    def compose(self, overrides):
        self.alone = False
        made = super().compose(overrides)
        self.quick.append(not self.alone)
        if (len(self.quick) - 1) % self.stride == 0:
            self.pairs.append((made, super().compose_alone(overrides)))
        return made

    def configure_alone(self, overrides):
        self.alone = True
        return super().configure_alone(overrides)


@pytest.fixture
def both(in_tmp, monkeypatch):
    """Compose a command both ways; return for each job whether it was composed quickly."""

    def run(*words, stride=1):
        Both.pairs, Both.quick, Both.stride = [], [], stride
        monkeypatch.setattr(module, "Composer", Both)
        compose(words)
        assert Both.pairs
        for made, alone in Both.pairs:
            assert repr(made) == repr(alone)  # values, types and the order of keys
        return Both.quick

    return run


@pytest.mark.parametrize("sweep", SWEEPS[1::3])
def test_a_shipped_sweep_s_jobs_all_over_its_axes(both, sweep):
    assert all(both(f"+sweep={sweep}", stride=149))


@pytest.mark.long
@pytest.mark.parametrize("sweep", SWEEPS)
def test_all_jobs_of_a_shipped_sweep(both, sweep):
    assert all(both(f"+sweep={sweep}"))


@pytest.mark.parametrize(
    "words",
    [
        "+sweep=gaps cell=gru task.gap=20 task=copy,recall",  # the rate follows the task's name
        "+sweep=gaps cell=gru task.gap=20 task=copy,recall trainer.lr=0.5,'[1e-3,1e-2]',auto",
        "+sweep=gaps cell=gru task=copy task.gap=20 task.name=recall,other",
        "+sweep=gaps cell=gru task=copy task.gap=20 sweep.lr.copy=1e-2,1",
        "+sweep=keep_bias task=copy cell=lstm task.gap=11,20",  # choices of whole dictionaries
        "'task.gap=range(11,16)' seeds='[1,2]','[3]',4",
        "trainer.clip_norm=null,1,1.0,2e0 trainer.clip_value=null",
        "task=copy,recall +task.extra=5,null ++task.gap=30,31 +new=1",
        "task=adding,recall trainer.steps=1,2",
        "tracker=none,wandb name='${task.name}x${trainer.steps}'",
        "cell=rnn,lstm +cell.extra={a:1,b:[x,null]} output_dir='${oc.env:HOME}/${name}'",
        "+sweep=gaps cell=gru,lstm task=copy task.gap=20 hydra.verbose=true",
        "trainer.steps='${trainer.batch_size}','${.batch_size}' model.hidden_size=true,0x10,1_0",
    ],
)
def test_jobs_that_hydra_need_not_compose(both, words):
    assert all(both(*shlex.split(words)))


OWN = {
    "cell/sets_more.yaml": "# @package _global_\ncell: {name: x}\ntrainer: {steps: 7}\n",
    "task/by_cell.yaml": "defaults: [copy, {/cell@of: '${cell}'}, _self_]\n",
    "sweep/own.yaml": "# @package _global_\ntask: {gap: 9}\ncell: {init: mine}\n",
    "sweep/chooses.yaml": "# @package _global_\ndefaults: [{override /cell: mgu}, _self_]\n",
}


@pytest.mark.parametrize(
    "words",
    [
        "task=copy,recall cell=sets_more,rnn",
        "task=by_cell,copy cell=gru,rnn",
        "task=copy,recall cell=gru,rnn +sweep=own",
        "task=copy,recall cell=gru,rnn +sweep=chooses",
    ],
)
def test_files_of_one_s_own_may_set_and_choose_more(both, in_tmp, words):
    for name, text in OWN.items():
        (in_tmp / "conf" / name).parent.mkdir(parents=True, exist_ok=True)
        (in_tmp / "conf" / name).write_text(text)
    both("--config-dir", "conf", *words.split())


def test_a_sweep_may_be_whole_by_the_cell_that_is_chosen_alone(in_tmp):
    path = in_tmp / "conf" / "sweep" / "needs.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("# @package _global_\ndefaults: [{override /cell: nothing}, _self_]\n")
    words = ["task=copy", "cell=gru", "+sweep=needs"]
    with open_composer(flags=["--config-dir", "conf"]) as composer:
        assert composer.configure(words) == composer.configure_alone(words)


@pytest.mark.parametrize("group", APART)
def test_shipped_files_lead_to_no_others(group):
    for path in Path(configuration_directory(), group).glob("*.yaml"):
        assert not re.search("^defaults|@package", path.read_text(), re.MULTILINE), path


def test_what_is_crossed_is_read_once_for_each_choice(both, monkeypatch):
    read = []
    whole = Composer._compose
    monkeypatch.setattr(
        Composer, "_compose", lambda it, *a, **b: read.append(a) or whole(it, *a, **b)
    )
    assert all(both("task=copy,recall,adding", "cell=gru,rnn,lstm,mgu", stride=99))
    assert len(read) == 1 + 3 + 4 + 1  # without either, for each choice, and the whole


@pytest.mark.parametrize(
    "words",
    [
        ["task={gap:31}", "task.gap=30,32"],  # a dictionary under the name of a group
        ["~tracker", "+tracker={kind:none}", "task.gap=30,32"],
        ["~trainer.optimizer", "~tracker.mode=auto", "task.gap=30,32"],
        ["+cell@second=gru,rnn", "task.gap=20"],
        ["hydra.verbose=true", "~task", "+task={name:x,gap:1}"],
    ],
)
def test_jobs_in_doubt_are_composed_by_hydra(both, words):
    assert not any(both(*words))


@pytest.mark.parametrize(
    "words",
    [
        ["trainer.stepps=1,2"],
        ["~trainer.nothing", "task.gap=20"],
        ["~trainer.steps=4"],
        ["+trainer.steps=4"],
        ["++cell=gru"],
        ["cell=5"],
        ["task=copy,nothing"],
        ["trainer.lr=${nothing}"],
        ["name=${hydra.job.name}"],
        ["trainer.steps.more=1"],
        ["+cell=gru"],
        ["task.gap=???"],
    ],
)
def test_mistakes_are_told_in_hydra_s_own_words(in_tmp, monkeypatch, words):
    def complaint():
        with pytest.raises(Mistake) as caught:
            compose(words)
        return type(caught.value.__cause__), str(caught.value)

    quick = complaint()
    monkeypatch.setattr(Composer, "compose", Composer.compose_alone)
    assert complaint() == quick
