"""A report as a list of blocks, before it is Markdown or HTML."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """A section's title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """A few sentences."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of short statements."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Rows of texts under a header; the first `names` columns are text, the others numbers."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int = 1


@dataclass(frozen=True)
class Picture:
    """A figure, by the name of its files without their ending."""

    name: str
    caption: str


Block = Heading | Paragraph | Bullets | Table | Picture


CAPTIONS = {
    "accuracy_vs_gap": "Accuracy on the test stream against the gap. Line: mean over seeds. Band: "
    "95 % interval of that mean over seeds (Student t), cut to the range 0 to 1. Open marks: "
    "single seeds, moved aside a little. Where learning rates were tuned, those curves have panels "
    "of their own. Dotted: what a predictor that remembers nothing gets.",
    "score_vs_gap": "Score against the gap: 0 remembers nothing, 1 is perfect. Drawn as above; "
    "scores outside 0 to 1 are drawn at its ends and kept as they are in by_gap.csv.",
    "horizon_vs_keep_bias": "Horizon against the bias that the gate which keeps the old state "
    "starts with; bars: 95 % interval, arrows: beyond the measured gaps. Dotted: after how many "
    "time steps a gate at that bias alone has kept half, ln 2 / -ln sigmoid(b). Chrono draws the "
    "bias of every unit between log 1 and log(gap - 1).",
    "solving_curves": "Share of runs that have solved their task after so many steps: accuracy of "
    "0.99 at three evaluations in a row, of which the first counts. Kaplan-Meier estimate; runs "
    "that are never solved, diverged and failed ones included, are counted to the end.",
    "learning_curves": "Loss of the evaluations during training. Thick: mean over seeds, where a "
    "run that ended early counts on at its last loss and a diverged one at chance. Thin: single "
    "seeds. Dotted: chance and known half-way solutions.",
}
HOW_TO_READ = (
    "Gap: time steps from the oldest input that an answer needs to the step where it is read.",
    "Score: chance-corrected result, 0 for remembering nothing, 1 for perfect.",
    "Horizon: the gap at which the mean score over seeds first falls below 0.75, linear in log "
    "gap between the measured gaps; D90: the same at 0.9. '> 160': not lost up to the largest "
    "gap. '< 11': not even reached at the smallest. Area: the mean score over log gap.",
    "Intervals: 95 %. Of means: Student t over seeds. Of success rates: Wilson. Of horizons, "
    "areas, interquartile means and probabilities: bootstrap over the seeds of every gap, from "
    "five seeds on.",
    "Interquartile mean: the mean of the middle half of the seeds, which a few good or bad ones "
    "cannot move. Where seeds solve a task or stay at chance it tells which of the two most do.",
    "Success rate: the share of runs that solved their task, over all gaps or at one. "
    "'3/5 (0.23–0.88), 800': three of five seeds did, by a median of 800 steps.",
    "Seconds a run: of the training steps alone, on average. Sequences / s: all that a curve's "
    "runs were trained on, over all their seconds.",
    "How often they hold the truth, in simulated sweeps (docs/coverage.csv): all of them in at "
    "least 94 % of cases where outcomes are normal. Where a seed solves a task or stays at chance, "
    "seeds that happen to agree leave no width: intervals of means then hold it in 55, 71 and 85 % "
    "at 5, 10 and 20 seeds, of D90 in 53, 79 and 95 %; of horizons, areas, probabilities and "
    "success rates still in at least 92 %. Look at the single seeds and at the rates.",
    "Probability on a seed: how often the first cell has the higher score on the same seed, hence "
    "the same data, at the same gap; a tie counts half. Without width: every pair said the same.",
    "Diverged and failed runs count everywhere as failures: chance accuracy, score 0, unsolved. "
    "Their loss is not a number, so the mean loss of their condition is left empty.",
    "Median steps to solve is over all seeds, an unsolved one counting as longer than any other; "
    "it is left out where half of the seeds or more are unsolved.",
    "All results are of the last evaluation on a test stream; nothing is selected on it. Every "
    "learning rate that was run is a curve of its own.",
    "Differences between cells hold for the settings above, keep bias and learning rate included.",
)
