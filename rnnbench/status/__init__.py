"""How a sweep stands, read from its directory at any time and from any machine that sees it."""
