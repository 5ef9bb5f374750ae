"""A command starts nothing but what the suite is for, and sends nothing to a terminal but text."""

import io
import json
import os
import pickle
from pathlib import Path

import pytest

from rnnbench.cli.command import run_command
from rnnbench.console import message_of, printable
from rnnbench.diagnose.__main__ import main as diagnose
from rnnbench.diagnose.diagnosis import diagnosis_settings
from rnnbench.experiment.sweep import Job
from rnnbench.launcher.closing import format_closing, tally_of
from rnnbench.launcher.plan import find_remaining
from rnnbench.launcher.progress import Display
from rnnbench.publish import main as publish
from rnnbench.report.__main__ import main as report
from rnnbench.status import main as status
from rnnbench.store.records import Store, stored_records
from rnnbench.training.recording import store_failure
from tests.small_sweep import NEWS, ONE, REPLICAS, sweep_of
from tests.stored_record import stored_record

ROOT = Path(__file__).resolve().parents[2]
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


@pytest.fixture
def shows(capsys):
    """Check that all that was shown is text, and that what is hidden in it is shown escaped."""

    def check(*more):
        told = capsys.readouterr()
        lines = [line for text in (told.out, told.err, *more) for line in text.split("\n")]
        assert all(line.isprintable() for line in lines)
        assert "\\x1b[2J\\u202e\\x9b" in "\n".join(lines)

    return check


@pytest.mark.parametrize("main", [status, report, publish, diagnose])
def test_nor_does_the_name_of_a_file(in_tmp, shows, main):
    Store(in_tmp).write(stored_record())
    (in_tmp / "runs" / f"{ESCAPE}.json").write_text("")
    main([".", *(["there"] if main is publish else [])])
    shows()


def test_nor_does_a_stored_diagnosis(in_tmp, shows):
    record = stored_record()
    Store(in_tmp).write(record, b"")
    known = {key: record[key] for key in ("run_id", "task", "cell", "gap", "seed", "lr")}
    known |= {
        "format": 1,
        "label": "vanishes",
        "evidence": ESCAPE,
        "settings": diagnosis_settings(1024),
    }
    known |= {"phases": {}, "left_out": [], "cue_time": 0, "read_time": 6, "clipped_share": None}
    known |= {"cue": None, "keep_gate": None}
    (in_tmp / "diagnosis").mkdir()
    (in_tmp / "diagnosis" / f"{record['run_id']}.json").write_text(json.dumps(known))
    assert diagnose(["."]) == 0
    shows()


def test_nor_does_the_error_of_a_failed_run(in_tmp, shows):
    store_failure(Job(ONE, REPLICAS, in_tmp, "reference", "cpu", sweep="trial"), ESCAPE)
    assert status(["."]) == 1
    shows()


def test_nor_does_the_error_of_a_failed_run_in_the_closing_table(in_tmp, shows):
    store_failure(Job(ONE, REPLICAS, in_tmp, "reference", "cpu", sweep="trial"), ESCAPE)
    remaining = find_remaining(sweep_of(in_tmp, ONE))
    shows(format_closing(tally_of(remaining, stored_records(in_tmp), {})))


def test_nor_does_a_line_between_the_bars_or_where_a_condition_is_trained(shows, monkeypatch):
    monkeypatch.setattr("rnnbench.launcher.progress.QUIET_SECONDS", 0.0)
    stream = io.StringIO()
    progress = Display(stream, ["one", "two"], [1.0, 1.0], 0)
    progress.move(0, NEWS, f"on {ESCAPE}")
    shows(stream.getvalue())
    progress.end(0, 0, 1, f"failed: {ESCAPE}")
    assert "failed: \\x1b" in stream.getvalue() and "\x1b" not in stream.getvalue()


def test_nor_does_a_claim_or_a_manifest(in_tmp, capsys):
    entry = {"task": ESCAPE, "cell": ESCAPE, "gap": 3, "replicas": [[0, 1e-3]]}
    fine = {**entry, "task": "t", "cell": "c"}
    (in_tmp / "manifest.json").write_text(json.dumps({"conditions": {"c": fine, ESCAPE: entry}}))
    (in_tmp / "claims" / "c").mkdir(parents=True)
    holder = {"host": ESCAPE, "pid": 1, "system": [], "begun": "1"}
    (in_tmp / "claims" / "c" / "0123456789abcdef.json").write_text(json.dumps(holder))
    assert status(["."]) == 1
    told = capsys.readouterr()
    assert "running: t gap 3 c, by an unknown process" in told.out
    assert all(line.isprintable() for text in told for line in text.split("\n"))


def test_all_warnings_go_through_one_function():
    sources = (ROOT / "rnnbench").rglob("*.py")
    saying = [path.name for path in sources if "warning: " in path.read_text()]
    # The tuning's line is said by the launcher, the watch's between the bars.
    assert sorted(saying) == ["console.py", "tuning.py", "watch.py"]
