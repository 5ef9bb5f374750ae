"""Every command and snippet of the documentation runs, as it is written, in the order of reading.

The directory is what the text speaks of: files that a block names are written first, docs/draw.py
and what is stored in results are those of the repository. What trains long is planned with
dry_run=true, which composes, checks and measures all the same; where a later command reads its
results, a short training stands in for them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .commands import Unknown, as_run, is_long, lines_of
from .markdown import GUIDE, ROOT, blocks, prose

RUNNABLE = ("bash", "python")
BLOCKS = {path.name if path.parent == ROOT else f"docs/{path.name}": blocks(path) for path in GUIDE}
STAND_INS = {"README.md": "gaps", "CONTRIBUTING.md": "gaps"}
STAND_INS |= {"docs/why.md": "first", "docs/cells.md": "janet", "docs/leaderboard.md": "gaps"}
SHORT = {"trainer.steps": 3, "model.hidden_size": 8, "trainer.eval_size": 16}
# Of the reference there are its records; a report that draws its diagnoses too takes 15 s more.
DIAGNOSED = {"docs/why.md": ["diagnosis.jsonl"]}
# It is read every time but for its long commands; they and the other documents take minutes.
QUICK = ("README.md",)


def steps_of(block):
    if block.language == "bash":
        return [step for step in map(as_run, lines_of(block.text)) if step]
    return [["file", block.file] if block.file else ["code", block.text]]


def plan_of(document, long):
    """Return the blocks of one reading, each with its steps."""
    plan = []
    for block in BLOCKS[document]:
        steps = steps_of(block) if block.language in RUNNABLE else []
        if document in QUICK:
            steps = [step for step in steps if is_long(step) == long]
        if steps:
            plan.append((block, steps))
    return plan


def stand_in(document):
    """Return what makes the results that a document's later commands read."""
    place = f"results/{STAND_INS[document]}"
    arguments = {"task": "recall", "gap": 11, "seeds": 2, "output_dir": place, **SHORT}
    return [["code", f"import rnnbench; rnnbench.run(**{arguments})"]]


def prepare(directory, document):
    reference = directory / "results" / "reference"
    reference.mkdir(parents=True)
    for file in ["records.jsonl", *DIAGNOSED.get(document, [])]:
        shutil.copy(ROOT / "results" / "reference" / file, reference)
    for place in ("docs", "results/atlas", "results/reproductions"):
        shutil.copytree(ROOT / place, directory / place)
    for block in BLOCKS[document]:
        if block.file:
            path = directory / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)


def run_in(directory, plan):
    """Run steps in a process; return the exit codes and the output of each block."""
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
    return [json.loads(line) for line in (directory / "found.jsonl").read_text().splitlines()]


def complaint(block, found):
    """Return what is wrong with the run of a block, or None."""
    output = found["output"]
    if set(found["codes"]) != {0} or "Traceback" in output:
        return f"{block} ended with {found['codes']}:\n{output}"
    if block.output is None:
        return None
    if block.language == "python":
        same = [line.rstrip() for line in output.splitlines()] == block.output.splitlines()
        return None if same else f"{block} prints:\n{output}"
    for line in block.output.splitlines():  # among what a command says; ... is anything
        if not re.search(".*".join(map(re.escape, line.split("..."))), output):
            return f"{block} does not print: {line}\n{output}"
    return None


def readings():
    for document in BLOCKS:
        if document in QUICK:
            yield pytest.param(document, False, id=document)
        if plan_of(document, long=True):
            yield pytest.param(document, True, id=f"{document}, long", marks=pytest.mark.long)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("document", "long"), list(readings()))
def test_all_blocks_run_and_print_what_is_said(document, long, tmp_path):
    prepare(tmp_path, document)
    plan = plan_of(document, long)
    first = [stand_in(document)] if document in STAND_INS else []
    found = run_in(tmp_path, [*first, *(steps for _, steps in plan)])[len(first) :]
    complaints = [complaint(block, own) for (block, _), own in zip(plan, found, strict=True)]
    assert not any(complaints), "\n\n".join(filter(None, complaints))


def test_no_block_is_left_out():
    for document in BLOCKS:
        readings_of = [plan_of(document, long) for long in (True, False)]
        steps = [step for reading in readings_of for _, own in reading for step in own]
        own = [block for block in BLOCKS[document] if block.language in RUNNABLE]
        assert all(step in steps for block in own for step in steps_of(block))


@pytest.mark.parametrize("document", BLOCKS)
def test_there_is_no_block_that_nobody_runs(document):
    for block in BLOCKS[document]:
        if block.language == "yaml":
            assert block.file, f"{block}: a yaml must name its file in its first line"
        elif block.language == "bash":
            assert [as_run(words) for words in lines_of(block.text)], f"{block} is empty"
        elif block.language == "toml":
            assert tomllib.loads(block.text)
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
