"""What nothing in a workspace refers to any more, and how its space is freed."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sightline.pipeline.runs import Run, runs
from sightline.registry.releases import Registry
from sightline.storage.files import refused
from sightline.storage.layout import Layout

HOURS = 24.0
"""What is younger may be work in progress."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file or folder that nothing refers to: its size in bytes, and why it is one."""

    path: Path
    size: int
    why: str


def leftovers(layout: Layout, registry: Registry, hours: float = HOURS) -> tuple[Leftover, ...]:
    """What lies in the workspace for at least that many ``hours`` without anything referring to it.

    These are parts of files whose writer died; what a build sealed that died before the registry knew of it;
    runs that died before they had a plan, which cannot be resumed; and lists of pictures that neither a
    release nor a run was made with. A release is never one of them, whatever its stage. Any other sealed
    file that the registry does not know may be a release of the catalogue that was there before, or
    somebody else's: it stays, and all lists with it.

    Raises:
        StorageError: the catalogue or the disk refused.
    """
    newest = time.time() - 3600 * hours
    found = []
    for path, why in _unreferenced(layout, registry):
        try:
            inside = [path, *(path.rglob("*") if path.is_dir() else ())]
            facts = [each.lstat() for each in inside]
        except FileNotFoundError:
            continue  # its writer is alive, and done with it
        except OSError as error:
            raise refused("look at", path, error) from error
        if max(each.st_mtime for each in facts) < newest:
            found.append(Leftover(path, sum(each.st_size for each in facts), why))
    return tuple(sorted(found, key=lambda each: each.path))


def free(leftover: Leftover) -> None:
    """Remove it.

    Raises:
        StorageError: the disk refused.
    """
    try:
        if leftover.path.is_dir():
            shutil.rmtree(leftover.path)
        else:
            leftover.path.unlink(missing_ok=True)
    except OSError as error:
        raise refused("remove", leftover.path, error) from error


def _unreferenced(layout: Layout, registry: Registry) -> Iterator[tuple[Path, str]]:
    # Files first, then what refers to them: what is added in between is young.
    parts = [each for folder in _own_folders(layout) for each in folder.rglob(".*.part") if each.is_file()]
    sealed = sorted(layout.models.glob("*.sight"))
    lists = sorted(layout.datasets.glob("*.json"))
    begun = runs(layout)
    releases = registry.all()
    yield from ((each, "part of a file whose writer died") for each in parts)
    registered = {layout.root / release.path for release in releases}
    died = {_sealed_by(run, layout) for run in begun if run.state.stage == "trained" and not run.going}
    unknown = [each for each in sealed if each not in registered]
    yield from ((each, "of a build that died before it was registered") for each in unknown if each in died)
    for run in begun:
        if run.state.stage == "started" and not run.going:
            yield run.folder, "a run that died before it had a plan"
    if not died.issuperset(unknown):
        return
    used = {each.dataset_fingerprint for each in releases} | {run.state.dataset_fingerprint for run in begun}
    yield from ((each, "pictures of no release and no run") for each in lists if each.stem not in used)


def _sealed_by(run: Run, layout: Layout) -> Path:
    return layout.models / f"{run.state.release.replace('@', '-')}.sight"


def _own_folders(layout: Layout) -> tuple[Path, ...]:
    """Where sightline writes; the rest of a workspace's folder is the user's."""
    return layout.models, layout.runs, layout.internal
