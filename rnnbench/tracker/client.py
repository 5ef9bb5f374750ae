"""Open W&B runs, and ask W&B no more once it has failed."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rnnbench.console import warn
from rnnbench.store.files import private_directory
from rnnbench.store.rules import is_text
from rnnbench.tracker.names import LONGEST_TAG, fitted

if TYPE_CHECKING:
    import wandb

INIT_SECONDS = 5
FINISH_SECONDS = 8
# Of a mirror: kind (wandb or none), mode (online or offline), project, entity, group, tags, notes.
Settings = Mapping[str, Any]
# Of W&B's variables those that say whose key it is, which server, and the way there. All others
# describe one run, as those do that an agent sets for what it starts, and would describe each.
CONNECTION = frozenset(
    "API_KEY IDENTITY_TOKEN_FILE CREDENTIALS_FILE BASE_URL APP_URL HTTP_PROXY HTTPS_PROXY PROXIES"
    " EXTRA_HTTP_HEADERS INSECURE_DISABLE_SSL CONFIG_DIR".split()
)
# The client's own names of these settings, and of what it finds out about this process.
CONNECTING = {*map(str.lower, CONNECTION), "app_url_override", "x_proxies", "x_extra_http_headers"}
OF_PROCESS = {"silent", "sagemaker_disable", "settings_system", "x_stats_pid", "x_executable"}
_alone = threading.RLock()  # the environment is that of all threads


@contextmanager
def own_client(*, online: bool) -> Iterator[Any]:
    """Give W&B's client as a module that prints nothing, and that knows no run but those here.

    While it is used the environment has none of W&B's variables but, online, those of the
    connection; a service of W&B that another process has started is not used either.

    Raises:
        Exception: whatever the client raises where it does not take what it finds.
    """
    with _alone, _environment(online):
        import wandb

        wandb.termsetup(wandb.Settings(silent=True), None)  # before it reads the user's files
        client: Any = wandb.setup(wandb.Settings(silent=True, sagemaker_disable=True))
        settings = client.settings
        atexit.unregister(_close)
        atexit.register(_close)  # last, so that it comes before the client's own
        kept = OF_PROCESS | (CONNECTING if online else set())
        foreign = {name: getattr(settings, name) for name in settings.model_fields_set - kept}
        plain = wandb.Settings()
        for name in foreign:
            setattr(settings, name, getattr(plain, name))
        # An agent's parameters: once read, they would be part of every run's configuration.
        parameters, client._sweep_config = client._sweep_config, None
        try:
            yield wandb
        finally:
            client._sweep_config = parameters
            for name, value in foreign.items():
                setattr(settings, name, value)


def _close() -> None:
    """End the client's service; that it has died already is no news at the end of a process."""
    import wandb

    with suppress(Exception, SystemExit):
        wandb.teardown()


@contextmanager
def _environment(online: bool) -> Iterator[None]:
    """Hide W&B's variables, and give back all as they were."""
    before = _variables()
    kept = {name: value for name, value in before.items() if online and value and _connects(name)}
    for name, value in kept.items():
        if not is_text(value):
            raise ValueError(f"{name} must be a text in UTF-8")
    # The client's own places are in a home that may not be there, or not to write to.
    place = str(private_directory("wandb") or _process_directory().name)
    has_home = os.path.expanduser("~") != "~"
    try:
        _exchange({**kept, "WANDB_CACHE_DIR": place, "WANDB_DATA_DIR": place})
        if not has_home:  # the client asks for one before it is told of any other place
            os.environ["HOME"] = place
        yield
    finally:
        _exchange(before)
        if not has_home:
            del os.environ["HOME"]


@cache
def _process_directory() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="rnnbench-wandb-")


def _connects(variable: str) -> bool:
    return variable.removeprefix("WANDB_").lstrip("_").removeprefix("X_") in CONNECTION


def _variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("WANDB_")}


def _exchange(variables: Mapping[str, str]) -> None:
    for name in _variables():
        del os.environ[name]
    os.environ.update(variables)


def open_run(settings: Settings, output_dir: Path, **described: Any) -> wandb.Run:
    """Open one of several W&B runs of this process; one that the server has is continued.

    Args:
        output_dir: W&B keeps its files in its `wandb` directory.
        described: id, name, group, job_type, tags, config; the names are cut to what W&B takes.
    """
    (output_dir / "wandb").mkdir(parents=True, exist_ok=True)
    for kind in ("name", "group", "job_type"):
        described[kind] = fitted(described[kind])
    tags = [*described.pop("tags"), *settings.get("tags", ())]
    with own_client(online=settings["mode"] == "online") as client:
        run: wandb.Run = client.init(
            project=settings["project"],
            entity=settings["entity"],
            mode=settings["mode"],
            dir=output_dir,
            notes=settings.get("notes"),
            tags=list(dict.fromkeys(fitted(tag, LONGEST_TAG) for tag in tags)),
            resume="allow",
            reinit="create_new",
            settings=client.Settings(
                console="off",
                disable_code=True,
                disable_git=True,
                finish_timeout=FINISH_SECONDS,
                finish_timeout_raises=True,
                host="",
                init_timeout=INIT_SECONDS,
                program="rnnbench",
                silent=True,
                x_disable_machine_info=True,
                x_disable_meta=True,
                x_disable_stats=True,
                x_save_requirements=False,
            ),
            **described,
        )
    return run


class Outage:
    """Marks beside W&B's files that W&B has failed: no process of the sweep asks it again.

    So an outage costs every process one time limit at most, and the user one line.
    """

    everywhere = False  # in this process, also where no mark can be written
    _lock = threading.Lock()  # of the threads of this process, so that one of them tells

    def __init__(self, output_dir: Path) -> None:
        self.output_dir = output_dir
        self.mark = output_dir / "wandb" / "left-out"

    @property
    def is_on(self) -> bool:
        return Outage.everywhere or self.mark.exists()

    def begin(self, reason: str) -> None:
        """Set the mark, and say why if no other process has."""
        with Outage._lock:
            known, Outage.everywhere = Outage.everywhere, True
            try:
                self.mark.parent.mkdir(parents=True, exist_ok=True)
                self.mark.touch(exist_ok=False)
            except FileExistsError:
                known = True
            except OSError:
                pass
            if not known:
                later = f"python -m rnnbench.sync {self.output_dir} sends what is missing"
                warn(f"W&B is left out from here on ({later}): {reason}")

    def end(self) -> None:
        """Take the mark away, before a start."""
        Outage.everywhere = False
        self.mark.unlink(missing_ok=True)
