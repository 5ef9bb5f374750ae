"""Stored results -> statistics -> figures -> page: no training code, no torch."""

from __future__ import annotations

from rnnbench.report.write import is_drawn, write_report

__all__ = ["is_drawn", "write_report"]
