"""How a stacked recurrence is computed: several engines, one result."""

from rnnbench.engine.base import Engine, Parameters, States
from rnnbench.engine.registry import ENGINES, check_engine, get_engine, kernel_identity

__all__ = [
    "ENGINES",
    "Engine",
    "Parameters",
    "States",
    "check_engine",
    "get_engine",
    "kernel_identity",
]
