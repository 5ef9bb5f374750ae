"""An SVG file of matplotlib as a part of a page: names of its own, no style sheet, no metadata."""

from __future__ import annotations

import re
from xml.etree import ElementTree

REFERENCE = re.compile(r"url\(#([^)]+)\)")
HREF = "{http://www.w3.org/1999/xlink}href"
DROPPED = {"metadata", "style"}


def inline_svg(content: bytes, name: str, label: str) -> str:
    """Return the drawing as an element of HTML.

    Its ids begin with its name, so that those of several drawings cannot clash. Styles become
    attributes, which a page may forbid style attributes and yet show.

    Args:
        content: of the SVG file.
        name: of the drawing, different from those of the others on the page.
        label: what is to be seen, for those who do not see it.
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
