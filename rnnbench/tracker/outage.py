"""Whether W&B has failed in this start of a sweep: known to all its processes, told once."""

from __future__ import annotations

import threading
from pathlib import Path

from rnnbench.errors import warn


class Outage:
    """A mark beside W&B's files: the first process that fails sets it, and none asks W&B again.

    So an outage costs every process one time limit at most, and the user one line.
    """

    everywhere = False  # in this process, also where no mark can be written
    _lock = threading.Lock()  # of the threads of this process, so that one of them tells

    def __init__(self, output_dir: Path) -> None:
        self.output_dir = output_dir
        self.mark = output_dir / "wandb" / "left-out"

    @property
    def is_on(self) -> bool:
        return Outage.everywhere or self.mark.exists()

    def begin(self, reason: str) -> None:
        """Set the mark, and say why if no other process has."""
        with Outage._lock:
            known, Outage.everywhere = Outage.everywhere, True
            try:
                self.mark.parent.mkdir(parents=True, exist_ok=True)
                self.mark.touch(exist_ok=False)
            except FileExistsError:
                known = True
            except OSError:
                pass
            if not known:
                later = f"python -m rnnbench.sync {self.output_dir} sends what is missing"
                warn(f"W&B is left out from here on ({later}): {reason}")

    def end(self) -> None:
        """Take the mark away, before a start."""
        Outage.everywhere = False
        self.mark.unlink(missing_ok=True)
