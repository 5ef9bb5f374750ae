"""Trained networks at other gaps of their task than the one that they were trained at."""
