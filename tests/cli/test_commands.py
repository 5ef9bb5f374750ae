"""The help names every command that there is, and each command's own help says what it takes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import rnnbench
from rnnbench.cli.command import run_command
from rnnbench.cli.help import KINDS, find_commands, wrap
from rnnbench.console import Parser, mistakes

PACKAGE = Path(rnnbench.__file__).parent
COMMANDS = [f"rnnbench.{name}" for name in find_commands()]


def test_every_module_that_can_be_run_is_a_command(in_tmp, capsys):
    files = [*PACKAGE.glob("*.py"), *PACKAGE.glob("*/__main__.py")]
    files = [path for path in files if '\nif __name__ == "__main__":' in path.read_text()]
    names = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__main__")
        for path in files
    }
    assert names == {*COMMANDS, "rnnbench"}
    expected = "bench check dashboard diagnose guess publish report status sync train transfer"
    assert names == {"rnnbench", *(f"rnnbench.{n}" for n in [*expected.split(), "verify"])}
    assert run_command(["--help"]) == 0
    shown = capsys.readouterr().out
    for _, words, purpose in find_commands().values():
        assert re.search(rf"^{re.escape(words)} +{re.escape(purpose)}$", shown, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_its_help_says_what_it_is_for_and_what_each_option_means(command):
    done = subprocess.run(
        [sys.executable, "-m", command, "--help"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    usage, _, rest = done.stdout.partition("\n\n")
    assert usage.startswith(f"usage: python -m {command} ")
    purpose = find_commands()[command.removeprefix("rnnbench.")].purpose
    assert purpose.casefold() in " ".join(rest.split()).casefold()
    entries = re.findall(r"^  (\S.*(?:\n {4,}\S.*)*)", rest, re.MULTILINE)
    assert len(entries) >= 2
    for entry in entries:
        assert re.search(r"\s{2,}\S", entry), f"{command}: no help for {entry}"


def test_the_help_lists_every_cell_under_its_kind(in_tmp, capsys):
    assert run_command(["--help"]) == 0
    shown = capsys.readouterr().out.partition("Choices")[2].partition("cluster:")[0]
    kinds = re.findall(r"^  (\S+)$", shown, re.MULTILINE)
    assert kinds == [kind for kind in KINDS if kind in kinds] and kinds
    names = re.findall(r"^    (\w+) +\S.*$", shown, re.MULTILINE)
    files = (PACKAGE.parent / "conf" / "cell").glob("*.yaml")
    assert sorted(names) == sorted(path.stem for path in files)


def test_a_long_line_goes_on_below_set_in():
    folded = wrap(f"short\n  sweep: {', '.join(['word'] * 40)}\n\nend").splitlines()
    assert folded[0] == "short" and folded[-2:] == ["", "end"]
    assert all(len(line) <= 100 for line in folded)
    assert folded[1].startswith("  sweep: word") and folded[2].startswith("      word")


@pytest.mark.parametrize("words", [["--help"], ["--cfg", "job"], ["-sc", "install=bash"]])
def test_what_only_shows_something_loads_little(words):
    code = f"import sys; from rnnbench.cli import main; main({words}); "
    code += "sys.exit(bool({'torch', 'pandas', 'pydantic'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ValueError("no\nsuch \x1b thing"), 2, "error: no such \\x1b thing"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_a_small_command_s_mistakes_and_ctrl_c_are_one_line(capsys, error, code, line):
    parser = Parser("rnnbench.trial", "`python -m rnnbench.trial`: try.\n\nExit code: any.")

    @parser.command
    def main(given):
        with mistakes(ValueError):
            raise error

    assert main([]) == code
    assert capsys.readouterr().err == f"rnnbench.trial: {line}\n"
    assert parser.description == "Try." and parser.epilog == "Exit code: any."
    with pytest.raises(SystemExit, match="2"):
        main(["more"])


def test_ctrl_c_before_anything_starts_is_one_line(monkeypatch, capsys):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("rnnbench.cli.command.compose", interrupted)
    assert run_command(["task=copy"]) == 130
    assert capsys.readouterr().err == "rnnbench: stopped\n"


@pytest.mark.parametrize("words", ["rnnbench.status results/reference", "rnnbench --cfg job"])
def test_a_reader_that_leaves_is_no_error(words):
    command = [sys.executable, "-m", *words.split()]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=PACKAGE.parent, **pipe) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141
