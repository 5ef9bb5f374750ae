"""A kernel is loaded only from a directory and a file that nobody but the user can write to."""

import os

import pytest

from rnnbench.engine.compiled import build

SMALL = 'extern "C" int answer() { return 42; }\n'
SOMEBODY = 12345
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return where kernels are kept, for this test alone."""
    monkeypatch.setenv("RNNBENCH_CACHE", str(tmp_path / "cache"))
    for function in (build.cache_directory, build.load):
        function.cache_clear()
    yield tmp_path / "cache" / "kernels"
    for function in (build.cache_directory, build.load):
        function.cache_clear()


@as_root
def test_a_directory_of_somebody_else_is_not_used(cache):
    cache.mkdir(parents=True, mode=0o700)
    os.chown(cache, SOMEBODY, SOMEBODY)
    assert build.cache_directory() != cache
    assert build.load(SMALL).answer() == 42
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_directory_that_others_can_write_to_is_not_used(cache, mode):
    cache.mkdir(parents=True)
    cache.chmod(mode)
    assert build.cache_directory() != cache


def test_a_link_to_a_directory_is_not_used(cache, tmp_path):
    cache.parent.mkdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    cache.symlink_to(tmp_path / "elsewhere")
    assert build.cache_directory() != cache


@as_root
@pytest.mark.parametrize("suffix", [".so", ".sha256"])
def test_a_file_of_somebody_else_is_built_again(cache, suffix):
    build.load(SMALL)
    (file,) = cache.glob(f"*{suffix}")
    os.chown(file, SOMEBODY, SOMEBODY)
    build.load.cache_clear()
    assert build.load(SMALL).answer() == 42
    (file,) = cache.glob(f"*{suffix}")
    assert file.stat().st_uid == os.getuid()


def test_what_is_made_is_the_user_s_own(cache):
    build.load(SMALL)
    assert cache.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in cache.iterdir()} == {0o600}
