"""The words of all other commands: what each takes, and what it must not be given."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

from tests.fuzz.command_words import arguments
from tests.fuzz.stored_files import PLAN, RESULTS


class Command(NamedTuple):
    """How a command is called.

    Attributes:
        words: of a call that soon comes to its end.
        writes: what it may change below the working directory; none for nothing.
        wrong: words each of which makes a call wrong.
    """

    words: tuple[str, ...]
    writes: tuple[str, ...]
    wrong: tuple[str, ...]


NUMBERS = ("0", "-1", "1.5", "x", "", "²", "1e3", "9" * 5000, "1,2")
GAPS = ("0", "-1", "1.5", "x", "", "2,x", ",", "2,,3")


def _with(option: str, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{option}={value}" for value in values)


LISTS = (*_with("--task", ("nope", "")), *_with("--cell", ("nope", "recall,")))
COMMANDS: dict[str, Command] = {
    "report": Command((RESULTS,), (RESULTS,), ("nowhere", "--nope", "file/below")),
    "status": Command((RESULTS,), (), ("nowhere", "--nope")),
    "publish": Command((RESULTS, "published"), ("published", RESULTS), ("--nope", "one-more")),
    "transfer": Command(
        (RESULTS, "--workers=1"),
        (RESULTS,),
        (*_with("--gaps", GAPS), *_with("--workers", NUMBERS), *LISTS, "nowhere"),
    ),
    "guess": Command(
        (RESULTS, "--workers=1", "--guesses=1"),
        (RESULTS,),
        (*_with("--guesses", (*NUMBERS, str(2**21))), *_with("--workers", NUMBERS), *LISTS),
    ),
    "diagnose": Command(
        (RESULTS, "--sequences=64"),
        (RESULTS,),
        (*_with("--sequences", (*NUMBERS, "63")), *_with("--seeds", NUMBERS[:-1]), *LISTS)
        + _with("--gap", (*GAPS, "99")),
    ),
    "verify": Command(
        (RESULTS, "--sample=1", "--workers=1"),
        (),
        (*_with("--sample", NUMBERS), *_with("--seed", NUMBERS[1:-2]), *_with("--workers", NUMBERS))
        + ("nowhere", "--nope"),
    ),
    "train": Command(
        (f"{RESULTS}/{PLAN}", "file/below"),  # no place for results: the plan is read, no more
        ("file/below",),
        (*_with("--workers", NUMBERS), "one-more", "--nope"),
    ),
    "sync": Command((RESULTS,), (), ("nowhere", "--nope")),
    "dashboard": Command((RESULTS, "--json=out/board.json"), ("out",), ("nowhere", "--nope")),
    "check": Command(
        ("rnnbench.cells.GRU", "--set=keep_bias=x"),
        (),
        (*_with("--set", ("", "=", "a", "1=2", "keep_bias")), *_with("--hidden-size", NUMBERS)),
    ),
    "bench": Command(
        ("--rounds=x",),
        (),
        (*_with("--shapes", ("", "1", "1,2", "0,1,3", "1,1,2", "a,b,c", "1,2,3,4,5", "²,1,3")),)
        + (*_with("--plot", ("a.pdf", "", "x")), *_with("--processes", NUMBERS), "--cells=x"),
    ),
}
ANY = st.one_of(arguments(20), st.sampled_from(("--", "-", "--json", "@file", "\udcff")))


ALWAYS_WRONG = ("check", "bench", "train")  # right calls of these take long


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, list[str], bool | None]:
    """Draw a command, its words, and whether they are right; None where that is not known."""
    name = draw(st.sampled_from(sorted(COMMANDS)))
    words = list(COMMANDS[name].words)
    wrong = draw(st.lists(st.sampled_from(COMMANDS[name].wrong), max_size=2))
    words += wrong or [draw(ANY)]
    return name, words, False if wrong or name in ALWAYS_WRONG else None
