"""`python -m rnnbench.dashboard DIR`: a W&B workspace that draws a sweep, as code."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.console import ExitCode, Mistake, Parser, message_of, mistakes, run_and_exit
from rnnbench.store.files import write_atomically
from rnnbench.store.records import read_records
from rnnbench.store.settings import digest
from rnnbench.tracker.names import fitted
from rnnbench.tracker.reach import add_destination, asked_destination
from rnnbench.tracker.summary import FIGURES, by_gap_table

if TYPE_CHECKING:
    from wandb_workspaces import workspaces

LINES = "wandb/lineseries/v0"  # W&B's own chart of several lines from one table
MOST_RUNS = 1000
CONFIG = "config:task.value.name config:cell.value.name config:gap.value config:seed.value"
COLUMNS = [*CONFIG.split(), "summary:status", "summary:test_accuracy", "summary:test_score"]

parser = Parser("rnnbench.dashboard", __doc__)
add_destination(parser)
parser.add_argument("--json", metavar="FILE", type=Path, help="write it here, save nothing")


def make_workspace(
    tasks: Sequence[str], sweeps: Sequence[str], place: Mapping[str, Any], entity: str | None
) -> workspaces.Workspace:
    """Return the workspace of a results directory, which shows the runs of its sweeps alone.

    Its means by cell are drawn from the tables of a sweep's summary run, all else from the runs
    themselves. The place says project and group; the entity, a user or team, is None where it is
    not known.
    """
    from wandb_workspaces import expr, workspaces

    groups = [place["group"]] if place["group"] else [fitted(sweep) for sweep in sweeps]
    settings = workspaces.WorkspaceSettings(x_axis="step", max_runs=MOST_RUNS)
    runs = workspaces.RunsetSettings(
        filters=expr.And(expr.Metric("Group").isin(groups)), pinned_columns=COLUMNS
    )
    sections = [
        workspaces.Section(name=name, panels=panels, is_open=True)
        for name, panels in _panels(tasks).items()
    ]
    return workspaces.Workspace(
        entity=entity or "",
        project=place["project"],
        name=", ".join(sweeps),
        sections=sections,
        settings=settings,
        runset_settings=runs,
    )


def _panels(tasks: Sequence[str]) -> Mapping[str, list[Any]]:
    from wandb_workspaces.reports.v2 import interface as panels

    learning = [  # a line per condition, the mean over its seeds
        panels.LinePlot(
            title=measure,
            x="step",
            y=[measure],
            groupby=panels.Config("condition"),
            groupby_aggfunc="mean",
            groupby_rangefunc="minmax",
            max_runs_to_show=MOST_RUNS,
        )
        for measure in ("score", "accuracy", "loss")
    ]
    return {
        "Accuracy against gap": _against_gap("accuracy", tasks),
        "Score against gap": _against_gap("score", tasks),
        "Learning curves": learning,
        "Horizons": [panels.WeavePanelSummaryTable(table_name="horizons")],
        "Throughput": [
            panels.BarPlot(
                title="Sequences per second",
                metrics=["sequences_per_second"],
                groupby=panels.Config("cell.name"),
                groupby_aggfunc="mean",
            ),
            _every_run("seconds", "Seconds of a run"),
        ],
        "Report": [panels.MediaBrowser(media_keys=list(FIGURES))],
    }


def _against_gap(measure: str, tasks: Sequence[str]) -> list[Any]:
    """Return a panel of means by cell for each task, and one with every run as a dot."""
    from wandb_workspaces.reports.v2 import interface as panels

    means = []
    for task in tasks:
        chart = panels.CustomChart.from_table(
            by_gap_table(task),
            chart_fields={"step": "gap", "lineKey": "curve", "lineVal": f"{measure}_mean"},
            chart_strings={"title": f"{task}: {measure}, mean over seeds", "xname": "gap"},
        )
        chart.chart_name = LINES
        means.append(chart)
    return [*means, _every_run(f"test_{measure}", f"Every run: {measure}")]


def _every_run(key: str, title: str) -> Any:
    from wandb_workspaces.reports.v2 import interface as panels

    gap, shown = panels.Config("gap"), panels.SummaryMetric(key)
    return panels.ScatterPlot(title=title, x=gap, y=shown, log_x=True)


def describe(workspace: workspaces.Workspace) -> dict[str, Any]:
    """Return a workspace as plain values: where it belongs, and W&B's own specification of it."""
    spec = workspace._to_model().spec.model_dump_json(by_alias=True, exclude_none=True)
    place = {"entity": workspace.entity or None, "project": workspace.project}
    return {**place, "name": workspace.name, "spec": json.loads(spec)}


def save(workspace: workspaces.Workspace) -> str:
    """Save a workspace at W&B, in place of an earlier one of the same sweep; return its address.

    Raises:
        Exception: whatever the client raises where it is not let in.
    """
    from wandb_workspaces.workspaces import internal

    name = digest(["workspace", workspace.name])
    workspace._internal_name = internal._url_query_str_to_internal_name(name)
    try:
        found = internal.get_view_dict(workspace.entity, workspace.project, name)
        workspace._internal_id = found["id"]
    except ValueError:  # there is none yet
        workspace._internal_id = ""
    return str(workspace.save().url)


@parser.command
def main(given: Namespace) -> int:
    """Save a sweep's workspace at W&B, or write it to a file."""
    try:
        import wandb_workspaces  # noqa: F401
    except ImportError as error:
        rule = "wandb-workspaces must be installed: pip install 'rnnbench[dashboard]'"
        raise Mistake(rule) from error
    with mistakes(OSError):
        tasks, sweeps = _contents(given.results)
    place = asked_destination(given)
    if given.json is None:
        print(_save(tasks, sweeps, place))
    else:
        with mistakes(OSError, ValueError):  # W&B refuses names with an emoji
            found = describe(make_workspace(tasks, sweeps, place, place["entity"]))
            write_atomically(given.json, json.dumps(found, indent=1).encode() + b"\n")
        print(given.json)
    return ExitCode.DONE


def _save(tasks: Sequence[str], sweeps: Sequence[str], place: Mapping[str, Any]) -> str:
    """Save the workspace of these tasks and sweeps at W&B and return its address."""
    from rnnbench.tracker.client import own_client
    from rnnbench.tracker.reach import find_problem

    problem = find_problem()
    if problem is not None:
        raise Mistake(f"nothing can be saved ({problem}); --json FILE needs no server")
    try:
        with own_client(online=True) as client:
            owner = place["entity"] or str(client.Api().default_entity)
            return save(make_workspace(tasks, sweeps, place, owner))
    except Exception as error:  # whatever the client raises
        raise Mistake(f"nothing was saved: {message_of(error)}") from error


def _contents(directory: Path) -> tuple[list[str], list[str]]:
    """Return the names of the tasks and of the sweeps whose results lie in a directory.

    Raises:
        FileNotFoundError: there are no results.
    """
    records = list(read_records(directory))
    if not records:
        raise FileNotFoundError(f"no runs at {directory}")
    tasks, sweeps = ({record[key] for record in records} for key in ("task", "sweep"))
    return sorted(tasks), sorted(sweeps)


if __name__ == "__main__":
    run_and_exit(main)
