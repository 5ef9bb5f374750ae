"""Generate a kernel from a cell's definition: trace it, write C++, build it, and run it."""
