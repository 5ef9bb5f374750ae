"""What is asked for: conditions, the classes that they name, learning rates, limits."""
