"""Draw the guide's figures from the committed results: `python docs/draw.py [DIRECTORY]`."""

from __future__ import annotations

import sys
from pathlib import Path

from figures import FIGURES

HERE = Path(__file__).resolve().parent


def main(directory: Path) -> None:
    """Write every figure as a PNG into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, draw in FIGURES.items():
        draw().savefig(directory / f"{name}.png", dpi=160, metadata={"Software": None})
        print(directory / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "figures")
