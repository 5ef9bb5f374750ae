"""A record of a wrong shape is refused in one line that names what is wrong."""

import json
import os

import pytest

from rnnbench.experiment.condition import Replica
from rnnbench.launcher.engines import read_choices
from rnnbench.store.claims import claim_of, holders
from rnnbench.store.diagnoses import read_diagnoses
from rnnbench.store.manifest import read_manifest
from rnnbench.store.records import Store, consolidate, decode, encode
from rnnbench.store.schema import NEEDED, OPTIONAL, RULES, check_record
from rnnbench.store.standing import ProgressFile
from rnnbench.tracker.reach import read_destination
from rnnbench.training.checkpoint import load_checkpoint
from rnnbench.training.recipe import make_recipe
from rnnbench.training.recording import describe_run, failed_record
from tests.small_sweep import ONE
from tests.stored_record import stored_record

SETTINGS = {"task": {}, "trainer": {}, "tuned": False}
GRID = [{"lr": 1e-3, "score": 0.9, "steps": 4.0, "solved": 1, "dropped": False}]
TUNING = {"lr": 1e-3, "learned": True, "at_edge": False, "seeds": [1021], "grid": GRID}
ROW = {"step": 2, "loss": 0.1, "accuracy": 0.5, "score": 0.4, "grad_norm": None}
WHOLE = stored_record(config=SETTINGS, tuning=TUNING, history=[ROW], plateaus={"one": 0.5})
WHOLE |= {"accuracy_by_age": {"3": 0.5, "20": 1.0}}
PLAN = make_recipe(ONE, "reference", "cpu")
NO_VALUE = [object(), float("nan"), float("inf"), 2**70, -(2**70), "\ud800", {"a": 1}, [[]]]


def places(value, path=()):
    """Yield the path of every value that a record holds."""
    yield path
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    for key, part in inner:
        yield from places(part, (*path, key))


def changed(path, value):
    record = json.loads(json.dumps(WHOLE))
    inner = record
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return record


def test_a_whole_record_is_read():
    assert decode(encode(WHOLE)) == WHOLE


def test_every_field_that_is_written_is_declared():
    run = {"sweep": "s", "command": "", "engine": "reference", "device": "cpu", "tuning": None}
    run |= {"started": "now", "code": {"cell": "a", "task": "b"}}
    written = failed_record(describe_run(ONE, Replica(0, 1e-3), run), "x")
    # Of a notebook's classes; of a run that was trained as another; where distances vary.
    of_some = {"text", "same_as", "accuracy_by_age"}
    assert written.keys() | of_some == NEEDED.keys() | OPTIONAL.keys() | {"format"}
    environment = RULES[("environment",)][1]
    assert environment.keys() <= written["environment"].keys()


@pytest.mark.parametrize("section", ["versions", "code", "environment", "config"])
def test_a_section_holds_what_can_be_a_column(section):
    for key, rule in RULES[(section,)][1].items():
        with pytest.raises(ValueError, match=f"^a record's {section}'s {key} must be {rule.words}"):
            check_record(WHOLE | {section: {key: [1]}})


@pytest.mark.parametrize("key", NEEDED)
def test_what_is_needed_must_be_there(key):
    with pytest.raises(ValueError, match=f"^a record must have {key}$"):
        check_record({k: v for k, v in WHOLE.items() if k != key})


@pytest.mark.parametrize("key", [*NEEDED, *OPTIONAL])
def test_no_key_takes_what_has_no_meaning(key):
    wrong = NO_VALUE[:-2] if {**NEEDED, **OPTIONAL}[key].words.startswith("an obj") else NO_VALUE
    for value in [*wrong[:-1], *([] if key == "history" else wrong[-1:])]:
        with pytest.raises(ValueError, match=f"^a record's {key} must be .*, got [ -~]*$"):
            check_record(WHOLE | {key: value})


@pytest.mark.parametrize(
    "path", [path for path in places(WHOLE) if len(path) > 1 and "seeds" not in path]
)
def test_nor_does_any_place_within(path):
    with pytest.raises(ValueError, match=" must (be|have) "):
        check_record(changed(path, {"a": ["\ud800"]}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("run_id", value) for value in ("", "a/b", "..", "a.b", "a" * 65, "ä", "a\n")),
        *(("condition_id", value) for value in ("../c", "c\0")),
        *(("cell", value) for value in ("", "a\nb", "\x1b[2J", "x" * 201, "\u202e")),
        *(("gap", value) for value in (0, -1, 1.0, True, "1", None)),
        *(("lr", value) for value in (0, -1e-3, True)),
        *(("accuracy", value) for value in (-0.1, 1.1, None)),
        *(("status", value) for value in ("done", "", None, ["solved"])),
        *(("seconds", value) for value in (-1, None)),
    ],
)
def test_the_ends_of_a_range(key, value):
    with pytest.raises(ValueError, match=f"^a record's {key} must be "):
        check_record(WHOLE | {key: value})


@pytest.mark.parametrize("accuracy", [0, 0.0, 1, 1.0])
def test_an_end_belongs_to_its_range(accuracy):
    assert check_record(WHOLE | {"accuracy": accuracy}) is None


@pytest.mark.parametrize("value", ["x", [1.0], {"a": 1.0}, float("nan"), 2**70, True])
def test_what_an_evaluation_holds_beside_is_numbers(value):
    assert check_record(WHOLE | {"history": [{**ROW, "more": 0.5, "none": None}]}) is None
    with pytest.raises(ValueError, match="^an evaluation's 'more' must be a finite number"):
        check_record(WHOLE | {"history": [ROW, {**ROW, "more": value}]})


def test_an_evaluation_that_is_nested_deep_is_passed_over_where_records_are_joined(
    tmp_path, capsys
):
    line = encode(WHOLE | {"format": 1}).replace(
        '"step":2,', f'"step":2,"x":{"[" * 600}{"]" * 600},'
    )
    (tmp_path / "records.jsonl").write_text(f"{line}\n")
    assert consolidate([tmp_path], tmp_path / "joined") == 0
    assert "records.jsonl:1 is passed over: an evaluation's 'x' must" in capsys.readouterr().err


def test_what_is_carried_along_can_be_written_again():
    deep = "x"
    for _ in range(8):
        deep = [deep]
    assert decode(encode(WHOLE | {"more": deep}))["more"] == deep
    with pytest.raises(ValueError, match="^a record's more must be plain values"):
        check_record(WHOLE | {"more": [deep]})


@pytest.mark.parametrize(
    "content",
    [
        b'{"format":1,"a":' + b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"format":1,"gap":' + b"9" * 10_000 + b"}",
        b'{"format": 1.0}',
        b'{"format": NaN}',
        b"\xff\xfe\x00\x00",
        b"\x00" * 64,
        b'"\\ud800"',
    ],
)
def test_no_content_of_a_file_gets_through(tmp_path, capsys, content):
    path = tmp_path / "runs" / f"{'a' * 16}.json"
    path.parent.mkdir()
    path.write_bytes(content)
    assert Store(tmp_path).runs() == {}
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{path.name} is passed over: " in line and line.isprintable()


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b'{"conditions":' * 100_000, b"\xff", b"[]", b'{"host": 1}', b"1"]
)
def test_nor_does_that_of_any_other_file(tmp_path, content):
    files = {
        "manifest.json": lambda: read_manifest(tmp_path) == {},
        "engines.json": lambda: read_choices(tmp_path / "engines.json") == {},
        "progress/c.json": lambda: ProgressFile(tmp_path, "c").read() is None,
        "claims/c/0123456789abcdef.json": lambda: (
            [h.host for h in holders(claim_of(tmp_path, "c"))] == [""]
        ),
        "wandb/destination.json": lambda: read_destination(tmp_path)["project"] == "rnnbench",
        "diagnosis/c.json": lambda: list(read_diagnoses(tmp_path)) == [],
        "checkpoint": lambda: load_checkpoint(tmp_path / "checkpoint", "c", PLAN, {}) is None,
    }
    for name, is_passed_over in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        assert is_passed_over(), name


@pytest.mark.parametrize("endless", ["pipe", "/dev/zero"])
def test_a_diagnosis_without_an_end_is_named_and_passed_over(tmp_path, capsys, endless):
    path = tmp_path / "diagnosis" / "c.json"
    path.parent.mkdir()
    os.mkfifo(path) if endless == "pipe" else path.symlink_to(endless)
    assert list(read_diagnoses(tmp_path)) == []
    assert f"{path} is passed over" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["lr", "chance_loss", "seconds", "sequences_per_second"])
def test_what_no_machine_has_is_refused(key):
    check_record(WHOLE | {key: 1e100})
    with pytest.raises(ValueError, match=f"^a record's {key} must be .* to 1e\\+100"):
        check_record(WHOLE | {key: 1.7e308})


@pytest.mark.parametrize("loss", [None, 3.4e38, 1.7e308])
def test_a_run_that_was_about_to_diverge_is_read(loss):
    score = 0.0 if loss is None else -loss
    row = ROW | {"loss": loss, "score": score, "grad_norm": loss}
    record = WHOLE | {"loss": loss, "score": score, "history": [row]}
    assert decode(encode(record)) == record
