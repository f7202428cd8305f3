"""Registries on both kinds of catalogue, and sealed files to put into them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catalogues import address, postgresql
from sightline.registry.releases import Registry
from sightline.storage.catalogue import open_catalogue
from sightline.storage.files import sha256_bytes, write_atomic
from sightline.storage.layout import init_workspace
from sightline.values.evaluation import Comparison, Interval
from sightline.values.release import Release

__all__ = ["address", "postgresql"]


@pytest.fixture
def registry(address: str, tmp_path: Path) -> Iterator[Registry]:
    """An empty registry."""
    engine = open_catalogue(address)
    yield Registry(engine, init_workspace(tmp_path / "workspace"))
    engine.dispose()


@pytest.fixture
def sealed(registry: Registry) -> Callable[..., Release]:
    """Writes a file for the next version of a name; gives the release, not yet added."""

    def make(name: str = "boards", parent: str | None = None) -> Release:
        version = registry.reserve(name)
        path = f"models/{name}-{version}.sight"
        data = f"sealed {path}".encode()
        write_atomic(registry.layout.root / path, data)
        return Release(
            name=name,
            version=version,
            stage="candidate",
            path=path,
            sha256=sha256_bytes(data),
            dataset_fingerprint="d" * 64,
            recipe_sha256="e" * 64,
            code_version="0.1.0",
            parent=parent,
            created="2026-01-02T03:04:05+00:00",
        )

    return make


@pytest.fixture
def comparison() -> Comparison:
    """One that passes."""
    return Comparison(
        metric="top1",
        pictures=400,
        candidate=0.95,
        incumbent=0.94,
        difference=Interval(0.01, -0.002, 0.022),
        lower=0.0,
        margin=-0.01,
        verdict="not worse",
        passes=True,
        lacking=None,
    )
