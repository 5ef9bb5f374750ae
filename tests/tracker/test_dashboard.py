"""The dashboard as W&B's own specification: which panels, of what, of which runs."""

import json
from pathlib import Path

import pytest

from rnnbench import load_results
from rnnbench.dashboard import describe, main, make_workspace
from rnnbench.store.schema import MEASURES
from rnnbench.tracker.summary import FIGURES

REFERENCE = Path(__file__).resolve().parents[2] / "results" / "reference"
TASKS = ("adding", "copy", "recall")
# wandb-workspaces still declares its models so.
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic V1 style")


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory):
    file = tmp_path_factory.mktemp("dashboard") / "dashboard.json"
    assert main([str(REFERENCE), "--json", str(file), "--entity", "team"]) == 0
    return json.loads(file.read_text())


@pytest.fixture(scope="module")
def panels(dashboard):
    """Return each section's panels as (kind, settings)."""
    sections = dashboard["spec"]["section"]["panelBankConfig"]["sections"]
    return {
        s["name"]: [(panel["viewType"], panel["config"]) for panel in s["panels"]] for s in sections
    }


def test_it_belongs_to_the_sweep_s_project_and_has_its_name(dashboard):
    (sweep,) = set(load_results(REFERENCE)["sweep"])
    assert dashboard["name"] == sweep
    assert (dashboard["entity"], dashboard["project"]) == ("team", "rnnbench")


def test_it_shows_the_runs_of_the_sweep_alone(dashboard):
    (runset,) = dashboard["spec"]["section"]["runSets"]
    (choice,) = runset["filters"]["filters"]
    assert choice["key"] == {"section": "run", "name": "group"}
    assert (choice["op"], choice["value"]) == ("IN", [dashboard["name"]])
    assert runset["filters"]["filterFormat"] == "filterV2"


def test_it_shows_the_group_that_was_asked_for():
    place = {"project": "p", "group": "mine"}
    found = describe(make_workspace(["copy"], ["gaps"], place, "team"))
    (runset,) = found["spec"]["section"]["runSets"]
    assert runset["filters"]["filters"][0]["value"] == ["mine"]


@pytest.mark.parametrize("measure", ["accuracy", "score"])
def test_means_by_cell_are_drawn_against_the_gap_for_each_task(panels, measure):
    *means, dots = panels[f"{measure.title()} against gap"]
    assert [config["stringSettings"]["title"].split(":")[0] for _, config in means] == list(TASKS)
    for task, (kind, config) in zip(TASKS, means):
        assert kind == "Vega2"
        assert config["panelDefId"] == "wandb/lineseries/v0"
        fields = config["fieldSettings"]
        assert (fields["step"], fields["lineKey"]) == ("gap", "curve")
        assert fields["lineVal"] == f"{measure}_mean"
        assert f'"by_gap_{task}"' in json.dumps(config["userQuery"])
    kind, config = dots
    assert kind == "Scatter Plot"
    assert (config["xAxis"], config["yAxis"]) == ("config:gap.value", f"summary:test_{measure}")


def test_learning_curves_are_grouped_by_condition(panels):
    curves = panels["Learning curves"]
    assert {config["metrics"][0] for _, config in curves} <= set(MEASURES)
    assert len(curves) == 3
    for kind, config in curves:
        assert kind == "Run History Line Plot"
        assert (config["xAxis"], config["groupBy"]) == ("step", "condition.value")
        assert (config["groupAgg"], config["groupArea"]) == ("mean", "minmax")


def test_horizons_throughput_and_figures_have_their_panels(panels):
    ((kind, config),) = panels["Horizons"]
    assert kind == "Weave"
    assert '"horizons"' in json.dumps(config)
    speed, seconds = panels["Throughput"]
    assert speed[0] == "Bar Chart"
    assert speed[1]["metrics"] == ["sequences_per_second"]
    assert speed[1]["groupBy"] == "cell.value.name"
    assert (seconds[1]["xAxis"], seconds[1]["yAxis"]) == ("config:gap.value", "summary:seconds")
    assert panels["Report"] == [("Media Browser", {"mediaKeys": list(FIGURES)})]


def test_the_same_results_give_the_same_panels(dashboard, tmp_path):
    """But for W&B's own random ids."""

    def without_ids(value):
        if isinstance(value, dict):
            return {k: without_ids(v) for k, v in value.items() if k not in ("__id__", "id")}
        return [without_ids(v) for v in value] if isinstance(value, list) else value

    assert main([str(REFERENCE), "--json", str(tmp_path / "again"), "--entity", "team"]) == 0
    again = json.loads((tmp_path / "again").read_text())
    assert without_ids(again) == without_ids(dashboard)


def test_without_the_extra_one_line_names_it(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "wandb_workspaces", None)
    assert main([str(REFERENCE), "--json", "never.json"]) == 2
    assert "pip install 'rnnbench[dashboard]'" in capsys.readouterr().err
    assert not Path("never.json").exists()


def test_a_name_that_wandb_refuses_is_one_line(tmp_path, capsys):
    with (REFERENCE / "records.jsonl").open(encoding="utf-8") as lines:
        record = json.loads(next(lines))
    edited = json.dumps(record | {"sweep": "gaps, 💥"})
    (tmp_path / "records.jsonl").write_text(edited + "\n", encoding="utf-8")
    assert main([str(tmp_path), "--json", str(tmp_path / "never.json")]) == 2
    assert "Emojis are not allowed" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "never.json").exists()
