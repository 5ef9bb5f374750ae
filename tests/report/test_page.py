"""The page: whole in itself, every text from results a text, its parts told apart by name."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure as Drawing

from rnnbench.report import write_report
from rnnbench.report.document import Figure, Heading, Paragraph, one_panel_each
from rnnbench.report.page import Picture, to_html
from rnnbench.report.svg import inline_svg
from rnnbench.store.records import Store

Fabricate = Callable[..., Any]
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    '"><b id="x',
    "$\\a$",
)
SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
width="72pt" height="72pt" viewBox="0 0 72 72"><metadata><date>now</date></metadata>
<defs><style type="text/css">*{fill: red}</style><path id="m" d="M 0 0"/>
<clipPath id="p"><path d="M 0 0"/></clipPath></defs>
<g id="unasked"><g style="clip-path: url(#p); opacity: 0.5"><g/><use xlink:href="#m" x="3.0"/>
<path clip-path="url(#p)" style="fill: none" d="M 1.234567 0 L 99.01 0"/></g></g></svg>"""


class Elements(HTMLParser):
    """The elements of a page as a browser reads them: names, attributes, texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.texts: dict[str, str] = {}
        self.last = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.last = tag
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        self.last = ""

    def handle_data(self, data: str) -> None:
        self.texts[self.last] = self.texts.get(self.last, "") + data

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.attributes if key == name]


@pytest.fixture(scope="module")
def source(
    fabricate: Fabricate, break_run: Fabricate, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A page on which every text that results hold is hostile."""
    store = Store(tmp_path_factory.mktemp("hostile"))
    for place, evil in enumerate(HOSTILE):
        names = ("cell", "sweep", "engine", "init", "device", "dtype", "version", "command")
        changes = dict.fromkeys(names, evil)
        store.write(fabricate(seed=0, **changes))
        broken = break_run(fabricate(seed=1, **changes), "failed")
        store.write(broken | {"error": evil, "task": evil, "run_id": f"{place:016x}"})
    return (write_report([store.output_dir]) / "index.html").read_text()


@pytest.fixture(scope="module")
def written(fabricate: Fabricate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on two conditions of a cell."""
    store = Store(tmp_path_factory.mktemp("plain"))
    for gap in (10, 20):
        store.write(fabricate(gap=gap))
    return write_report([store.output_dir])


@pytest.fixture(scope="module")
def page(source: str) -> Elements:
    return Elements(source)


def test_no_text_of_the_results_becomes_an_element(page: Elements) -> None:
    assert page.tags["script"] == page.tags["style"] == 1
    assert page.tags["img"] == 0
    assert page.tags["b"] == len(HOSTILE) + 1  # the tasks that the answer is on, and no other
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    for evil in HOSTILE:
        assert evil in page.texts["td"]


def test_nothing_is_loaded_from_elsewhere(page: Elements) -> None:
    assert not page.values("src") + page.values("xlink:href")
    # Links lead into the page, or to the files beside it; none is followed by itself.
    assert all(re.fullmatch(r"#.*|\w+\.(pdf|svg|png|csv|tex)", to) for to in page.values("href"))
    urls = [value for _, value in page.attributes if "url(" in value]
    assert all(re.fullmatch(r"url\(#[\w-]+\)", value) for value in urls)
    assert "url(" not in page.texts["style"] and "@import" not in page.texts["style"]


def test_the_policy_allows_its_own_script_and_style_and_nothing_else(page: Elements) -> None:
    (policy,) = [value for value in page.values("content") if "default-src" in value]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for name in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.texts[name].encode()).digest()).decode()
        assert rules[f"{name}-src"] == f"'sha256-{digest}'"
    assert not page.values("style")
    assert "metadata" not in page.tags


def test_names_on_the_page_are_different_and_every_reference_has_its_own(page: Elements) -> None:
    names = page.values("id")
    assert len(set(names)) == len(names) > 10
    wanted = [value[1:] for value in page.values("href") if value.startswith("#")]
    wanted += [name for _, value in page.attributes for name in re.findall(r"url\(#(.*?)\)", value)]
    assert wanted and set(wanted) <= set(names)


def test_figures_have_names_captions_and_links_to_files_that_are_there(written: Path) -> None:
    page = Elements((written / "index.html").read_text())
    figures = [name for name in page.values("id") if name.startswith("figure-")]
    assert len(figures) == page.tags["figure"] == page.tags["figcaption"] > 3
    links = {to for to in page.values("href") if not to.startswith("#")}
    assert {"score_vs_gap.pdf", "score_vs_gap.svg", "score_vs_gap.png"} <= links
    assert {"by_gap.csv", "scores.tex"} <= links
    assert all((written / to).is_file() for to in links)


def test_the_contents_lead_to_every_section() -> None:
    headings = ["Twice", "Twice", "Twice 2", "<b>"]
    blocks = [Heading("Title", level=1), *(Heading(text) for text in headings), Paragraph("x")]
    page = Elements(to_html("t", [*blocks, Heading("Under", level=3)], {}))
    links = page.values("href")
    assert len(links) == len(set(links)) == 4
    assert [link[1:] for link in links] == [name for name in page.values("id")][1:5]
    assert page.texts["a"].split("\n")[0].startswith("Twice")


def test_a_drawing_keeps_its_look_without_style_and_metadata() -> None:
    root = ElementTree.fromstring(inline_svg(SVG, "one", 'say "x"'))
    assert root.tag == "svg" and root.get("viewBox") == "0 0 72 72"
    assert root.get("width") is None
    assert (root.get("role"), root.get("aria-label")) == ("img", 'say "x"')
    (figure,) = root.findall("g")
    (clip,) = root.findall("defs/clipPath")
    assert figure.attrib == {"clip-path": f"url(#{clip.get('id')})", "opacity": "0.5"}
    use, path = figure
    (mark,) = root.findall("defs/path")
    assert use.attrib == {"href": f"#{mark.get('id')}", "x": "3"}
    assert path.attrib == {
        "clip-path": f"url(#{clip.get('id')})",
        "fill": "none",
        "d": "M1.23 0L99 0",
    }
    assert {element.tag for element in root.iter()} <= {
        "svg",
        "defs",
        "path",
        "g",
        "use",
        "clipPath",
    }


def test_what_says_nothing_in_a_drawing_is_left_out() -> None:
    root = ElementTree.fromstring(inline_svg(SVG, "one", "x"))
    assert not [each for each in root.iter("g") if not each.attrib]
    assert len([each for each in root.iter() if each.get("id")]) == 2


def test_the_same_drawing_twice_has_names_of_its_own() -> None:
    blocks = [
        Figure(*names, draw=lambda _: Drawing(), rows=lambda _: one_panel_each([]))
        for names in (("one", "first"), ("two", "second"))
    ]
    pictures = dict.fromkeys(("one", "two"), Picture(SVG, SVG))
    page = Elements(to_html("t", blocks, pictures))
    assert {"one-0", "one-1", "two-0", "two-1"} <= set(page.values("id"))
    assert page.texts["figcaption"] == "first second "


def test_the_answer_is_open_and_its_figure_drawn_and_sections_are_folded_and_packed() -> None:
    one, two = (
        Figure(name, "caption", draw=lambda _: Drawing(), rows=lambda _: one_panel_each([]))
        for name in ("one", "two")
    )
    blocks = [Heading("Q", level=1), Paragraph("A"), one, Heading("More"), Paragraph("M"), two]
    source = to_html("t", blocks, dict.fromkeys(("one", "two"), Picture(SVG, SVG)))
    main = source[source.index("<main>") :]
    top, folded = main.split("<details>")
    assert "<svg" in top and "<p>A</p>" in top and "<svg" not in folded and "<p>M</p>" in folded
    assert '<summary><h2 id="more">More</h2></summary>' in folded
    (packed,) = re.findall(r'data-wide="(.*?)"', folded)
    assert gzip.decompress(base64.b64decode(packed)).decode() == inline_svg(SVG, "two", "caption")
