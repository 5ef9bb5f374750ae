"""Stored runs, trained again and compared to the last bit."""
