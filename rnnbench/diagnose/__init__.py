"""Why a network forgets: what its gradients, states and gates do over the gap.

`load_diagnosis` and what it needs import no torch, for the report reads through them.
"""

from rnnbench.diagnose.frames import Diagnoses, load_diagnosis

__all__ = ["Diagnoses", "load_diagnosis"]
