"""What a record says ends up as text in every output, and names no file outside."""

import csv
import io
import json
import re
from html.parser import HTMLParser

import pytest

from rnnbench.diagnose.__main__ import main as diagnose
from rnnbench.publish import main as publish
from rnnbench.report.latex import escape as to_latex
from rnnbench.report.write import write_report
from rnnbench.status import main as status
from rnnbench.store.diagnoses import FILE
from rnnbench.store.frames import load_results
from rnnbench.store.records import encode
from rnnbench.store.tables import GUESSES, TRANSFER
from tests.stored_record import stored_record

EVIL = (
    "[5pt]</script><img src=x onerror='alert(1)'>\"|`*[a](b)\\input{x}%&"
    "~~s~~$\\x$&lt;b&#6;http://e.c WWW.e.c"
)
TEXTS = ("task", "cell", "sweep", "engine", "device", "dtype", "version", "init")
MACHINE = ("python", "torch", "platform", "cpu", "gpu", "git_commit", "started")


class Elements(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.inside, self.script = [], [], "", ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside == "script":
            self.script += data


def evil_record(seed, **changes):
    settings = {"task": {"gap_schedule": EVIL}, "trainer": {"optimizer": EVIL}}
    texts = dict.fromkeys((*TEXTS, "command", "error"), EVIL)
    more = {
        "config": settings,
        "environment": {**dict.fromkeys(MACHINE, EVIL), "cores": 2, "threads": 1},
    }
    history = [{"step": step, "loss": 1.0, "accuracy": 0.5, "score": 0.4} for step in (3, 6)]
    return stored_record(
        **texts, **more, seed=seed, run_id=f"{seed:016d}", history=history,
        plateaus={EVIL: 0.5}, **changes,
    )  # fmt: skip


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """Return a directory in which every text of every file is evil, with its report."""
    place = tmp_path_factory.mktemp("evil")
    rate = {"lr": 1e-3, "score": 0.1, "steps": 6.0, "solved": 0, "dropped": False}
    tuning = {"lr": 1e-3, "learned": False, "at_edge": True, "grid": [rate]}
    records = [evil_record(0), evil_record(1, status="failed"), evil_record(2, tuning=tuning)]
    (place / "records.jsonl").write_text("".join(f"{encode(record)}\n" for record in records))
    phase = {"gradient": {EVIL: [1.0] * 7, "total": [1.0] * 7}, "cue": [0.5] * 7}
    phase |= {
        "gates": {EVIL: dict.fromkeys(("mean", "q10", "q50", "q90", "max"), [0.5] * 7)},
        "half_life": {"q50": 2.0, "max": 3.0},
    }
    same = {key: records[0][key] for key in ("run_id", "task", "cell", "gap", "seed", "lr")}
    diagnosis = {"format": 1, **same, "label": EVIL, "evidence": EVIL, "left_out": [EVIL]}
    diagnosis |= {"settings": {"sequences": 64}, "phases": {"initial": phase, "trained": phase}}
    diagnosis |= {"cue_time": 0, "read_time": 6, "clipped_share": 0.1}
    diagnosis |= {"cue": EVIL, "keep_gate": EVIL}
    (place / FILE).write_text(f"{json.dumps(diagnosis)}\n")
    for file, text in ((TRANSFER, "run_id"), (GUESSES, "search_id")):
        row = dict.fromkeys(file.columns, 0)
        row |= {name: EVIL for name, kind in file.columns.items() if kind == "str"}
        row |= {text: records[0]["run_id"], "gap": 6, "test_gap": 6, "guesses": 1, "lr": 1e-3}
        row |= {"hidden_sizes": "1 4"} if "hidden_sizes" in row else {}
        file.add(place, [row])
    write_report([place])
    return place


def test_the_page_has_its_own_script_and_no_other_element_that_acts(directory):
    page = Elements((directory / "report" / "index.html").read_text())
    assert page.tags.count("script") == 1 and "alert" not in page.script
    assert not {"img", "iframe", "object", "embed", "a[href^=javascript]"} & set(page.tags)
    for name, value in page.attributes:
        assert not name.startswith("on")
        assert not (value or "").lower().startswith("javascript:")


def test_the_drawings_hold_it_as_text(directory):
    for drawing in (directory / "report").glob("*.svg"):
        assert not re.search(r"<(script|img)", drawing.read_text(), re.IGNORECASE)


def test_markdown_takes_it_for_no_markup(directory):
    text = (directory / "report" / "report.md").read_text()
    bare = re.sub(r"\\.", "", text)
    assert "alert" in bare
    for markup in ("</script", "<img", "[a](", "~", "$", "&lt", "&#", "://", "WWW."):
        assert markup not in bare


@pytest.mark.parametrize("name", ["horizons.tex", "scores.tex"])
def test_latex_takes_it_for_no_command(directory, name):
    text = (directory / "report" / name).read_text()
    assert to_latex(EVIL) in text
    assert r"\input" not in text and "%&" not in text
    task, *rows = text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert re.fullmatch(r"\\multicolumn{\d}{l}{\\textit{\[5pt\].*}} \\\\", task)
    # After the end of a line or a rule it would be their optional argument.
    assert rows and all(row.strip().startswith("{}") for row in rows)
    assert rows[0].strip().startswith("{}[5pt]")


def test_a_table_holds_it_in_one_field(directory):
    for name in ("summary.csv", "by_gap.csv"):
        rows = list(csv.DictReader(io.StringIO((directory / "report" / name).read_text())))
        assert rows and {row["task"] for row in rows} == {EVIL}
        assert all(None not in row and None not in row.values() for row in rows)


@pytest.mark.parametrize("key", ["run_id", "condition_id"])
@pytest.mark.parametrize("name", ["../../escape", "/tmp/escape", "..", "a/b", "a\\b", "con\0"])
def test_no_name_in_a_record_leads_to_a_file_outside(tmp_path, exit_code, capsys, key, name):
    place = tmp_path / "results"
    place.mkdir()
    (tmp_path / "escape.safetensors").touch()
    content = json.dumps(stored_record(**{key: name}))
    (place / "records.jsonl").write_text(content)
    before = sorted(tmp_path.rglob("*"))
    for main, words in ((diagnose, []), (status, []), (publish, [str(tmp_path / "published")])):
        assert exit_code(main, [str(place), *words]) == 2
    assert f"a record's {key} must be 1 to 64 letters" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before
    assert load_results(place).empty
