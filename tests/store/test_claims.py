"""Claims: one at a time, let go by the dead, never taken from the living."""

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rnnbench.store.claims import ClaimWatcher, holders, take
from tests.waiting import until

HOLD = "import sys, time; from rnnbench.store.claims import take; from pathlib import Path\n"
HOLD += "with take(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"


@pytest.fixture
def place(tmp_path):
    return tmp_path / "claims" / "0123"


@pytest.fixture
def other(place):
    """Another process of this machine that has the claim."""
    command = [sys.executable, "-c", HOLD, str(place)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def forge(place, **changes):
    """Write the claim of a process as another machine might, or a broken one."""
    place.mkdir(parents=True)
    known = {"host": "far", "system": ["far"], "pid": 1, "begun": "1", **changes}
    file = place / "feedfeedfeedfeed.json"
    file.write_text(json.dumps(known))
    return file


def own_identity(tmp_path):
    with take(tmp_path / "mine") as claim:
        return json.loads(claim.file.read_text())


def test_a_claim_is_had_by_one_and_then_by_the_next(place):
    with take(place) as claim:
        assert take(place) is None
        assert [h.pid for h in holders(place)] == [os.getpid()]
        assert not claim.lost.is_set()
    assert list(place.parent.iterdir()) == []
    with take(place):
        pass


@pytest.mark.parametrize("dead", [False, True], ids=["free", "left by a dead process"])
def test_of_many_at_once_one_gets_it(tmp_path, dead):
    identity = own_identity(tmp_path)
    with ThreadPoolExecutor(16) as threads:
        for number in range(40):
            place = tmp_path / f"{number}"
            if dead:
                forge(place, **identity | {"begun": "another process"})
            begin = threading.Barrier(16)

            def attempt(place=place, begin=begin):
                begin.wait()
                return take(place)

            claims = [each.result() for each in [threads.submit(attempt) for _ in range(16)]]
            assert sum(claim is not None for claim in claims) == 1
            assert len(list(place.glob("*.json"))) == 1


def test_a_living_process_keeps_its_claim(place, other):
    vigil = ClaimWatcher()
    assert take(place) is None
    assert not vigil.is_free(place)
    assert [h.pid for h in holders(place)] == [other.pid]


def test_a_killed_process_has_let_go(place, other):
    other.kill()
    other.wait()
    assert [h.dead for h in holders(place)] == [True]
    with take(place):
        assert [h.pid for h in holders(place)] == [os.getpid()]


def test_a_killed_process_has_let_go_before_its_parent_knows(place, other):
    other.kill()
    until(lambda: ClaimWatcher().is_free(place))  # it is not waited for: a zombie
    assert list(holders(place)) == []


def test_another_process_with_the_number_of_a_dead_one_holds_nothing(place, tmp_path):
    forge(place, **own_identity(tmp_path) | {"begun": "earlier"})
    assert [h.dead for h in holders(place)] == [True]


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"host": 1}'])
def test_on_another_machine_or_unreadable_it_is_kept_while_it_changes(place, text):
    file = forge(place)
    if text is not None:
        file.write_text(text)
    vigil = ClaimWatcher(stale_seconds=0.3)
    for beat in range(8):
        assert take(place) is None
        assert not vigil.is_free(place)
        os.utime(file, (beat, beat))  # whatever its clock says
        time.sleep(0.1)
    assert not vigil.is_free(place)
    time.sleep(0.4)
    assert vigil.is_free(place)
    assert not place.exists()


def test_the_holder_keeps_touching_its_file(place):
    with take(place, beat_seconds=0.02) as claim:
        first = next(holders(place)).beat
        until(lambda: next(holders(place)).beat != first)
        assert not claim.lost.is_set()


def test_one_whose_claim_was_taken_over_learns_it_and_leaves_the_heirs_alone(place):
    with take(place, beat_seconds=0.02) as claim:
        claim.file.unlink()
        with take(place) as heir:
            assert claim.lost.wait(120)
            claim.__exit__(None, None, None)
            assert heir.file.exists()
            assert take(place) is None


def test_nothing_is_claimed_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        take(tmp_path / "file" / "0123")


@pytest.fixture
def precious(tmp_path):
    """A directory of somebody's, with files that look like claims and do not."""
    directory = tmp_path / "elsewhere"
    (directory / "0123").mkdir(parents=True)
    for folder in (directory, directory / "0123"):
        for name in ("thesis.txt", "0123456789abcdef.json"):
            (folder / name).write_text("precious")
    return directory


def files(directory):
    return {path: path.read_text() for path in directory.rglob("*.*")}


@pytest.mark.parametrize("linked", ["claims", "claims/0123"])
def test_nothing_is_claimed_or_removed_behind_a_symbolic_link(tmp_path, place, precious, linked):
    before = files(precious)
    (tmp_path / linked).parent.mkdir(exist_ok=True)
    (tmp_path / linked).symlink_to(precious)
    for look in (take, ClaimWatcher(stale_seconds=0).is_free, lambda place: list(holders(place))):
        for _ in range(2):
            with pytest.raises(OSError, match="must be a directory of its own, got a symbolic"):
                look(place)
    assert files(precious) == before


@pytest.mark.parametrize("name", ["thesis.txt", "feed.json", "0123456789ABCDEF.json"])
def test_what_is_not_named_like_a_claim_is_left_and_said_to_be_in_the_way(place, name):
    place.mkdir(parents=True)
    (place / name).write_text("precious")
    assert ClaimWatcher(stale_seconds=0).is_free(place)
    with pytest.raises(OSError, match=f"must hold nothing but a claim, got '{name}'"):
        take(place)
    assert files(place) == {place / name: "precious"}
    assert list(place.parent.iterdir()) == [place]


@pytest.mark.parametrize("kind", ["pipe", "link", "directory"])
def test_nor_is_what_is_no_regular_file(place, precious, kind):
    place.mkdir(parents=True)
    name = place / "0123456789abcdef.json"
    make = {"pipe": os.mkfifo, "link": lambda n: n.symlink_to(precious / n.name)}
    make.get(kind, os.mkdir)(name)
    assert list(holders(place)) == []
    assert ClaimWatcher(stale_seconds=0).is_free(place)
    with pytest.raises(OSError, match="must hold nothing but a claim"):
        take(place)
    assert os.path.lexists(name)


def test_a_file_that_is_gone_but_still_open_elsewhere_is_waited_for(place):
    place.mkdir(parents=True)
    (place / ".nfs000000000123").write_text("")  # as a network file system keeps it for a while
    assert take(place) is None


@pytest.mark.parametrize(
    "change", [{"host": "\x1b[2J"}, {"host": ["far"]}, {"host": "x" * 201}, {"pid": 10**400}]
)
def test_an_owner_that_cannot_be_shown_is_unknown(place, change):
    forge(place, **change)
    (holder,) = holders(place)
    assert (holder.host, holder.pid, holder.dead) == ("", 0, False)
    assert holder.whereabouts == "by an unknown process"
