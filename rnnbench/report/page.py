"""A report as one HTML page that needs no other file."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from html import escape

from rnnbench.report.document import Block, Bullets, Heading, Paragraph, Picture, Table

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 62rem; background: #fff;
  color: #1c1c1c; font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0.5rem 0 1rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 0.75rem; padding-top: 0.75rem;
  border-top: 1px solid #ddd; }
h3 { font-size: 1.05rem; margin: 1.5rem 0 0.5rem; }
p, li { max-width: 46rem; }
.scroll { overflow-x: auto; margin: 0.75rem 0 1.25rem; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.8rem; border-bottom: 1px solid #e4e4e4; text-align: right;
  white-space: nowrap; }
th { border-bottom: 2px solid #888; font-weight: 600; }
.name { text-align: left; white-space: normal; }
td.name:first-child { font-weight: 600; }
figure { margin: 1.25rem 0; }
img { display: block; width: 100%; height: auto; }
figcaption { font-size: 0.9rem; color: #555; max-width: 46rem; margin-top: 0.4rem; }
@media (max-width: 40rem) {
  figure { overflow-x: auto; }
  img { min-width: 40rem; }
  th, td { padding: 0.25rem 0.5rem; }
}
@media print {
  @page { margin: 1.5cm; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  h2, h3 { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  .scroll { overflow: visible; }
  td, th { white-space: normal; padding: 0.15rem 0.4rem; }
}
"""


def to_html(title: str, blocks: Iterable[Block], pictures: Mapping[str, bytes]) -> str:
    """Return the page.

    Args:
        title: of the browser's tab.
        blocks: the report.
        pictures: SVG files by their name; each is put into the page as an image of its own, so
            that their inner names cannot clash.
    """
    body = "\n".join(_write(block, pictures) for block in blocks)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _write(block: Block, pictures: Mapping[str, bytes]) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Bullets(texts):
            return "<ul>\n" + "\n".join(f"<li>{escape(text)}</li>" for text in texts) + "\n</ul>"
        case Picture(name, caption):
            return _picture(pictures[name], caption)
        case Table():
            return _table(block)


def _picture(content: bytes, caption: str) -> str:
    data = base64.b64encode(content).decode()
    text = escape(caption)
    return (
        f'<figure><img alt="{text}" src="data:image/svg+xml;base64,{data}">\n'
        f"<figcaption>{text}</figcaption></figure>"
    )


def _table(table: Table) -> str:
    head = _row(table.header, "th", table.names)
    rows = "\n".join(_row(row, "td", table.names) for row in table.rows)
    return (
        f'<div class="scroll"><table>\n<thead>{head}</thead>\n<tbody>\n{rows}\n</tbody>\n'
        "</table></div>"
    )


def _row(texts: Iterable[str], tag: str, names: int) -> str:
    cells = [_cell(text, tag, place < names) for place, text in enumerate(texts)]
    return f"<tr>{''.join(cells)}</tr>"


def _cell(text: str, tag: str, is_name: bool) -> str:
    kind = ' class="name"' if is_name else ""
    return f"<{tag}{kind}>{escape(text)}</{tag}>"
