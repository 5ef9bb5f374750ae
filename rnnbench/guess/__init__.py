"""Random networks, of which the best is kept: what a task asks for before any training."""
