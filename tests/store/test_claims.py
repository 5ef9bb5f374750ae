"""Claims: one at a time, let go by the dead, never taken from the living."""

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rnnbench.claims import Vigil, holders, take

HOLD = "import sys, time; from rnnbench.claims import take; from pathlib import Path\n"
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
    file = place / "feed.json"
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
    vigil = Vigil()
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
    deadline = time.monotonic() + 10
    while not Vigil().is_free(place) and time.monotonic() < deadline:
        time.sleep(0.05)  # it is not waited for: a zombie
    assert list(holders(place)) == []


def test_another_process_with_the_number_of_a_dead_one_holds_nothing(place, tmp_path):
    forge(place, **own_identity(tmp_path) | {"begun": "earlier"})
    assert [h.dead for h in holders(place)] == [True]


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"host": 1}'])
def test_on_another_machine_or_unreadable_it_is_kept_while_it_changes(place, text):
    file = forge(place)
    if text is not None:
        file.write_text(text)
    vigil = Vigil(stale_seconds=0.3)
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
        deadline = time.monotonic() + 10
        while next(holders(place)).beat == first and time.monotonic() < deadline:
            time.sleep(0.01)
        assert next(holders(place)).beat != first
        assert not claim.lost.is_set()


def test_one_whose_claim_was_taken_over_learns_it_and_leaves_the_heirs_alone(place):
    with take(place, beat_seconds=0.02) as claim:
        claim.file.unlink()
        with take(place) as heir:
            assert claim.lost.wait(10)
            claim.__exit__(None, None, None)
            assert heir.file.exists()
            assert take(place) is None


def test_nothing_is_claimed_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        take(tmp_path / "file" / "0123")
