"""Take what every function that draws takes, and draw in the package's own looks."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypedDict, TypeVar

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnnbench.plot.frame import Place
from rnnbench.plot.looks import Palette, Size, settings
from rnnbench.plot.selection import Selection, select

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
KEYWORD = inspect.Parameter.KEYWORD_ONLY


class Options(TypedDict, total=False):
    """What every function that draws takes, by name.

    Attributes:
        tasks: their names; else all that are there.
        cells: their names, or the names of curves ("gru, keep bias 3"); else all.
        order: of the cells, from the first; those not named follow as the sweep declares them.
        palette: colours of cells by name, one after the other, or the name of seaborn's.
        labels: what to write for a cell or a curve, by its name.
        rates: "shared", "tuned" or "both" kinds of learning rates.
        size: "column" (3.3 inches wide), "text" (6.75, as long as nothing is said), "slides" (10),
            or "phone": a panel a row, as tall as it comes; no other is taller than 9 inches.
        ax: to draw in, for a single panel; of several it is refused.
        figure: to draw in, in place of a new one of pyplot.
    """

    tasks: str | Sequence[str] | None
    cells: str | Sequence[str] | None
    order: Sequence[str] | None
    palette: Palette
    labels: Mapping[str, str] | None
    rates: str
    size: Size
    ax: Axes | None
    figure: Figure | None


def begin(runs: pd.DataFrame, options: Options) -> tuple[Selection, Place]:
    """Return what is drawn of the runs, and where.

    Raises:
        ValueError: there is nothing of a name that is asked for, or nothing is left.
    """
    rest: Any = dict(options)
    place = Place(**{name: rest.pop(name) for name in Place._fields if name in rest})
    return select(runs, **rest), place


def themed(draw: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Draw with the package's settings for the `size` that a function is asked for.

    Its signature, as `help` shows it, has the options one by one.
    """
    signature = _spelled_out(inspect.signature(draw))

    @functools.wraps(draw)
    def draw_themed(*args: Arguments.args, **options: Arguments.kwargs) -> Result:
        signature.bind(*args, **options)
        with mpl.rc_context(settings(str(options.get("size", "text")))):
            drawn = draw(*args, **options)
            shows_at_once = mpl.is_interactive()
        # With its first figure pyplot starts a notebook's backend, which sets this.
        mpl.interactive(shows_at_once)
        return drawn

    draw_themed.__signature__ = signature  # type: ignore[attr-defined]
    return draw_themed


def _spelled_out(signature: inspect.Signature) -> inspect.Signature:
    """Put the options with their defaults in the place of `**options`."""
    own = [each for each in signature.parameters.values() if each.kind != each.VAR_KEYWORD]
    chosen = list(inspect.signature(select).parameters.values())[1:]
    place = [each.replace(kind=KEYWORD) for each in inspect.signature(Place).parameters.values()]
    return signature.replace(parameters=[*own, *chosen, *place])
