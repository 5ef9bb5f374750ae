"""What the learning curves draw, read from their artists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from rnnbench.plot.curves import label_variants
from rnnbench.report.figures.training import draw_learning_curves
from rnnbench.store.frames import load_all, load_history

Fabricate = Callable[..., Any]


def history(losses: Sequence[float | None]) -> list[dict[str, Any]]:
    empty = {"accuracy": 0.5, "score": 0.5, "grad_norm": 1.0}
    return [{"step": 100 * (i + 1), "loss": loss, **empty} for i, loss in enumerate(losses)]


def draw(stored: Callable[..., Path], records: list[Any]) -> Figure:
    place = stored(records)
    return draw_learning_curves(label_variants(load_all(place)), load_history(place))


def line(figure: Figure, label: str) -> Any:
    (found,) = [line for line in figure.axes[0].get_lines() if line.get_label() == label]
    return found


def run(fabricate: Fabricate, seed: int, losses: Sequence[float | None], status: str) -> Any:
    return fabricate(seed=seed, history=history(losses), status=status, chance_loss=2.0)


def test_mean_goes_on_with_the_last_loss_of_a_run_that_was_solved(
    fabricate: Fabricate, stored: Callable[..., Path]
) -> None:
    runs = [
        run(fabricate, 0, [2.0, 0.0], "solved"),
        run(fabricate, 1, [2.0, 1.0, 1.0], "unsolved"),
    ]
    mean = line(draw(stored, runs), "gru")
    assert list(mean.get_xdata()) == [100, 200, 300]
    assert list(mean.get_ydata()) == [2.0, 0.5, 0.5]


@pytest.mark.parametrize("broken", [[1.5, 0.5], [1.5, 0.5, None]])
def test_a_diverged_run_stands_at_chance_in_the_mean_and_has_a_cross(
    fabricate: Fabricate, stored: Callable[..., Path], broken: list[float | None]
) -> None:
    runs = [
        run(fabricate, 0, broken, "diverged"),
        run(fabricate, 1, [1.5, 1.5, 1.0], "unsolved"),
    ]
    figure = draw(stored, runs)
    assert list(line(figure, "gru").get_ydata()) == [1.5, 1.0, 1.5]
    crosses = [c.get_offsets().tolist() for c in figure.axes[0].collections if c.get_zorder() == 4]
    assert crosses == [[[200, 0.5]]]


def test_a_diverged_run_stands_at_chance_only_after_its_last_evaluation(
    fabricate: Fabricate, stored: Callable[..., Path]
) -> None:
    broken = run(fabricate, 0, [1.0, 9.0, 0.5], "diverged")
    del broken["history"][1]  # at step 200, where the other one was evaluated
    runs = [broken, run(fabricate, 1, [1.0, 1.0, 1.0, 1.0], "unsolved")]
    assert list(line(draw(stored, runs), "gru").get_ydata()) == [1.0, 1.0, 0.75, 1.5]


def test_a_failed_run_without_history_stands_at_chance(
    fabricate: Fabricate, stored: Callable[..., Path]
) -> None:
    runs = [run(fabricate, 0, [], "failed"), run(fabricate, 1, [1.0, 0.0], "unsolved")]
    assert list(line(draw(stored, runs), "gru").get_ydata()) == [1.5, 1.0]


def test_every_seed_has_a_thin_line(fabricate: Fabricate, stored: Callable[..., Path]) -> None:
    runs = [run(fabricate, seed, [2.0, 1.0 - seed], "unsolved") for seed in range(3)]
    figure = draw(stored, runs)
    (thin,) = [c for c in figure.axes[0].collections if c.get_label() == "_seeds gru"]
    ends = sorted(segment[-1].tolist() for segment in thin.get_segments())
    assert ends == [[200, -1], [200, 0], [200, 1]]


def test_of_very_many_seeds_the_first_are_drawn_and_all_are_in_the_mean(
    fabricate: Fabricate, stored: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnnbench.report.figures.frame.MOST_SEEDS", 2)
    losses = [[2.0, 0.0], [2.0, 1.0], [2.0, 0.5]]
    figure = draw(stored, [run(fabricate, s, own, "unsolved") for s, own in enumerate(losses)])
    (thin,) = [c for c in figure.axes[0].collections if c.get_label() == "_seeds gru"]
    assert sorted(segment[-1].tolist() for segment in thin.get_segments()) == [[200, 0], [200, 1]]
    assert list(line(figure, "gru").get_ydata()) == [2.0, 0.5]
    title = figure.legends[0].get_title().get_text().replace("\xa0", " ")
    assert "thin: one seed (the first 2)" in title


def test_chance_and_plateaus_are_named_levels(
    fabricate: Fabricate, stored: Callable[..., Path]
) -> None:
    figure = draw(stored, [fabricate(task="adding")])
    assert set(line(figure, "_chance").get_ydata()) == {1 / 6}
    assert set(line(figure, "_one of two").get_ydata()) == {1 / 12}
    assert [text.get_text() for text in figure.axes[0].texts] == ["chance", "one of two"]


def test_rows_are_tasks_and_columns_their_own_gaps(
    fabricate: Fabricate, stored: Callable[..., Path]
) -> None:
    runs = [fabricate(task="copy", gap=gap) for gap in (20, 40)] + [fabricate("recall", gap=5)]
    figure = draw(stored, runs)
    titles = [panel.get_title() for panel in figure.axes]
    assert titles == ["copy, gap 20", "copy, gap 40", "recall, gap 5"]


def test_smoke_is_stamped(fabricate: Fabricate, stored: Callable[..., Path]) -> None:
    figure = draw(stored, [fabricate(sweep="smoke")])
    assert "smoke" in [text.get_text() for text in figure.axes[0].texts]


def test_of_very_many_gaps_some_have_panels(
    fabricate: Fabricate, stored: Callable[..., Path]
) -> None:
    figure = draw(stored, [fabricate(gap=gap, history=history([1.0])) for gap in range(11, 40)])
    drawn = [int(panel.get_title().split()[-1]) for panel in figure.axes]
    assert (len(drawn), drawn[0], drawn[-1]) == (10, 11, 39)
