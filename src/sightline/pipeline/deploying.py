"""From a workspace to the files that run a server elsewhere."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from sightline import __version__
from sightline.deploy import TARGETS
from sightline.errors import InputError
from sightline.storage.files import make_folder, read_bytes, write_atomic
from sightline.storage.layout import Layout
from sightline.values.deployment import Deployment

NOBODY = 10_001
"""User and group of a server whose workspace belongs to root: numbers that no machine gives to a person."""

_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,48}[a-z0-9])?")
_IMAGE = re.compile(r"[a-z0-9]([a-zA-Z0-9._:/@-]{0,253}[a-zA-Z0-9])?")


@dataclass(frozen=True)
class DeployOptions:
    """What may be chosen about a deployment; see ``Deployment``. An empty ``image`` is the usual name.

    ``force`` writes over files that are there and differ.
    """

    releases: tuple[str, ...] = ()
    name: str = "sightline"
    image: str = ""
    processors: int = 2
    memory_mb: int = 2_000
    port: int = 8080
    replicas: tuple[int, int] = (1, 1)
    force: bool = False

    def __post_init__(self) -> None:
        if not _LABEL.fullmatch(self.name):
            raise InputError(f"the name must be a DNS label of at most 50 characters, got {self.name!r}")
        if self.image and not _IMAGE.fullmatch(self.image):
            raise InputError(f"{self.image!r} is not an image's name")
        least, most = self.replicas
        if not 1 <= least <= most:
            raise InputError(f"at least {least} servers and at most {most} contradict each other")


@dataclass(frozen=True)
class Written:
    """``files`` that were written into ``folder``, and what a person should know, a line each."""

    folder: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...]


def deploy(target: str, folder: Path, options: DeployOptions, layout: Layout, catalogue: str) -> Written:
    """Write the files of ``target`` into ``folder``; the workspace's catalogue is at ``catalogue``.

    Raises:
        UnknownPlugin: no such target.
        InputError: it cannot run so, or files are there that were changed.
        StorageError: the disk refused.
    """
    plugin = TARGETS.load(target)
    folder = folder.resolve()
    deployment = _deployment(folder, options, layout, shared=not catalogue.startswith("sqlite:"))
    made = {folder / name: text.encode() for name, text in plugin.files(deployment).items()}
    changed = [path for path, data in made.items() if path.exists() and read_bytes(path) != data]
    if changed and not options.force:
        raise InputError(f"{str(changed[0])!r} is there and differs; --force writes over it")
    for path, data in made.items():
        make_folder(path.parent)
        write_atomic(path, data)
    notes = [plugin.UNTESTED, f"next, in {folder}: {plugin.NEXT}"]
    if deployment.user == NOBODY:
        notes.insert(
            1,
            "the workspace belongs to root, as whom no server runs; give it to the server's user: "
            f"chown -R {NOBODY}:{NOBODY} {layout.root}",
        )
    return Written(folder, tuple(made), tuple(notes))


def _deployment(folder: Path, options: DeployOptions, layout: Layout, *, shared: bool) -> Deployment:
    facts = layout.root.stat()
    of_root = not (facts.st_uid and facts.st_gid)
    return Deployment(
        name=options.name,
        image=options.image or f"sightline-serve:{__version__}",
        version=__version__,
        releases=options.releases,
        workspace=os.path.relpath(layout.root, folder),
        user=NOBODY if of_root else facts.st_uid,
        group=NOBODY if of_root else facts.st_gid,
        processors=options.processors,
        memory_mb=options.memory_mb,
        port=options.port,
        replicas=options.replicas,
        shared=shared,
    )
