"""A run's folder, ``runs/ID``: what a build has done, so that ``--resume`` can go on."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from sightline.errors import InputError, StorageError
from sightline.storage.files import refused, write_atomic
from sightline.storage.layout import Layout

Stage = Literal["started", "planned", "trained", "released"]


@dataclass(frozen=True, slots=True)
class RunState:
    """``run.json``: whose run it is and how far it came.

    ``release`` is the ``NAME@VERSION`` whose number it reserved; the registry knows whether it was added.
    """

    name: str
    dataset_fingerprint: str
    stage: Stage
    release: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run and where its files lie."""

    folder: Path
    state: RunState

    @property
    def recipe(self) -> Path:
        """The recipe with its epochs."""
        return self.folder / "recipe.json"

    @property
    def initial(self) -> Path:
        """All weights before the first step, where they are not the seed's."""
        return self.folder / "initial.safetensors"

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.folder / "report.html"

    @property
    def going(self) -> bool:
        """Whether a process is at work on it."""
        try:
            handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise refused("look at", self.folder, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    def at(self, stage: Stage, release: str = "") -> "Run":
        """The same run, now at ``stage``, and with a ``release`` if one is given; recorded on disk first."""
        run = Run(self.folder, replace(self.state, stage=stage, release=release or self.state.release))
        write_atomic(self.folder / "run.json", json.dumps(asdict(run.state), indent=1).encode())
        return run

    @contextmanager
    def alone(self) -> Iterator["Run"]:
        """Keep every other process out of this run until the end, or this process's death.

        Gives the run as it is then: another process may have gone on with it since it was read.

        Raises:
            InputError: another process is at work on it, or has released it.
        """
        path = self.folder / "lock"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise refused("write", path, error) from error
        try:
            # The system lets go of it when the process ends, however it ends.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            run = replace(self, state=_read(self.folder / "run.json") or self.state)
            if run.state.stage == "released":
                raise InputError(f"run {self.folder.name} has been released by another process")
            yield run
        except BlockingIOError:
            raise InputError(
                f"run {self.folder.name} is still going in another process; wait for it, or stop it first"
            ) from None
        finally:
            os.close(handle)


def start_run(layout: Layout, name: str, fingerprint: str) -> Run:
    """A new run, its folder named after the time and the model."""
    now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    for number in range(1, 1000):
        folder = layout.runs / (f"{now}-{name}" if number == 1 else f"{now}-{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise StorageError(f"cannot make {folder.name!r} under runs: {error.strerror}") from error
        return Run(folder, RunState(name, fingerprint, "started")).at("started")
    raise StorageError(f"a thousand runs of {name!r} began in this second")


def runs(layout: Layout) -> tuple[Run, ...]:
    """All runs that can be read."""
    files = layout.runs.glob("*/run.json")
    return tuple(Run(file.parent, state) for file in files if (state := _read(file)))


def unfinished_run(layout: Layout, name: str, fingerprint: str) -> Run:
    """The latest run of ``name`` on this dataset that has a plan and no release.

    Raises:
        InputError: there is none.
    """
    own = [r for r in runs(layout) if r.state.name == name and r.state.dataset_fingerprint == fingerprint]
    for run in sorted(own, key=lambda r: r.folder.name, reverse=True):
        if run.state.stage in ("planned", "trained"):
            return run
    raise InputError(
        f"--resume: no unfinished run of {name!r} on these pictures (dataset "
        f"{fingerprint[:12]}) in {layout.runs.name}/; "
        "leave --resume out to begin one"
    )


def _read(path: Path) -> RunState | None:
    """None where it cannot be read: another run's damage must not keep this one from going on."""
    try:
        return TypeAdapter(RunState).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
