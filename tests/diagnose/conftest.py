"""A small sweep, trained once, and copies of it to be diagnosed."""

import shutil

import pytest

import rnnbench

SMALL = {"trainer.steps": 3, "model.hidden_size": 8, "trainer.eval_size": 16}


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    place = tmp_path_factory.mktemp("sweep")
    for cell, gaps in (("gru", [4, 6]), ("lstm", 4)):
        settings = {"task.gap": gaps, **SMALL}
        rnnbench.run(task="recall", cell=cell, seeds=2, output_dir=place, **settings)
    return place


@pytest.fixture
def sweep(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "sweep")
