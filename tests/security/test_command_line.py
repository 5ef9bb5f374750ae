"""A command starts nothing but what the suite is for, and sends nothing to a terminal but text."""

import json
import os
import pickle

import pytest

from rnnbench.cli.main import run_command
from rnnbench.diagnose.__main__ import main as diagnose
from rnnbench.errors import message_of, printable
from rnnbench.publish import main as publish
from rnnbench.report.__main__ import main as report
from rnnbench.status.__main__ import main as status

ESCAPE = "\x1b[2J\u202e\u009b"


class Trap:
    def __reduce__(self):
        return os.mkdir, ("sprung",)


@pytest.mark.parametrize("flag", ["--experimental-rerun", "--experimental", "--exp", "--e"])
@pytest.mark.parametrize("apart", [True, False])
def test_no_command_unpickles_a_file(in_tmp, capsys, flag, apart):
    (in_tmp / "job.pickle").write_bytes(pickle.dumps(Trap()))
    words = [flag, "job.pickle"] if apart else [f"{flag}=job.pickle"]
    assert run_command(words) == 2
    assert "must be left alone" in capsys.readouterr().err
    assert not (in_tmp / "sprung").exists()


@pytest.mark.parametrize(
    "word",
    [
        "hydra.sweeper._target_=os.system",
        "++hydra.sweeper._target_=os.system",
        "+hydra.callbacks.one._target_=os.system",
        "hydra.launcher._target_=os.system",
        "hydra/job_logging=default",
        "hydra.job_logging.handlers=null",
        "~hydra.sweeper",
        "hydra/sweeper@x=basic",
        "hydra.run.dir=elsewhere",
    ],
)
def test_no_word_makes_hydra_start_or_write_something(in_tmp, capsys, word):
    assert run_command([word, "dry_run=true"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "must be left alone" in line
    assert list(in_tmp.iterdir()) == []


@pytest.mark.parametrize(
    "word",
    [
        "+sweep=../sweep/gaps",
        "task=../../secret",
        "cell=gru,../../secret",
        "tracker=/etc/secret",
        "cell=mine/../../secret",
        "cell=[/etc/secret]",
    ],
)
def test_a_choice_is_no_file_of_another_directory(in_tmp, capsys, word):
    assert run_command([word, "dry_run=true"]) == 2
    key, _, value = word.lstrip("+").partition("=")
    assert capsys.readouterr().err == f"rnnbench: error: {key} must be a name, got {value}\n"


def test_a_choice_may_lie_in_a_directory_of_its_group(in_tmp, capsys):
    own = in_tmp / "conf" / "cell" / "mine"
    own.mkdir(parents=True)
    (own / "one.yaml").write_text("_target_: rnnbench.cells.GRU\nname: one\n")
    words = ["--config-dir", "conf", "cell=mine/one", "dry_run=true", "model.hidden_size=4"]
    assert run_command([*words, "engine=reference", "task.gap=12", "seeds=1"]) == 0
    assert "copy gap 12 one" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("main", "words"),
    [
        (run_command, [f"task.gap={ESCAPE}"]),
        (run_command, [f"cell={ESCAPE}"]),
        (report, [ESCAPE]),
        (status, [ESCAPE]),
        (publish, [ESCAPE, "there"]),
        (publish, ["here", "there", ESCAPE]),
        (diagnose, [ESCAPE]),
    ],
)
def test_a_terminal_is_shown_no_character_that_it_would_obey(
    in_tmp, capsys, exit_code, main, words
):
    assert exit_code(main, words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()


def test_what_cannot_be_shown_is_escaped_and_the_rest_is_left():
    assert printable("ä 日本 💥\x1b[2J\n") == "ä 日本 💥\\x1b[2J\\n"
    assert message_of(ValueError("a\x1bb\nc")) == "a\\x1bb c"


def test_nor_does_what_others_wrote_into_a_directory(in_tmp, capsys):
    entry = {"name": ESCAPE, "task": ESCAPE, "cell": ESCAPE, "gap": 3, "replicas": [[0, 1e-3]]}
    (in_tmp / "manifest.json").write_text(json.dumps({"conditions": {"c": entry}}))
    (in_tmp / "claims" / "c").mkdir(parents=True)
    holder = {"host": ESCAPE, "pid": 1, "system": [], "begun": "1"}
    (in_tmp / "claims" / "c" / "x.json").write_text(json.dumps(holder))
    assert status(["."]) == 1
    shown = capsys.readouterr().out
    assert "\\x1b[2J" in shown
    assert all(line.isprintable() for line in shown.split("\n"))
