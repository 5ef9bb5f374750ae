"""What a page points to is there: files, pictures, headings, and commands within a sentence."""

import importlib.util
import re
import shlex

import pytest

from rnnbench.cli.compose import compose
from rnnbench.cli.sweeps import make_sweeps

from .markdown import GUIDE, ROOT, anchors, prose

PAGES = [*GUIDE, ROOT / "CHANGELOG.md", ROOT / "results" / "reference" / "report.md"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def links():
    for page in PAGES:
        for target in LINK.findall(re.sub(r"`[^`]*`", "", prose(page))):
            if not re.match(r"https?:|mailto:", target):
                yield pytest.param(page, target, id=f"{page.relative_to(ROOT)}->{target}")


@pytest.mark.parametrize(("page", "target"), list(links()))
def test_a_link_leads_somewhere(page, target):
    file, _, heading = target.partition("#")
    path = (page.parent / file).resolve() if file else page
    assert path.exists()
    assert not heading or heading in anchors(path)


def inline():
    for page in GUIDE:
        for code in re.findall(r"`(python -m rnnbench[^`]*)`", prose(page)):
            text = " ".join(code.split())
            mark = pytest.mark.long if "+sweep=atlas" in text else ()  # hundreds of conditions
            yield pytest.param(text, id=f"{page.relative_to(ROOT)}: {text}", marks=mark)


@pytest.mark.parametrize("command", list(inline()))
def test_a_command_within_a_sentence_is_one(command, in_tmp):
    """A sweep is composed and checked, and not started; of other commands the module is there."""
    _, _, module, *arguments = shlex.split(command)
    assert importlib.util.find_spec(module)
    if module == "rnnbench" and arguments and "--help" not in arguments:
        assert make_sweeps(compose(arguments))
