"""Make an SVG file's drawing an element of a page, in few bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

REFERENCE = re.compile(r"url\(#([^)]+)\)")
HREF = "{http://www.w3.org/1999/xlink}href"
DROPPED = {"metadata", "style"}
NUMBER = re.compile(r"-?\d+\.\d+(?!\d*e)")
# Where numbers are lengths in points: a fiftieth of one is seen by nobody, also enlarged.
LENGTHS = {"d", "x", "y", "width", "height", "points", "transform", "stroke-dasharray"}
AROUND = re.compile(r"\s*([A-Za-z])\s*")  # a letter of a path, and the blanks beside it


def inline_svg(content: bytes, name: str, label: str) -> str:
    """Return an SVG file's drawing as an element of HTML; `label` tells what is to be seen.

    Its ids are short, and begin with its name, so that those of several drawings cannot clash.
    Styles become attributes of their own, since the page's policy forbids style attributes.
    Groups and ids that nothing asks for are left out, and lengths are rounded.
    """
    root = ElementTree.fromstring(content)
    names = {old: f"{name}-{place:x}" for place, old in enumerate(_references(root))}
    for element in root.iter():
        for child in list(element):
            if _local(child.tag) in DROPPED:
                element.remove(child)
        attributes = dict(_attributes(element, names))
        element.tag = _local(element.tag)
        element.attrib.clear()
        element.attrib.update(attributes)
        element.text = element.text.strip() if element.text else None
        element.tail = None
    _unwrap(root)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    # What the dropped style sheet said of every element.
    root.attrib |= {"stroke-linejoin": "round", "stroke-linecap": "butt"}
    root.attrib |= {"role": "img", "aria-label": label}
    return ElementTree.tostring(root, encoding="unicode").replace(" />", "/>")


def _references(root: Element) -> dict[str, None]:
    """Return the ids that anything in the drawing asks for, in their order."""
    found: dict[str, None] = {}
    for element in root.iter():
        for key, value in element.attrib.items():
            own = [value[1:]] if key == HREF and value.startswith("#") else []
            found |= dict.fromkeys(own or REFERENCE.findall(value))
    return found


def _attributes(element: Element, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    for key, value in element.attrib.items():
        if key == "style":
            for rule, text in _rules(value):
                yield rule, _value(rule, text, names)
        elif key == "id":
            if value in names:
                yield key, names[value]
        elif key == HREF and value.startswith("#"):
            yield "href", f"#{names[value[1:]]}"
        else:
            yield _local(key), _value(_local(key), value, names)


@lru_cache(1000)  # many elements have the same
def _rules(style: str) -> list[tuple[str, str]]:
    pairs = (rule.partition(":") for rule in style.split(";") if rule.strip())
    return [(rule.strip(), text.strip()) for rule, _, text in pairs]


def _value(key: str, value: str, names: dict[str, str]) -> str:
    """Return an attribute's value, short: lengths rounded, no blanks beside a path's letters."""
    text = value.strip()
    if "url(" in text:
        text = REFERENCE.sub(lambda found: f"url(#{names[found[1]]})", text)
    if key not in LENGTHS:
        return text
    text = NUMBER.sub(lambda found: _rounded(found[0]), text)
    return AROUND.sub(r"\1", text) if key == "d" else text


def _rounded(number: str) -> str:
    """Return a length with four digits at most; factors of a scale are as small as that."""
    value = float(number)
    if abs(value) < 1:
        return f"{value:.3g}" if abs(value) >= 0.001 else "0"
    return f"{value:.{2 if abs(value) < 10 else 1}f}".rstrip("0").rstrip(".")


def _unwrap(element: Element) -> None:
    """Put the children of groups that say nothing in their groups' places; drop empty ones."""
    children: list[Element] = []
    for child in element:
        _unwrap(child)
        if child.tag in ("g", "defs") and not len(child):
            continue
        children += child if child.tag == "g" and not child.attrib else [child]
    element[:] = children


def _local(tag: str) -> str:
    """Return a name without its name space: HTML knows those of SVG by themselves."""
    return tag.rpartition("}")[2]
