"""Write a report as one page of HTML: the answer with its figure, then folded sections.

The figures of folded sections lie in the page packed, and its script unpacks them when their
section is opened: a page of many figures is small, and opens at once.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import NamedTuple

from rnnbench.report.document import (
    Block,
    Bullets,
    Figure,
    Heading,
    Paragraph,
    Statements,
    Table,
    anchors,
    sections,
)
from rnnbench.report.svg import inline_svg

FORMATS = ("pdf", "svg", "png")
LONG = 40  # characters: a longer text in a table may break its line
# Nothing may be loaded, and nothing but the page's own script and style sheet counts.
POLICY = (
    "default-src 'none'; img-src data:; style-src '{style}'; script-src '{script}'; "
    "base-uri 'none'; form-action 'none'"
)


class Picture(NamedTuple):
    """A figure as SVG files: for a desk, and for a phone, on which its panels stand in a column."""

    wide: bytes
    narrow: bytes


def to_html(title: str, blocks: Sequence[Block], pictures: Mapping[str, Picture]) -> str:
    """Return the page; `pictures` are those of its figures, by their names."""
    style, script = (f"\n{_asset(name)}" for name in ("page.css", "page.js"))
    policy = POLICY.format(style=_digest(style), script=_digest(script))
    page = Page(blocks, pictures)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>{style}</style>\n<script>{script}</script>\n</head>\n"
        f"<body>\n{page.contents()}\n<main>\n{page.body()}\n</main>\n</body>\n</html>\n"
    )


def _asset(name: str) -> str:
    return files("rnnbench.report").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Return a text's hash as a content security policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


class Page:
    """The blocks of a page, with an id for each of its headings."""

    def __init__(self, blocks: Sequence[Block], pictures: Mapping[str, Picture]) -> None:
        self.top, *self.folded = sections(blocks)
        self.pictures = pictures
        headings = [block for block in blocks if isinstance(block, Heading)]
        names = anchors(heading.text for heading in headings)
        # By identity: two headings may have the same words.
        self.anchors = {id(heading): name for heading, name in zip(headings, names, strict=True)}

    def contents(self) -> str:
        """Return links to the sections."""
        lines = "\n".join(
            f'<li><a href="#{self.anchors[id(title)]}">{escape(title.text)}</a></li>'
            for title, *_ in self.folded
            if isinstance(title, Heading)
        )
        return f"<nav><details><summary>Contents</summary>\n<ul>\n{lines}\n</ul></details></nav>"

    def body(self) -> str:
        """Return what precedes the first section, its figures drawn, and the folded sections."""
        top = [self._write(block, is_folded=False) for block in self.top]
        return "\n".join([*top, *map(self._fold, self.folded)])

    def _fold(self, section: Sequence[Block]) -> str:
        title, *rest = (self._write(block, is_folded=True) for block in section)
        text = "\n".join(rest)
        return f"<details>\n<summary>{title}</summary>\n{text}\n</details>"

    def _write(self, block: Block, is_folded: bool) -> str:
        match block:
            case Heading(text, level):
                return f'<h{level} id="{self.anchors[id(block)]}">{escape(text)}</h{level}>'
            case Paragraph(text, is_small):
                kind = ' class="small"' if is_small else ""
                return f"<p{kind}>{escape(text)}</p>"
            case Bullets(texts):
                lines = "\n".join(f"<li>{escape(text)}</li>" for text in texts)
                return f"<ul>\n{lines}\n</ul>"
            case Statements(pairs):
                lines = "\n".join(
                    f"<li><b>{escape(name)}</b> {escape(text)}</li>" for name, text in pairs
                )
                return f"<ul>\n{lines}\n</ul>"
            case Figure():
                return _figure(block, self.pictures[block.name], is_folded)
            case Table():
                return _table(block)


def _figure(figure: Figure, picture: Picture, is_folded: bool) -> str:
    name, caption = escape(figure.name), escape(figure.caption)
    drawings = [inline_svg(own, figure.name, figure.caption) for own in picture]
    wide, narrow = map(_packed, drawings)
    packed = f'data-wide="{wide}" data-narrow="{narrow}" aria-label="{caption}"'
    packed += "" if is_folded else ' data-drawn="wide"'
    shown = "" if is_folded else drawings[0]
    links = ", ".join(map(_link, (*(f"{figure.name}.{kind}" for kind in FORMATS), *figure.data)))
    return (
        f'<figure id="figure-{name}"><div class="picture" {packed}>{shown}</div>\n'
        f'<figcaption>{caption} <span class="files">{links}</span></figcaption></figure>'
    )


def _packed(drawing: str) -> str:
    """Return a drawing as the page's script unpacks it; without a date, always the same."""
    return base64.b64encode(gzip.compress(drawing.encode(), mtime=0)).decode()


def _link(name: str) -> str:
    """Return a link to a file beside the page, named by its kind if that is a picture's."""
    kind = name.rpartition(".")[2]
    return f'<a href="{escape(name)}">{kind.upper() if kind in FORMATS else escape(name)}</a>'


def _table(table: Table) -> str:
    head = _row(table.header, 'th scope="col"', table.names)
    rows = "\n".join(_row(row, "td", table.names) for row in table.rows)
    body = f"<thead>{head}</thead>\n<tbody>\n{rows}\n</tbody>"
    return f'<div class="scroll"><table>\n{body}\n</table></div>'


def _row(texts: Iterable[str], tag: str, names: int) -> str:
    cells = [_cell(text, tag, place < names) for place, text in enumerate(texts)]
    return f"<tr>{''.join(cells)}</tr>"


def _cell(text: str, tag: str, is_name: bool) -> str:
    kinds = ["name"] * is_name + ["long"] * (len(text) > LONG)
    kind = f' class="{" ".join(kinds)}"' if kinds else ""
    return f"<{tag}{kind}>{escape(text)}</{tag.split()[0]}>"
