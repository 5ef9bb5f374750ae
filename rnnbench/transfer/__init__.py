"""Evaluate trained networks at other gaps of their task than the one of their training."""
