"""Stored results -> statistics -> figures -> page: no training code, no torch."""

from __future__ import annotations

from rnnbench.report.write import draw_report, is_drawn, write_report

__all__ = ["draw_report", "is_drawn", "write_report"]
