"""Find out why a network forgets, from its gradients, states and gates over the gap.

`rnnbench.diagnose(path)` does what `python -m rnnbench.diagnose` does, see
`rnnbench.diagnose.notebook`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A package under whose name there is a function, too."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Diagnose stored runs, see `rnnbench.diagnose.notebook.diagnose_here`."""
        from rnnbench.diagnose.notebook import diagnose_here

        return diagnose_here(*arguments, **options)


sys.modules[__name__].__class__ = _Callable
