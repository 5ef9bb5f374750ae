"""The fabricated records of the report's tests."""

from tests.report.conftest import break_run_fixture, fabricate_fixture, labelled, stored

__all__ = ["break_run_fixture", "fabricate_fixture", "labelled", "stored"]
