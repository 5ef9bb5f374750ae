"""What follows a sweep's training: its report, the mirror of that, and where all of it lies."""

from __future__ import annotations

from pathlib import Path

from rnnbench.errors import describe, say, warn
from rnnbench.launcher.plan import Plan
from rnnbench.tally import Tally


def sum_up(plan: Plan, mode: str) -> Path | None:
    """Draw the report, and mirror it; neither may cost the sweep its exit code.

    Returns:
        The page; None where there is none of these results.
    """
    directory = plan.sweep.output_dir
    try:
        from rnnbench.report import is_drawn, write_report

        if not plan.jobs and is_drawn(directory):
            return directory / "report" / "index.html"
        report = write_report([directory])
        if mode != "none":
            from rnnbench.tracker import mirror_summary

            mirror_summary(plan.sweep.name, {**plan.sweep.tracker, "mode": mode}, directory, report)
        return report / "index.html"
    except ModuleNotFoundError as lacking:
        package = (lacking.name or "a package").partition(".")[0]
        where = f"python -m rnnbench.report {directory}, where it is"
        say(f"no report is drawn, as {package} is not installed: {where}")
    except Exception as error:
        warn(f"the report could not be drawn: {describe(error)}")
    return None


def say_where(plan: Plan, page: Path | None, closing: Tally, *, stopped: bool) -> None:
    """Print where results and report lie, and what is left to do."""
    print(f"results: {plan.sweep.output_dir}")
    if page is not None:
        print(f"report:  {page}")
    if closing.total["left"]:
        say(f"{closing.total['left']} replicas are left: the same command continues")
    elif stopped:
        say("stopped before the report was drawn: the same command continues")
