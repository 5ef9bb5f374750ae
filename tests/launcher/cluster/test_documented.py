"""The SLURM commands of docs/cluster.md, run as they are written by a real SLURM of one node.

What a site has and this machine has not is a stand-in: modules, Apptainer, and pyxis, without
whose plug-in srun does not know its options.
"""

import os
import shutil
import sys
from pathlib import Path

import pytest

from .command import BRIEF, documented, finish, results
from .slurm_node import missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
APPTAINER = """#!/bin/bash
[ "$1 $2 $4" = "exec --bind rnnbench.sif" ] && [ -d "$3" ] && shift 4 && exec "$@"
"""
SRUN = """#!/bin/bash
words=()
for word in "$@"; do [[ $word == --container* ]] && echo "$word" >>options || words+=("$word"); done
exec {srun} "${{words[@]}}"
"""


@pytest.fixture
def site(tmp_path):
    """Return the variables of a site that has modules, Apptainer and pyxis."""
    programs = tmp_path / "site"
    programs.mkdir()
    srun = SRUN.format(srun=shutil.which("srun"))
    for name, text in {"apptainer": APPTAINER, "srun": srun}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    activate = tmp_path / "venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text("touch activated\n")
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {"PATH": path, "BASH_FUNC_module%%": '() { echo "$@" >loaded; }'}


@pytest.mark.long
def test_what_the_documentation_says_runs(slurm, site, tmp_path, monkeypatch):
    monkeypatch.setenv("PWD", str(tmp_path))
    lines = documented("+cluster=slurm")
    assert len(lines) >= 6
    for line in lines:
        words = map(os.path.expandvars, line)
        finish(slurm(*words, *BRIEF, **site))
        assert results(tmp_path)
        shutil.rmtree(tmp_path / "out")
    assert (tmp_path / "loaded").read_text() == "load python\n"
    assert (tmp_path / "activated").exists()
    assert set((tmp_path / "options").read_text().splitlines()) == {
        f"--container-image={os.environ['HOME']}/rnnbench.sqsh",
        f"--container-mounts={tmp_path}:{tmp_path}",
    }
