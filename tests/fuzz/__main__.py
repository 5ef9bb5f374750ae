"""`python -m tests.fuzz`: ten thousand inputs through the commands' main functions."""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

SHARES = {"training": 0.2, "reading": 0.7, "other": 0.1}  # a training command takes longest
MEMORY = 12 * 2**30  # bytes of addresses: what asks for too much is refused, and takes no machine


def main() -> int:
    """Run a campaign; 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("kind", nargs="?", choices=sorted(SHARES), help="default: all")
    parser.add_argument("--count", type=int, default=10_000, help="inputs (default 10,000)")
    parser.add_argument("--seed", type=int, default=0, help="of the draws (default 0)")
    parser.add_argument("--only", type=int, help="run this one alone, and leave its files")
    given = parser.parse_args()
    os.environ.update({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "WANDB_MODE": "offline"})
    os.environ.pop("WANDB_API_KEY", None)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.dont_write_bytecode = True
    import torch

    from tests.fuzz.campaign import HANG, OUTSIDE, TRACEBACK, WRONGLY, Campaign

    torch.set_num_threads(1)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # nothing waits for a disk
    base = tempfile.mkdtemp(prefix="rnnbench-fuzz-", dir=memory)
    print(f"seed {given.seed}; sandbox {base}", flush=True)
    campaign = Campaign(Path(base), tell=lambda text: print(text, flush=True))
    for kind, share in {given.kind: 1.0}.items() if given.kind else SHARES.items():
        started = time.monotonic()
        campaign.run(kind, round(share * given.count), given.seed, given.only)
        print(f"{kind}: {time.monotonic() - started:.0f} s", flush=True)
    counts = ", ".join(f"{campaign.faults[f]} {f}" for f in (TRACEBACK, HANG, OUTSIDE, WRONGLY))
    print(f"fuzz: {campaign.number} inputs, {counts}")
    return 1 if campaign.faults else 0


if __name__ == "__main__":
    sys.exit(main())
