"""Waiting for what another process does, as long as a busy machine takes for it."""

import time


def until(condition, seconds=240):
    """Wait until a condition holds, and return what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
    return found
