"""Run the notebook tour.ipynb anew, and store it with what it shows: `python docs/tour.py [FILE]`.

Needs nbclient and ipykernel, which `pip install 'rnnbench[dev]'` brings.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

TOUR = Path(__file__).resolve().with_suffix(".ipynb")


def run(notebook: NotebookNode) -> None:
    """Run all cells in a directory without results; keep what they show, without progress."""
    with tempfile.TemporaryDirectory() as place:
        NotebookClient(notebook, resources={"metadata": {"path": place}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # the time of day
        if "outputs" in cell:
            cell.outputs = [it for it in cell.outputs if it.get("name") != "stderr"]


def main(file: Path) -> None:
    """Write the notebook, run anew, into a file."""
    notebook = nbformat.read(TOUR, as_version=4)
    run(notebook)
    nbformat.write(notebook, file)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TOUR)
