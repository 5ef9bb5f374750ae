"""The words of a training command, right ones and wrong ones, each known to be the one or other."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

HUGE = ("9" * 12, "9" * 30, "-" + "9" * 30, "1" + "0" * 400, "1e308", "1e400", "-1e400")


class Word(NamedTuple):
    """One word, and whether it may stand in a command; None where that is not known."""

    text: str
    good: bool | None


# Small, so that what is right is soon done; all are there in every command.
TINY = {
    **{"dry_run": "true", "tracker": "none", "seeds": "1", "engine": "reference"},
    **{"task": "recall", "task.gap": "3", "cell": "gru", "model.hidden_size": "4"},
    **{"trainer.batch_size": "2", "trainer.eval_size": "4", "output_dir": "out"},
}
WHOLE = ("2", "3", "7")
TRUTH = ("true", "false")
# Each key: what it may be, and what it must not be.
KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "task.gap": ((*WHOLE, "2,3", "range(2,4)", "choice(2,5)"), ("0", "-1", "2.5", "2,x", "3,0")),
    "task.alphabet_size": (WHOLE, ("1", "0", "-3", "2.0")),
    "task.distractors": (("noise", "blank"), ("loud", "1")),
    "task.name": (("recall", "other"), ("''", "' \\n'", "5", "x" * 201)),
    "task._target_": (
        ("tasks.delayed_recall.DelayedRecall",),
        ("os.system", "rnnbench.cells.GRU", "no.such", "''", "antigravity.X", "5", "builtins"),
    ),
    "cell.init": (("torch", "orthogonal", "glorot"), ("zero", "0", "''")),
    "cell.keep_bias": (("0", "1.5", "-2"), ("'1'", "big")),
    "cell.name": (("gru", "other"), ("''", "[a]", "null")),
    "cell._target_": (
        ("rnnbench.cells.GRU",),
        ("os.system", "rnnbench.Task", "rnnbench.cells", "builtins.eval", "this.X", ".", "a..b"),
    ),
    "model.hidden_size": (WHOLE, ("0", "-1", "1.5")),
    "model.num_layers": (("1", "2"), ("0", "1.0")),
    "model.bidirectional": (TRUTH, ("2", "maybe")),
    "model.match": (("hidden", "parameters", "state"), ("size",)),
    "trainer.lr": (
        ("0.1", "[0.1,0.2]", "1e-3,1e-2", "1", "auto"),
        ("0", "-1", "[0.1,0.1]", "[]", "x", "[0.1,-1]", "[auto,auto]"),
    ),
    "trainer.steps": (WHOLE, ("0", "-1", "3.0", "99999999")),
    "trainer.batch_size": (WHOLE, ("0", "-1", "2.5")),
    "trainer.optimizer": (("adam", "sgd", "rmsprop"), ("adamw", "0")),
    "trainer.clip_norm": (("1", "0.5", "null"), ("0", "-1", "'1'")),
    "trainer.clip_value": (("1", "null"), ("0", "-0.1", "x")),
    "trainer.eval_every": (WHOLE, ("0", "1.5")),
    "trainer.eval_size": (WHOLE, ("0", "-4")),
    "trainer.train_set_size": (("100", "null"), ("1", "-1", "2.5", "x")),
    "engine": (("reference", "auto"), ("warp", "0", "Reference")),
    "device": (("cpu", "auto"), ("tpu", "cuda:99", "CPU")),
    "dtype": (("float32", "float64"), ("float16", "32")),
    "seeds": (
        ("1", "2", "[5]", "[0,7]"),
        ("0", "-1", "[]", "[1,1]", "[-1]", "1022", "2.5", "[1.0]"),
    ),
    "name": (
        ("abc", "a.b-c_d+e", "'ü'"),
        ("../x", "a/b", "/abs", "..", ".", "''", "~", "'a b'", "x" * 201, "[a]", "'\u200da'"),
    ),
    "output_dir": (
        ("out", "out/deep/er", "'ü'"),
        ("''", "ü", "null", "[a]", "x" * 300, "file/below"),
    ),
    "workers": (("auto", "1", "2"), ("0", "-1", "1.5", "none")),
    "dry_run": (("true",), ("maybe", "1", "null")),
    "plan": (("null", "out/plan.json"), ("''", "5", "plan", "a.txt", ".json", "file/a.json")),
    "tracker": (("none", "wandb"), ("mlflow",)),
    "tracker.mode": (("auto", "online", "offline"), ("loud",)),
    "tracker.project": (("abc",), ("''", "null", "5")),
    "tracker.entity": (("abc", "null"), ("5", "[a]")),
    "task": (("recall",), ("copi", "../task/copy", "/etc/passwd", "null", "''")),
    "cell": (("gru", "lstm"), ("lstmm", "..", "gru,nope", "null")),
}
FREE = ("task.name", "cell.name", "name", "output_dir", "tracker.project", "tracker.entity")
# Of no type that any key takes.
NONSENSE = (
    *("{a:1}", "[[1]]", "[{a:1}]", "???", "${nosuch}", "${trainer}", "${oc.env:NO_SUCH_VARIABLE}"),
    *(
        "${oc.decode:'{'}",
        "${task.gap",
        "inf",
        "nan",
        "\\x00",
        "[1",
        "'",
        "a'b",
        "{",
        "=,=",
        "\x01",
    ),
    *(
        "${name}${name}",
        "glob(*)",
        "interval(1,2)",
        "range(5,2)",
        "shuffle(x)",
        "tag(a,b)",
        "\udcff",
    ),
    *("${oc.create:{a:1}}", "${oc.env:HOME}", "!!python/object:os.system", "💥", "\u202e", "a: b"),
)
STRAY = (
    *("+foo=1", "+trainer.foo=1", "++trainer.foo=1", "+task.deep.er=1", "foo=1", "task.gab=3"),
    *("~trainer.steps", "~task", "~cell.name", "~model", "~seeds", "trainer=5", "model=null"),
    *("+task@other=copy", "+sweep=nope", "+sweep=gaps,smoke", "+sweep=../sweep/gaps"),
    *("+_target_=os.system", "+trainer._target_=os.system", "hydra/sweeper=basic", "=", "a", "'"),
    *("hydra.mode=RUN", "hydra/launcher=basic", "hydra.sweeper._target_=os.system", "+", "~", "++"),
    *("hydra.launcher._target_=os.system", "+hydra.callbacks.x._target_=os.system", "task.gap"),
    *("--nonsense", "--cfg", "--cfg=nope", "--config-dir", "--config-dir=nope", "-cn", "-x"),
    *("--config-name=nope", "--config-name=../../etc/passwd", "--multirun=5", "--run"),
    *("--experimental-rerun=file", "--experimental-rerun", "+sweep.lr.recall=x", "+sweep.foo=1"),
)
UNSURE = ("hydra/job_logging=default", "hydra.output_subdir=sub", "hydra.verbose=true")
SHOWING = ("--help", "--version", "--cfg=job", "--cfg=all", "--info", "--hydra-help", "--info=all")
_PUNCTUATION = st.text(alphabet="=+~.,[]{}()'\"$:@/\\ -ab1\n\té", max_size=8)


def arguments(longest: int) -> st.SearchStrategy[str]:
    """Return texts that a command line can hold: any without the character that ends one."""
    return st.text(st.characters(exclude_characters="\x00"), max_size=longest)


@st.composite
def settings(draw: st.DrawFn) -> tuple[str, Word]:
    """Draw a key with a value, and what is known of the two."""
    key = draw(st.sampled_from(sorted(KEYS)))
    right, wrong = KEYS[key]
    kind = draw(st.sampled_from(("right", "wrong", "wrong", "nonsense", "huge", "random")))
    if kind == "right":
        return key, Word(draw(st.sampled_from(right)), True)
    if kind == "wrong":
        return key, Word(draw(st.sampled_from(wrong)), False)
    if kind == "nonsense":
        return key, Word(draw(st.sampled_from(NONSENSE)), None if key in FREE else False)
    if kind == "huge":
        return key, Word(draw(st.sampled_from(HUGE)), None)
    return key, Word(draw(st.one_of(_PUNCTUATION, arguments(12))), None)


@st.composite
def commands(draw: st.DrawFn) -> tuple[list[str], bool | None]:
    """Draw a command: its words, and whether it is right; None where that is not known."""
    chosen = draw(st.lists(settings(), max_size=3, unique_by=lambda pair: pair[0]))
    words = {key: Word(value, True) for key, value in TINY.items()} | dict(chosen)
    lines = [f"{key}={word.text}" for key, word in words.items()]
    known = [word.good for word in words.values()]
    for more in draw(st.lists(st.sampled_from(STRAY), max_size=1)):
        lines.insert(draw(st.integers(0, len(lines))), more)
        known.append(False)
    if draw(st.integers(1, 20)) == 20:
        lines.append(draw(st.sampled_from((*SHOWING, *UNSURE))))
        known.append(None)
    elif draw(st.integers(1, 20)) == 20:
        lines.append(draw(arguments(20)))
        known.append(None)
    if None in known:
        return lines, None
    return lines, all(known)
