"""Markdown files as a reader meets them: blocks of code in order, links, headings."""

import re
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDE = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The file that a block is to be saved as stands in its first or second line.
FILE = re.compile(r"\A(?:# @package \S+\n)?# (\S+\.(?:py|yaml))\n")


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Attributes:
        document: file, relative to the repository.
        line: of its fence.
        language: what stands behind the fence.
        text: between the fences.
        output: of the `text` block that follows at once, or None.
    """

    document: str
    line: int
    language: str
    text: str
    output: str | None = None

    def __str__(self):
        return f"{self.document}:{self.line}"

    @property
    def file(self):
        """The name to save it as, or None."""
        found = FILE.match(self.text)
        return found.group(1) if found else None


def blocks(path):
    """Return the blocks of a document, in order."""
    text = path.read_text()
    found = []
    end = 0
    for fence in FENCE.finditer(text):
        language, body = fence.groups()
        follows = found and text[end : fence.start()].strip() == ""
        if language == "text" and follows and found[-1].language in ("python", "bash"):
            found[-1] = Block(**{**vars(found[-1]), "output": body})
        line = text[: fence.start()].count("\n") + 1
        found.append(Block(str(path.relative_to(ROOT)), line, language, body))
        end = fence.end()
    return found


def prose(path):
    """Return a document without its blocks of code."""
    return FENCE.sub("", path.read_text())


def says(page, *parts):
    """Assert that a page of the guide has these words, whatever its line breaks."""
    text = " ".join(prose(ROOT / "docs" / page).split())
    for part in parts:
        assert part in text, f"{page} does not say: {part}"


def table(page, heading):
    """Return the first table of a page of the guide below a heading: its rows, the names first."""
    text = prose(ROOT / "docs" / page)
    assert f"# {heading}\n" in text, f"{page} has no heading: {heading}"
    below = text.partition(f"# {heading}\n")[2].splitlines()
    rows = takewhile(is_row, dropwhile(lambda line: not is_row(line), below))
    ruled = [[cell.strip() for cell in row[1:-1].split("|")] for row in rows]
    return [row for row in ruled if set("".join(row)) != {"-"}]


def is_row(line):
    return line.startswith("|")


def anchors(path):
    """Return the names by which a document's headings are linked to, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
