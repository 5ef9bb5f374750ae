"""Write a report as one page of HTML, with its figures as SVG inside."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from itertools import chain, count
from xml.etree import ElementTree

from rnnbench.report.document import Block, Bullets, Figure, Heading, Paragraph, Table

REFERENCE = re.compile(r"url\(#([^)]+)\)")
HREF = "{http://www.w3.org/1999/xlink}href"
DROPPED = {"metadata", "style"}
LONG = 40  # characters: a longer text in a table may break its line
# Nothing may be loaded, and nothing but the page's own script and style sheet counts.
POLICY = (
    "default-src 'none'; img-src data:; style-src '{style}'; script-src '{script}'; "
    "base-uri 'none'; form-action 'none'"
)


def to_html(title: str, blocks: Sequence[Block], pictures: Mapping[str, bytes]) -> str:
    """Return the page; `pictures` are the figures' SVG files by their names."""
    style, script = (f"\n{_asset(name)}" for name in ("page.css", "page.js"))
    policy = POLICY.format(style=_digest(style), script=_digest(script))
    anchors = _anchors(blocks)
    body = "\n".join(
        _write(block, anchor, pictures) for block, anchor in zip(blocks, anchors, strict=True)
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>{style}</style>\n<script>{script}</script>\n</head>\n"
        f"<body>\n{_contents(blocks, anchors)}\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def inline_svg(content: bytes, name: str, label: str) -> str:
    """Return an SVG file's drawing as an element of HTML; `label` tells what is to be seen.

    Its ids begin with its name, so that those of several drawings cannot clash. Styles become
    attributes of their own, since the page's policy forbids style attributes.
    """
    root = ElementTree.fromstring(content)
    for element in root.iter():
        for child in list(element):
            if _local(child.tag) in DROPPED:
                element.remove(child)
        element.tag = _local(element.tag)
        attributes = {_local(key): value for key, value in _attributes(element, name)}
        element.attrib.clear()
        element.attrib.update(attributes)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    # What the dropped style sheet said of every element.
    root.attrib |= {"stroke-linejoin": "round", "stroke-linecap": "butt"}
    root.attrib |= {"role": "img", "aria-label": label}
    return ElementTree.tostring(root, encoding="unicode")


def _attributes(element: ElementTree.Element, name: str) -> list[tuple[str, str]]:
    found = []
    for key, value in element.attrib.items():
        if key == "style":
            pairs = (rule.partition(":") for rule in value.split(";") if rule.strip())
            found += [(rule.strip(), _own(text.strip(), name)) for rule, _, text in pairs]
        elif key == "id":
            found.insert(0, (key, f"{name}-{value}"))
        elif key == HREF and value.startswith("#"):
            found.insert(0, (key, f"#{name}-{value[1:]}"))
        else:
            found.insert(0, (key, _own(value, name)))
    return found


def _own(value: str, name: str) -> str:
    return REFERENCE.sub(rf"url(#{name}-\1)", value)


def _local(tag: str) -> str:
    """Return a name without its name space: HTML knows those of SVG by themselves."""
    return tag.rpartition("}")[2]


def _asset(name: str) -> str:
    return files("rnnbench.report").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Return a text's hash as a content security policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _anchors(blocks: Iterable[Block]) -> list[str]:
    """Return a name for every heading, made of its words; no two are the same."""
    anchors: list[str] = []
    for block in blocks:
        words = re.findall(r"[a-z0-9]+", block.text.lower()) if isinstance(block, Heading) else []
        base = "-".join(words) or "section"
        names = chain([base], (f"{base}-{number}" for number in count(2)))
        anchors.append(next(name for name in names if name not in anchors))
    return anchors


def _contents(blocks: Iterable[Block], anchors: Iterable[str]) -> str:
    """Return links to the sections."""
    lines = "\n".join(
        f'<li><a href="#{anchor}">{escape(block.text)}</a></li>'
        for block, anchor in zip(blocks, anchors, strict=True)
        if isinstance(block, Heading) and block.level == 2
    )
    return f"<nav><details><summary>Contents</summary>\n<ul>\n{lines}\n</ul></details></nav>"


def _write(block: Block, anchor: str, pictures: Mapping[str, bytes]) -> str:
    match block:
        case Heading(text, level):
            return f'<h{level} id="{anchor}">{escape(text)}</h{level}>'
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Bullets(texts):
            return "<ul>\n" + "\n".join(f"<li>{escape(text)}</li>" for text in texts) + "\n</ul>"
        case Figure(name, caption):
            drawing = inline_svg(pictures[name], name, caption)
            text = f"<figcaption>{escape(caption)}</figcaption>"
            return f'<figure><div class="picture">{drawing}</div>\n{text}</figure>'
        case Table():
            return _table(block)


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
