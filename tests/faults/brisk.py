"""rnnbench with its clocks set short: a checkpoint and news after every step, and little patience.

`python -m tests.faults.brisk` is `python -m rnnbench` but for these; spawned workers import the
main module of their parent, and so have them too.
"""

import sys

from rnnbench.launcher import watch, worker
from rnnbench.launcher.backends import pool
from rnnbench.store import claims, standing

worker.CHECKPOINT_SECONDS = worker.PROGRESS_SECONDS = -1.0
standing.NEWS_SECONDS = 0.0
watch.POLL_SECONDS = pool.POLL_SECONDS = 0.05
claims.take.__kwdefaults__["beat_seconds"] = 0.25
claims.ClaimWatcher.__init__.__kwdefaults__["stale_seconds"] = 4.0

if __name__ == "__main__":
    from rnnbench.cli import main

    sys.exit(main())
