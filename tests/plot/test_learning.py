"""What the learning curves draw, read from their artists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnnbench.plot.training import learning
from rnnbench.store.frames import load_history, load_results

Fabricate = Callable[..., Any]


def history(losses: Sequence[float | None]) -> list[dict[str, Any]]:
    empty = {"accuracy": 0.5, "score": 0.5, "grad_norm": 1.0}
    return [{"step": 100 * (i + 1), "loss": loss, **empty} for i, loss in enumerate(losses)]


def draw(stored: Callable[..., Path], records: list[Any], **options: Any) -> list[Axes]:
    place = stored(records)
    drawn = learning(load_results(place), load_history(place), figure=Figure(), **options)
    return list(np.ravel(drawn))


def line(panels: list[Axes], label: str) -> Any:
    (found,) = [line for line in panels[0].get_lines() if line.get_label() == label]
    return found


def legend(panels: list[Axes]) -> list[str]:
    return [text.get_text() for own in panels[0].get_figure().legends for text in own.get_texts()]


def run(fabricate: Fabricate, seed: int, losses: Sequence[float | None], status: str) -> Any:
    return fabricate(seed=seed, history=history(losses), status=status, chance_loss=2.0)


def test_the_median_goes_on_with_the_last_loss_of_a_run_that_was_solved(
    fabricate: Fabricate, stored: Callable[..., Path]
) -> None:
    runs = [
        run(fabricate, 0, [2.0, 0.5], "solved"),
        run(fabricate, 1, [2.0, 1.0, 1.0], "unsolved"),
        run(fabricate, 2, [2.0, 2.0, 2.0], "unsolved"),
    ]
    middle = line(draw(stored, runs), "gru")
    assert list(middle.get_xdata()) == [100, 200, 300]
    assert list(middle.get_ydata()) == [2.0, 1.0, 1.0]


@pytest.mark.parametrize("broken", [[1.5, 0.5], [1.5, 0.5, None]])
def test_a_diverged_run_stands_at_chance_in_the_median_and_has_a_cross(
    fabricate: Fabricate, stored: Callable[..., Path], broken: list[float | None]
) -> None:
    runs = [
        run(fabricate, 0, broken, "diverged"),
        run(fabricate, 1, [1.5, 1.5, 1.0], "unsolved"),
    ]
    panels = draw(stored, runs)
    assert list(line(panels, "gru").get_ydata()) == [1.5, 1.0, 1.5]
    (cross,) = [c for c in panels[0].collections if c.get_label() == "_crosses"]
    assert cross.get_offsets().tolist() == [[200, 0.5]]
    assert "it diverged" in legend(panels)


def test_where_none_diverged_there_is_no_cross_and_no_word_of_it(
    fabricate: Fabricate, stored: Callable[..., Path]
) -> None:
    panels = draw(stored, [run(fabricate, 0, [1.5, 0.5], "unsolved")])
    assert not [c for c in panels[0].collections if c.get_label() == "_crosses"]
    assert "it diverged" not in legend(panels)


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
    runs = [run(fabricate, 0, [], "failed"), run(fabricate, 1, [1.0, 0.5], "unsolved")]
    assert list(line(draw(stored, runs), "gru").get_ydata()) == [1.5, 1.25]


def test_every_seed_has_a_thin_line(fabricate: Fabricate, stored: Callable[..., Path]) -> None:
    runs = [run(fabricate, seed, [2.0, 1.0 / (seed + 1)], "unsolved") for seed in range(2)]
    (panel,) = draw(stored, runs)
    (thin,) = [c for c in panel.collections if c.get_label() == "_seeds gru"]
    ends = sorted(segment[-1].tolist() for segment in thin.get_segments())
    assert ends == [[200, 0.5], [200, 1]]


def test_losses_are_logarithmic_and_none_falls_out_of_the_axis(
    fabricate: Fabricate, stored: Callable[..., Path]
) -> None:
    panels = draw(stored, [run(fabricate, 0, [2.0, 0.0, -3.0, 1e-30], "unsolved")])
    low, high = panels[0].get_ylim()
    assert panels[0].get_yscale() == "log"
    assert list(line(panels, "gru").get_ydata()) == [2.0, low, low, low]
    assert 0 < low < 2.0 < high


def test_of_very_many_seeds_the_first_are_drawn_and_all_are_in_the_median(
    fabricate: Fabricate, stored: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnnbench.plot.frame.MOST_SEEDS", 2)
    losses = [[2.0, 0.25], [2.0, 1.0], [2.0, 0.5]]
    panels = draw(stored, [run(fabricate, s, own, "unsolved") for s, own in enumerate(losses)])
    (thin,) = [c for c in panels[0].collections if c.get_label() == "_seeds gru"]
    ends = sorted(segment[-1].tolist() for segment in thin.get_segments())
    assert ends == [[200, 0.25], [200, 1]]
    assert list(line(panels, "gru").get_ydata()) == [2.0, 0.5]
    assert "one seed (the first 2)" in legend(panels)


def test_chance_and_plateaus_are_named_levels(
    fabricate: Fabricate, stored: Callable[..., Path]
) -> None:
    panels = draw(stored, [fabricate(task="adding")])
    assert set(line(panels, "_chance").get_ydata()) == {1 / 6}
    assert set(line(panels, "_one of two").get_ydata()) == {1 / 12}
    assert [text.get_text() for text in panels[0].texts] == ["gru", "chance", "one of two"]


def test_rows_are_tasks_and_columns_their_own_gaps(
    fabricate: Fabricate, stored: Callable[..., Path]
) -> None:
    runs = [fabricate(task="copy", gap=gap) for gap in (20, 40)] + [fabricate("recall", gap=5)]
    titles = [panel.get_title() for panel in draw(stored, runs)]
    assert titles == ["copy, gap 20", "gap 40", "recall, gap 5"]


def test_smoke_is_stamped(fabricate: Fabricate, stored: Callable[..., Path]) -> None:
    (panel,) = draw(stored, [fabricate(sweep="smoke")])
    assert "smoke" in [text.get_text() for text in panel.texts]


@pytest.mark.parametrize(("size", "most"), [("column", 3), ("text", 5)])
def test_of_very_many_gaps_some_have_panels(
    fabricate: Fabricate, stored: Callable[..., Path], size: str, most: int
) -> None:
    runs = [fabricate(gap=gap, history=history([1.0])) for gap in range(11, 40)]
    panels = draw(stored, runs, size=size)
    drawn = [int(panel.get_title().split()[-1]) for panel in panels]
    assert (len(drawn), drawn[0], drawn[-1]) == (most, 11, 39)
    (own,) = panels[0].get_figure().legends
    assert own.get_title().get_text() == f"Panels: {most} of 29 gaps."


def test_gaps_can_be_chosen(fabricate: Fabricate, stored: Callable[..., Path]) -> None:
    runs = [fabricate(gap=gap, history=history([1.0])) for gap in (11, 20, 40)]
    (panel,) = draw(stored, runs, gaps=[20])
    assert panel.get_title() == "copy, gap 20"
    with pytest.raises(ValueError, match=r"gaps must be of the runs, got \[7\]"):
        draw(stored, runs, gaps=[7])


def test_tuned_rates_have_rows_of_their_own(
    fabricate: Fabricate, stored: Callable[..., Path]
) -> None:
    tuned = {"lr": 0.01, "config": {"tuned": True}, "sweep": "tuned", "run_id": "f" * 16}
    panels = draw(stored, [fabricate(), fabricate() | tuned])
    assert [p.get_ylabel() for p in panels] == ["one rate for all\nloss", "tuned rate\nloss"]
    names = [[line.get_label() for line in p.get_lines()][-1] for p in panels]
    assert names == ["gru", "gru, tuned lr"]
