"""What should be served, and that it is: releases are loaded, and exchanged when another is promoted."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path
from typing import Protocol

from sightline.bundle.keys import trusted
from sightline.bundle.verify import open_bundle
from sightline.errors import InputError, RegistryError, SightlineError
from sightline.registry.opening import open_registered
from sightline.registry.references import Reference
from sightline.registry.releases import Registry
from sightline.serve.loaded import Loaded, Wanted, load, parse_wanted
from sightline.serve.logs import log
from sightline.serve.plane import DataPlane
from sightline.settings import work_in_background
from sightline.storage.layout import Layout
from sightline.values.release import Release

_PATIENCE = 30.0
"""Seconds until a release that could not be loaded is tried again."""

_log = getLogger(__name__)


class Shelf:
    """Where releases come from: the registry, by what was ``asked``, or else all that is in production.

    Raises:
        InputError: what is asked for makes no sense, or two of it would be served under one name.
    """

    def __init__(self, registry: Registry, layout: Layout, asked: Sequence[str]) -> None:
        self._registry, self._layout = registry, layout
        self._asked = [parse_wanted(each) for each in asked]
        usual = [each.reference.name for each in self._asked if each.reference.version is None]
        versions = [(each.reference.name, each.reference.version) for each in self._asked]
        if len(set(usual)) != len(usual) or len(set(versions)) != len(versions):
            raise InputError(
                "a name is served in one stage and one variant, and each version once; asked for: "
                + " ".join(asked)
            )

    def wanted(self) -> list[tuple[Wanted, Release]]:
        """What should be served now.

        Raises:
            RegistryError: there is no such release.
            StorageError: the catalogue refused.
        """
        if self._asked:
            return [(each, self._registry.get(each.text)) for each in self._asked]
        return [
            (Wanted(Reference(each.name)), each)
            for each in self._registry.all()
            if each.stage == "production"
        ]

    def load(self, wanted: Wanted, release: Release) -> Loaded:
        """A release, verified, loaded and run once."""
        return load(open_registered(release, self._layout), wanted.variant)


class Source(Protocol):
    """Where a data plane gets what it serves."""

    async def begin(self, plane: DataPlane) -> None:
        """Load everything that is wanted. Raises ``SightlineError`` where something cannot be served."""

    async def look(self, plane: DataPlane) -> None:
        """Bring ``plane`` up to date; called every second or so. Raises nothing."""


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A sealed file, which is in no registry and never changes."""

    path: Path
    layout: Layout | None
    variant: str = ""

    async def begin(self, plane: DataPlane) -> None:
        """Load it."""
        bundle = await asyncio.to_thread(open_bundle, self.path, trusted(self.layout))
        plane.serve(await asyncio.to_thread(load, bundle, self.variant), usual=True)

    async def look(self, plane: DataPlane) -> None:
        """Nothing can have changed."""


class Follower:
    """Keeps a data plane serving what ``shelf`` says."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._served: dict[Wanted, Loaded] = {}
        self._failed: dict[str, float] = {}
        # What is served goes on being answered while the next release is verified, tried and loaded.
        self._loading = ThreadPoolExecutor(1, "loading", initializer=work_in_background)

    async def begin(self, plane: DataPlane) -> None:
        """Load everything that is wanted.

        Raises:
            RegistryError: nothing is.
            SightlineError: something cannot be served.
        """
        wanted = await asyncio.to_thread(self._shelf.wanted)
        if not wanted:
            raise RegistryError("nothing is in production; promote a release, or name what should be served")
        loaded = await asyncio.gather(*(asyncio.to_thread(self._shelf.load, *each) for each in wanted))
        for (each, _), ready in zip(wanted, loaded, strict=True):
            self._serve(plane, each, ready)

    async def look(self, plane: DataPlane) -> None:
        """Exchange what another release has taken the place of; what cannot be had is tried again later."""
        try:
            wanted = await asyncio.to_thread(self._shelf.wanted)
        except SightlineError as error:
            _log.warning("the registry cannot be read; serving goes on: %s", error)
            return
        for each, release in wanted:
            served = self._served.get(each)
            if served is not None and served.version == release.version:
                continue
            if time.monotonic() < self._failed.get(str(release), 0.0):
                continue
            try:
                loaded = await asyncio.get_running_loop().run_in_executor(
                    self._loading, self._shelf.load, each, release
                )
                self._serve(plane, each, loaded)
            except SightlineError as error:
                self._failed[str(release)] = time.monotonic() + _PATIENCE
                _log.error("%s cannot be served, what was goes on: %s", release, error)

    def _serve(self, plane: DataPlane, wanted: Wanted, loaded: Loaded) -> None:
        before = self._served.get(wanted)
        plane.serve(loaded, usual=wanted.reference.version is None, instead_of=before)
        self._served[wanted] = loaded
        for other in self._served.values():
            if before is not None and (other.name, other.version) == (before.name, before.version):
                plane.serve(other, usual=False)  # it was asked for by its number too
        log(
            _log,
            "serving",
            release=loaded.predictor.release,
            instead_of=before.predictor.release if before else None,
        )
