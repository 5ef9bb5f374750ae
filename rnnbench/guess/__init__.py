"""Guess networks at random and keep the best: what a task needs before any training."""
