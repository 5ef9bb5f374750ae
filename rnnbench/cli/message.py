"""Turn errors of Hydra, OmegaConf and YAML into one line that tells what to change."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException
from yaml import YAMLError

from rnnbench.console import Mistake

# What callers of `compose` and `make_sweeps` catch.
ConfigError = Mistake
OFF = ("", "null", "none", "off", "false", "no", "disabled")
MOST_LISTED = 16  # choices in an error; more are unreadable in a line
NOISE = ("full_key", "reference_type", "object_type", "To append", "Did you mean", "See https")


def one_line(error: Exception) -> str:
    """Return what went wrong, and the choices if there are some."""
    if isinstance(error, YAMLError | UnicodeDecodeError):
        return f"a yaml file cannot be read: {' '.join(str(error).split())}"
    if isinstance(error.__cause__, ConfigAttributeError | ConfigKeyError):
        return _unknown(error.__cause__)
    parts = [str(error)]
    if isinstance(error.__cause__, OmegaConfBaseException) and str(error.__cause__) not in parts[0]:
        parts.append(str(error.__cause__))
    lines = [line.strip() for line in "\n".join(parts).splitlines() if line.strip()]
    missing = re.search(r"Could not find '([^/']*)/([^']*)'", parts[0])
    options = re.search(r"Available options in '[^']*':\n((?:\t[^\n]*\n?)+)", parts[0])
    if missing and options:
        return not_a_choice(missing.group(1), missing.group(2), options.group(1).split())
    if "HydraConfig was not set" in parts[0] and isinstance(error, OmegaConfBaseException):
        return f"{error.full_key} must name nothing of Hydra's, which starts no jobs here"
    told = " ".join(line for line in lines if not line.startswith(NOISE))
    if absent := re.search(r"Interpolation key '([^']*)' not found", told):
        return f"{absent.group(1)} must be given, got none"
    key = getattr(error, "full_key", None)
    return f"{key} cannot be resolved: {told}" if key and key not in told else told


def not_a_choice(group: str, word: str, known: Sequence[str]) -> str:
    """Return that a group has no such choice, and what may have been meant."""
    listed = f"one of {', '.join(known)}" if len(known) <= MOST_LISTED else "one that --help lists"
    rule = f"{group} must be {listed}"
    is_off = word.lower() in OFF
    if group == "cluster" and (is_off or word == "local"):
        return f"{rule}, got {word or 'nothing'} (without it, this machine trains)"
    near = difflib.get_close_matches(word.lower(), known, 1)
    if group == "tracker":
        near = ["none"] if is_off else near
        near = [f"tracker.mode={word}"] if word in ("offline", "online") else near
    return f"{rule}, got {word or 'nothing'}{f' (did you mean {near[0]}?)' if near else ''}"


def hint(word: str, known: Iterable[str]) -> str:
    """Return the known word that is most like an unknown one, or else all known ones."""
    choices = [name for name in known if not name.startswith("_")]
    near = difflib.get_close_matches(word, choices, 1)
    if near:
        return f" (did you mean {near[0]}?)"
    return f" (choose from {', '.join(choices)})" if choices else ""


def _unknown(error: ConfigAttributeError | ConfigKeyError) -> str:
    """Return that a key is not an option, and which one may have been meant."""
    section = error.parent_node
    keys = section if isinstance(section, DictConfig) else ()
    known = [str(key) for key in keys if key != "hydra"]
    owner = f" of {section['name']}" if "_target_" in known else ""  # a task or cell
    return f"{error.full_key} is not an option{owner}{hint(str(error.key), known)}"
