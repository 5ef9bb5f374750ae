"""Check a command's words before Hydra reads them, and name the form that was meant."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from hydra.core.override_parser.types import Quote, QuotedString
from omegaconf import DictConfig, OmegaConf

from rnnbench.cli.help import find_commands
from rnnbench.console import Mistake

CONFIG_DIR = ("--config-dir", "-cd")
MULTIRUN = ("--multirun", "-m")  # who knows Hydra may type it; every command is one here
HELP = {"--help", "-h"}
VERSION = {"--version", "-V"}
# Hydra itself does what these ask for; those of the first line take a value.
SHOWING = {"--cfg", "-c", "--info", "-i", "--shell-completion", "-sc"}
TAKING_A_VALUE = {*SHOWING, *CONFIG_DIR, "--package", "-p"}
SHOWING |= {"--hydra-help"}
UNPICKLES = "--experimental-rerun"  # Hydra takes any beginning of a flag for the flag
# All jobs are made here, and nothing of Hydra's own is started or written.
RESERVED = re.compile(r"[+~]*(hydra[./@](?!searchpath|verbose)[^=]*)")
# What is asked of Hydra elsewhere, and what does it here: the first that is found in a word.
INSTEAD = {
    r"launcher.*(submitit|slurm|array)": "+cluster=slurm",
    r"launcher.*\bray\b": "+cluster=ray",
    r"launcher": "workers=N, or +cluster=slurm",
    r"sweeper": "values with commas between them, +sweep=NAME, or trainer.lr=auto",
    r"job\.chdir": "output_dir=DIR, and the working directory stays",
    r"dir\b": "output_dir=DIR",
    r"job\.name": "name=NAME",
}
# A choice is a file of its group, not one anywhere else.
ELSEWHERE = re.compile(
    r"\+*(task|cell|sweep|tracker|cluster)=(.*(?<![\w.])(?:\.\.(?!\w)|/).*|\s*\[.*)"
)
GROUPS = ("task", "cell", "tracker", "sweep", "cluster")
ADDED = ("sweep", "cluster")  # not in the defaults: chosen with a plus
TEXTS = ("name", "output_dir", "plan", "tracker.project", "tracker.entity")  # of one text each
PATHS = ("output_dir", "plan")
CALL = re.compile(r"(choice|range|glob|shuffle|sort|tag|interval)\(.*\)")
PLAIN = re.compile(r"[A-Za-z0-9_/\-\\+.$%*@?|: ]")  # what Hydra reads without quotes
UPDATES = "trainer.steps is a number of updates"
OWN_FILES = "+sweep=NAME takes NAME.yaml from sweep/ of --config-dir DIR"
# Names from other suites, with _ for -: the key here, or how it is done here.
HABITS = {
    "seed": "seeds",
    "num_seeds": "seeds",
    "n_seeds": "seeds",
    "learning_rate": "trainer.lr",
    "epochs": UPDATES,
    "num_epochs": UPDATES,
    "max_epochs": UPDATES,
    "max_steps": "trainer.steps",
    "num_steps": "trainer.steps",
    "iterations": "trainer.steps",
    "hidden": "model.hidden_size",
    "hidden_dim": "model.hidden_size",
    "units": "model.hidden_size",
    "layers": "model.num_layers",
    "n_layers": "model.num_layers",
    "optim": "trainer.optimizer",
    "grad_clip": "trainer.clip_norm",
    "delay": "task.gap",
    "length": "task.gap",
    "dataset": "task",
    "arch": "cell",
    "rnn": "cell",
    "num_workers": "workers",
    "n_jobs": "workers",
    "jobs": "workers",
    "gpu": "device=cuda takes the GPU",
    "gpus": "device=cuda takes the GPU",
    "cuda": "device=cuda takes the GPU",
    "out": "output_dir",
    "out_dir": "output_dir",
    "outdir": "output_dir",
    "output": "output_dir",
    "save_dir": "output_dir",
    "log_dir": "output_dir",
    "wandb": "tracker=none turns it off, tracker=wandb on",
    "no_wandb": "tracker=none turns it off",
    "offline": "tracker.mode=offline keeps W&B on disk",
    "config": OWN_FILES,
    "config_name": OWN_FILES,
    "cn": OWN_FILES,
    "config_path": OWN_FILES,
    "cp": OWN_FILES,
    "resume": "the same command goes on where it stopped",
    "run": "it is not needed: python -m rnnbench task=copy",
    "plot": "rnnbench report DIR draws",
}


class Known(NamedTuple):
    """What a command may say.

    Attributes:
        groups: of files that can be chosen.
        choices: gives those of a group; Hydra reads several files to list them.
        keys: all other keys, with their values.
    """

    groups: Sequence[str]
    choices: Callable[[str], Sequence[str]]
    keys: Mapping[str, Any]

    def key(self, name: str) -> str | None:
        """Return the key that a name stands for: also one without its section."""
        if name in self.groups or name in self.keys:
            return name
        return next((key for key in self.keys if key.endswith(f".{name}")), None)


def keys_of(configuration: DictConfig) -> dict[str, Any]:
    """Return the keys of a configuration, those of its sections with dots, and plain values."""
    keys: dict[str, Any] = {}
    plain: Any = OmegaConf.to_container(configuration, resolve=False)
    for key in filter(lambda key: key != "hydra", plain):
        keys[key] = plain[key]
        section = plain[key] if isinstance(plain[key], dict) else {}
        keys |= {f"{key}.{name}": section[name] for name in section if str(name)[:1] != "_"}
    return keys


def is_override(word: str) -> bool:
    """Return whether a word sets or deletes something."""
    return word.startswith("~") or "=" in word[1:]


def arrange(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the overrides, and the flags with their values: they may stand anywhere."""
    overrides: list[str] = []
    flags: list[str] = []
    for before, word in itertools.pairwise(["", *arguments]):
        is_flag = word.startswith("-") or before in TAKING_A_VALUE
        (flags if is_flag else overrides).append(word)
    return overrides, flags


def refuse(overrides: Sequence[str], flags: Sequence[str]) -> None:
    """Check that a command asks for nothing that Hydra should not do.

    Raises:
        Mistake: it does.
    """
    for word in overrides:
        key, _, value = word.partition("=")
        reserved = RESERVED.match(word)
        if reserved and word != "hydra.mode=MULTIRUN":
            raise Mistake(f"{reserved.group(1)} must be left alone, got {value}{_instead(word)}")
        if re.search(r"\$\{hydra[.:]", word):
            instead = "${name}, ${task.name}, ${cell.name} or ${now:%Y-%m-%d}"
            raise Mistake(f"{key} must name nothing of Hydra's, got {value} (there are {instead})")
        name = key.lstrip("+")
        if ELSEWHERE.match(word):
            raise Mistake(f"{name} must be a name, got {value}{_several(name, value)}")
        if name == "sweep" and "," in value:
            raise Mistake(f"sweep must be one name, got {value}")
    for word in flags:
        name = word.split("=")[0]
        if len(name) > 2 and UNPICKLES.startswith(name):
            raise Mistake(f"{UNPICKLES} must be left alone: it runs what is in a file")


def _instead(word: str) -> str:
    found = next((use for part, use in INSTEAD.items() if re.search(part, word)), None)
    return f" (here it is {found})" if found else ""


def _several(name: str, value: str) -> str:
    """Return how to write a list as several values: empty for what is no list of words."""
    inner = value.strip().removeprefix("[").removesuffix("]").replace(" ", "")
    return f" (several: {name}={inner})" if re.fullmatch(r"[\w,]+", inner) else ""


def as_text(word: str) -> str:
    """Return a word with quotes for Hydra where its value is a home's path, or a name of digits."""
    key, _, value = word.partition("=")
    name = key.lstrip("+")
    is_path = name in PATHS and value.startswith("~")
    if is_path or (name in TEXTS and re.fullmatch(r"[\d.][\d.eE_+-]*", value)):
        return f"{key}={QuotedString(value, Quote.single).with_quotes()}"
    return word


def unreadable(word: str) -> str:
    """Return why Hydra cannot read a word, and what to type."""
    key, equals, value = word.partition("=")
    if not equals or not re.fullmatch(r"[+~]*[\w./@:-]+", key):
        return f"{word} cannot be read: write key=value, as in task.gap=20"
    if value.startswith("="):
        return f"{word} cannot be read: write {key}={value.lstrip('=')}"
    if value[:1] in ("'", '"') and (len(value) == 1 or value[-1] != value[0]):
        return f"{word} has a quote that is not closed"
    if value.endswith(","):
        return f"{word} ends with a comma: several values have commas and no spaces between them"
    if value.count("[") > value.count("]") and key.lstrip("+") not in TEXTS:
        return f"{word} has a bracket that is not closed"
    if CALL.fullmatch(value):
        return f"{word} cannot be read: {value.partition('(')[0]} is given something wrong"
    sign = next((c for c in value if not PLAIN.fullmatch(c)), value[:1])
    return f"{word} cannot be read at {sign}: put it in quotes, as in {_quoted(key, value)}"


def one_text(word: str) -> str:
    """Return that a key takes one text, for a word with a comma that separates values."""
    key, _, value = word.partition("=")
    return f"{key} must be one text, got {value}: a comma needs quotes, as in {_quoted(key, value)}"


def _quoted(key: str, value: str) -> str:
    """Return an override whose value is quoted for Hydra, and the whole of it for the shell."""
    override = f"{key}={QuotedString(value, Quote.single).with_quotes()}"
    return '"' + re.sub(r'([$`"\\])', r"\\\1", override) + '"'


def check_words(arguments: Sequence[str], known: Known) -> None:
    """Check that every word is a flag that there is, or a key that may be set with its value.

    Raises:
        Mistake: one is not.
    """
    places = itertools.pairwise(["", *arguments])
    for index, (before, word) in enumerate(places):
        after = [*arguments[index + 1 : index + 3], "", ""]
        if before in TAKING_A_VALUE or word.startswith("~"):
            continue
        if word.startswith("-"):
            _check_flag(word, after[0], known)
        elif not is_override(word) or word.startswith("="):
            raise Mistake(_explain_bare(before, word, after, known))
        else:
            _check_key(word, known)


def _check_flag(word: str, after: str, known: Known) -> None:
    name, equals, value = word.partition("=")
    if name in CONFIG_DIR or word in MULTIRUN:
        return
    if not equals and not after.startswith("-") and "=" not in after:
        value = after
    meant = _form(name.strip("-").replace("-", "_").lower(), value, known)
    meant = meant or _asked(_choice(value, known))
    if not meant:
        raise Mistake(f"unrecognized arguments: {word} (--help lists all flags and keys)")
    raise Mistake(f"{name} is not an option ({meant})")


def _check_key(word: str, known: Known) -> None:
    """Check a key that is certain to be wrong, as far as it is known what was meant."""
    name, _, value = word.partition("=")
    key = name.lstrip("+")
    section, dot, last = key.rpartition(".")
    if name.startswith("cluster.") and "cluster" not in known.keys:
        choices = " or ".join(f"+cluster={choice}" for choice in known.choices("cluster"))
        raise Mistake(f"{name} is not an option without a cluster: add {choices}")
    if key in known.groups or key in known.keys or "@" in key or (dot and name[0] == "+"):
        return
    if section and not (section in known.keys or section in known.groups):
        return
    meant = _form(last, value, known)
    if meant:
        raise Mistake(f"{key} is not an option ({meant})")


def _form(name: str, value: str, known: Known) -> str | None:
    """Return what to write instead of a name and a value; None where that is not known."""
    key = known.key(name) or known.key(HABITS.get(name, name))
    if key is None:
        return HABITS.get(name)
    if not value:
        value = "true" if isinstance(known.keys.get(key), bool) else "..."
    if name == "seed" and value.isdecimal():
        value = f"[{value}]"  # seeds=3 is three seeds
    return _asked(f"{'+' * (key in ADDED)}{key}={value}")


def _asked(words: str | None) -> str | None:
    return f"did you mean {words}?" if words else None


def _choice(word: str, known: Known) -> str | None:
    """Return how to choose what a word names; None where it names no choice."""
    for group in GROUPS:
        if word.lower() in known.choices(group):
            return f"{'+' * (group in ADDED)}{group}={word.lower()}"
    return None


def _explain_bare(before: str, word: str, after: Sequence[str], known: Known) -> str:
    """Return that a word is no setting, and what to write."""
    meant = next(_meant(before, word, after, known), None)
    near = difflib.get_close_matches(word, find_commands(), 1)
    if meant is None and near and not before:
        meant = _asked(f"rnnbench {near[0]}")
    return f"{word} is not key=value ({meant or '--help lists keys'})"


def _meant(before: str, word: str, after: Sequence[str], known: Known) -> Iterator[str]:
    """Yield what may have been meant by a word without a value, the likeliest first."""
    name = word.lstrip("+")
    key, equals, value = before.partition("=")
    chosen, is_apart = key.lstrip("+"), bool(re.fullmatch(r"[^=+~-][^=]*", after[0]))
    are_numbers = re.fullmatch(r"[\d.,]+", value) and re.fullmatch(r"[\d.,]+", word)
    is_choice = chosen in known.groups and word in known.choices(chosen)
    forms = [
        f"{word}={after[0][1:] or after[1]}" if after[0].startswith("=") else None,
        f"{before},{word}" if are_numbers or is_choice else None,
        _quoted(key, f"{value} {word}") if equals and chosen in TEXTS else None,
    ]
    yield from filter(None, map(_asked, forms))
    yield from filter(None, [_form(name, after[0], known) if is_apart else None])
    yield from filter(None, [_asked(_choice(name, known)), _form(name, "", known)])
