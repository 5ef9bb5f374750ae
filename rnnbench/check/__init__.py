"""Check that a cell keeps what every cell must."""
