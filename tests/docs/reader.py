"""Run blocks of documentation one after the other in this process and directory.

`python reader.py PLAN RESULTS`: PLAN is a JSON list of blocks, each a list of steps; a step is
`["code", text]`, `["file", path]`, `["-m", module, ...]` or the words of a program. RESULTS gets
a line of JSON per block.
One process for a whole document, for the imports of each would take longer than the rest.
"""

import io
import json
import os
import runpy
import subprocess
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout

from rnnbench.cli.command import run_command


def run(step):
    """Run one step; return its exit code."""
    kind, *rest = step
    try:
        if kind == "code":
            exec(compile(rest[0], "<block>", "exec"), {"__name__": "__main__"})
        elif kind == "file":
            runpy.run_path(rest[0])
        elif step[:2] == ["-m", "rnnbench"]:
            return run_command(step[2:])  # what `python -m rnnbench` does, any number of times
        elif kind == "-m":
            sys.argv = rest
            runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        else:
            done = subprocess.run(step, capture_output=True, text=True)
            print(done.stdout, done.stderr)
            return done.returncode
    except SystemExit as leaving:
        return leaving.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def main(plan, results):
    """Run all blocks, the next one also where one fails."""
    sys.path.insert(0, os.getcwd())
    with open(plan) as file, open(results, "w") as out:
        for steps in json.load(file):
            heard = io.StringIO()
            with redirect_stdout(heard), redirect_stderr(heard):
                codes = [run(step) for step in steps]
            print(json.dumps({"codes": codes, "output": heard.getvalue()}), file=out, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
