"""Whether a cell keeps what every cell must: one check per file, run by `python -m`."""
