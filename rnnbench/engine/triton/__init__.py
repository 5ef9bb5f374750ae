"""Generate a GPU kernel from a cell's definition, and run it."""
