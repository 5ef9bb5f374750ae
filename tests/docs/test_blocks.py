"""Every command and snippet of the documentation runs, as it is written, in the order of reading.

The directory is what the text speaks of: files that a block names are written first,
results/reference and docs/draw.py are those of the repository. What trains long is planned with
dry_run=true, which composes, checks and measures all the same; where a later command reads its
results, a short training stands in for them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .commands import Unknown, as_run, lines_of
from .markdown import GUIDE, ROOT, blocks, prose

RUNNABLE = ("bash", "python")
BLOCKS = {path.name if path.parent == ROOT else f"docs/{path.name}": blocks(path) for path in GUIDE}
STAND_INS = {"README.md": "gaps", "CONTRIBUTING.md": "gaps", "docs/cells.md": "janet"}
# Of the reference there are its records; a report that draws its diagnoses too takes 15 s more.
DIAGNOSED = {"docs/why.md": ["diagnosis.jsonl"]}
SHORT = {"trainer.steps": 3, "model.hidden_size": 8, "trainer.eval_size": 16}
SLOW = {"CONTRIBUTING.md", "docs/cells.md", "docs/tasks.md", "docs/papers.md"}


def steps_of(block):
    if block.language == "bash":
        return [step for step in map(as_run, lines_of(block.text)) if step]
    return [["file", block.file] if block.file else ["code", block.text]]


def stand_in(name):
    made = {"task": "recall", "gap": 11, "seeds": 2, "output_dir": f"results/{name}"}
    return [["code", f"import rnnbench; rnnbench.run(**{ {**made, **SHORT} })"]]


def prepare(directory, document):
    reference = directory / "results" / "reference"
    reference.mkdir(parents=True)
    for file in ["records.jsonl", *DIAGNOSED.get(document, [])]:
        shutil.copy(ROOT / "results" / "reference" / file, reference)
    shutil.copytree(ROOT / "docs", directory / "docs")
    for block in BLOCKS[document]:
        if block.file:
            path = directory / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)


def read(document, directory):
    """Run a document's blocks; return by line of each its exit codes and its output."""
    prepare(directory, document)
    own = [block for block in BLOCKS[document] if block.language in RUNNABLE]
    first = [stand_in(STAND_INS[document])] if document in STAND_INS else []
    plan = [*first, *map(steps_of, own)]
    (directory / "plan.json").write_text(json.dumps(plan))
    hidden = ("MAKEFLAGS", "MAKELEVEL")
    kept = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("reader.py")), "plan.json", "found.jsonl"],
        cwd=directory,
        env=kept,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in (directory / "found.jsonl").read_text().splitlines()]
    return dict(zip([0] * len(first) + [block.line for block in own], found, strict=True))


@pytest.fixture(scope="session")
def reading(tmp_path_factory):
    """What came of reading a document; each is read once."""
    known = {}

    def look(document):
        if document not in known:
            known[document] = read(document, tmp_path_factory.mktemp("docs"))
        return known[document]

    return look


def runnable():
    for document, own in BLOCKS.items():
        marks = [pytest.mark.slow] if document in SLOW else []
        for block in own:
            if block.language in RUNNABLE:
                yield pytest.param(block, marks=marks, id=str(block))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("block", list(runnable()))
def test_a_block_runs_and_prints_what_is_said(block, reading):
    found = reading(block.document)[block.line]
    assert set(found["codes"]) <= {0}, found["output"]
    assert "Traceback" not in found["output"]
    if block.output is None:
        return
    if block.language == "python":
        assert [line.rstrip() for line in found["output"].splitlines()] == block.output.splitlines()
        return
    for line in block.output.splitlines():  # among what a command says; ... is anything
        said = ".*".join(map(re.escape, line.split("...")))
        assert re.search(said, found["output"]), f"{line}\nis not in\n{found['output']}"


@pytest.mark.parametrize("document", BLOCKS)
def test_there_is_no_block_that_nobody_runs(document):
    for block in BLOCKS[document]:
        if block.language == "yaml":
            assert block.file, f"{block}: a yaml must name its file in its first line"
        elif block.language == "bash":
            assert [as_run(words) for words in lines_of(block.text)], f"{block} is empty"
        else:
            assert block.language in ("python", "text"), (
                f"{block}: {block.language or 'no'} language"
            )
    fences = (ROOT / document).read_text().count("\n```")
    assert fences == 2 * len(BLOCKS[document]), "a fence is not closed, or indented"
    indented = re.findall(r"(?:\A|\n\n)(    [^\n]*)", prose(ROOT / document))
    assert not indented, f"fence it, and say in which language: {indented}"


def test_what_nobody_knows_how_to_run_is_told():
    assert as_run("python -m rnnbench +sweep=gaps cell=gru".split())[-1] == "dry_run=true"
    assert as_run("python -m rnnbench cell=gru trainer.steps=9".split())[-1] == "trainer.steps=9"
    for text in (
        "rm -rf results",
        "python -m rnnbenchmark",
        "make gaps && make test",
        "wandb login",
    ):
        with pytest.raises(Unknown, match="does not know how to run"):
            as_run(text.split())


def test_the_readme_begins_with_its_two_commands():
    commands = [
        words
        for block in BLOCKS["README.md"]
        for words in lines_of(block.text)
        if block.language == "bash"
    ]
    assert commands[:2] == [["make", "gaps"], ["make", "test"]]
