"""Errors of Hydra, OmegaConf and YAML, each in one line that tells what to change."""

from __future__ import annotations

import re

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

# What a mistake in a command or in a file of the configuration raises.
COMPOSING = (HydraException, OmegaConfBaseException, YAMLError, UnicodeDecodeError)
NOISE = ("full_key", "reference_type", "object_type", "To append", "Did you mean", "See https")


class ConfigError(Exception):
    """A value in the configuration with which nothing can be run; its text is one line."""


def one_line(error: Exception) -> str:
    """Return what went wrong, and the choices where there are some."""
    if isinstance(error, YAMLError | UnicodeDecodeError):
        return f"a yaml file cannot be read: {' '.join(str(error).split())}"
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
