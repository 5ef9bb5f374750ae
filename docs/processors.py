"""Compare the same runs on two machines: `python docs/processors.py DIR OTHER`.

Training is chaotic: a difference in the last bit of one product grows over thousands of steps, so
that runs on other processors end elsewhere. How much of it reaches the results is measured here.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import NamedTuple

import pandas as pd

from rnnbench import load_results
from rnnbench.console import message_of

CLOSE = 0.1  # of score


class Comparison(NamedTuple):
    """Hold how many runs and condition means are within CLOSE, and the median difference."""

    runs: int
    runs_close: int
    median: float
    means: int
    means_close: int

    def __str__(self) -> str:
        runs = f"{self.runs_close} of {self.runs} scores within {CLOSE}"
        means = f"{self.means_close} of {self.means} condition means"
        return f"{runs} (median difference {self.median:.1g}) and {means}"


def compare(first: pd.DataFrame, second: pd.DataFrame) -> Comparison:
    """Compare the scores of runs that both results have, by run_id, and their conditions' means.

    Raises:
        ValueError: they have no run in common.
    """
    both = first.merge(second[["run_id", "score"]], on="run_id", suffixes=("", "_other"))
    if both.empty:
        raise ValueError("directories must have runs in common, got none")
    apart = (both["score"] - both["score_other"]).abs()
    means = both.groupby(["condition_id", "lr"])[["score", "score_other"]].mean()
    means_apart = (means["score"] - means["score_other"]).abs()
    close, means_close = int((apart <= CLOSE).sum()), int((means_apart <= CLOSE).sum())
    return Comparison(len(apart), close, float(apart.median()), len(means), means_close)


parser = ArgumentParser(description="Compare the same runs on two machines.")
parser.add_argument("places", metavar="DIR", nargs=2, help="two results directories")


def main() -> None:
    """Print each directory's processors, and how far apart the results are."""
    places = parser.parse_args().places
    try:
        results = [load_results(place) for place in places]
        comparison = compare(*results)
    except (OSError, ValueError) as error:
        parser.error(message_of(error))
    for place, runs in zip(places, results, strict=True):
        print(f"{place}: {', '.join(sorted(runs['cpu'].dropna().unique()))}")
    print(comparison)


if __name__ == "__main__":
    main()
