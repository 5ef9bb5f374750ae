"""Turn errors of Hydra, OmegaConf and YAML into one line that tells what to change."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from hydra.errors import OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException
from yaml import YAMLError

from rnnbench.console import Mistake

# What callers of `compose` and `make_sweeps` catch.
ConfigError = Mistake
LEXER = "LexerNoViableAltException: "  # and the override; below, an arrow at a character of it
NOISE = ("full_key", "reference_type", "object_type", "To append", "Did you mean", "See https")


def one_line(error: Exception) -> str:
    """Return what went wrong, and the choices if there are some."""
    if isinstance(error, YAMLError | UnicodeDecodeError):
        return f"a yaml file cannot be read: {' '.join(str(error).split())}"
    if isinstance(error.__cause__, ConfigAttributeError | ConfigKeyError):
        return _unknown(error.__cause__)
    if isinstance(error, OverrideParseException) and LEXER in str(error):
        return _unreadable(error)
    parts = [str(error)]
    if isinstance(error.__cause__, OmegaConfBaseException) and str(error.__cause__) not in parts[0]:
        parts.append(str(error.__cause__))
    lines = [line.strip() for line in "\n".join(parts).splitlines() if line.strip()]
    missing = re.search(r"Could not find '([^']*)/([^/']*)'", parts[0])
    options = re.search(r"Available options in '[^']*':\n((?:\t[^\n]*\n?)+)", parts[0])
    if missing and options:
        known = ", ".join(options.group(1).split())
        return f"{missing.group(1)} must be one of {known}, got {missing.group(2)}"
    return " ".join(line for line in lines if not line.startswith(NOISE))


def hint(word: str, known: Iterable[str]) -> str:
    """Return the known word that is most like an unknown one, or else all known ones."""
    choices = [name for name in known if not name.startswith("_")]
    near = difflib.get_close_matches(word, choices, 1)
    if near:
        return f" (did you mean {near[0]}?)"
    return f" (choose from {', '.join(choices)})" if choices else ""


def _unreadable(error: OverrideParseException) -> str:
    """Return which character of an override needs quotes, or that a quote is not closed."""
    before, _, _ = str(error).rpartition("^")
    override, _, arrow = before.removeprefix(LEXER).rpartition("\n")
    character = override[len(arrow) - len(LEXER)]
    if character in "'\"":
        return f"{override} has a quote that is not closed"
    key, _, value = override.partition("=")
    quoted = f"{key}='{value}'"
    return f'{override} cannot be read at {character}: put it in quotes, as in "{quoted}"'


def _unknown(error: ConfigAttributeError | ConfigKeyError) -> str:
    """Return that a key is not an option, and which one may have been meant."""
    section = error.parent_node
    keys = section if isinstance(section, DictConfig) else ()
    known = [str(key) for key in keys if key != "hydra"]
    return f"{error.full_key} is not an option{hint(str(error.key), known)}"
