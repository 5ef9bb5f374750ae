"""`python -m rnnbench.sync`: all of an offline sweep, once; what it says where it cannot."""

import pytest

import rnnbench

from .wandb_server import wandb_server
from .wandb_sweep import WORDS, assert_no_key, assert_whole, command, results_sent


@pytest.mark.long
def test_an_offline_sweep_is_sent_once_also_if_the_server_fails_on_the_way(tmp_path):
    directory = tmp_path / "results" / "gaps"
    done = command("rnnbench", *WORDS, "tracker.mode=offline", cwd=tmp_path)
    assert done.returncode == 0, done.stderr

    def sync():
        return command("rnnbench.sync", "results/gaps", cwd=tmp_path, server=server)

    with wandb_server() as server:
        server.fail_after(2, "gone")
        done = sync()
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert "after it (the same command continues): " in line
        server.recover()
        server.refused = {"CommitArtifact"}  # all but the last of the summary
        done = sync()
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert "not sent: gaps summary (the same command continues): " in line
        assert results_sent(server) == []
        server.recover()
        done = sync()
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[-1] == "sent: gaps summary"
        assert done.stdout.count("there already: ") == 6
        assert_whole(server, directory)
        assert len(results_sent(server)) == 1
        assert_no_key(server, tmp_path)
    done = command("wandb", "sync", "--dry-run", "results/gaps/wandb", cwd=tmp_path)
    assert "No runs to sync" in done.stderr


@pytest.fixture
def trained(tmp_path):
    rnnbench.run(
        **{"task": "recall", "gap": 5, "seeds": 1, "trainer.steps": 3, "model.hidden_size": 4},
        output_dir=str(tmp_path / "out"),
        engine="reference",
    )
    return tmp_path


@pytest.mark.long
def test_without_a_key_nothing_is_sent_and_one_line_says_how(trained):
    done = command("rnnbench.sync", "out", cwd=trained)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "nothing can be sent: W&B has no key (wandb login, or WANDB_API_KEY)" in line


def test_without_a_server_nothing_is_sent_and_one_line_names_it(trained):
    with wandb_server() as server:
        pass  # a port where nobody listens any more
    done = command("rnnbench.sync", "out", cwd=trained, server=server)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"nothing can be sent: W&B does not answer at {server.url}" in line


@pytest.mark.parametrize("module", ["rnnbench.sync", "rnnbench.dashboard"])
def test_where_there_are_no_results_it_is_one_line(module, tmp_path):
    words = ["nowhere"] if module == "rnnbench.sync" else ["nowhere", "--json", "x.json"]
    done = command(module, *words, cwd=tmp_path)
    assert done.returncode == 2
    assert "no results at nowhere" in done.stderr
    assert len(done.stderr.splitlines()) == 1
