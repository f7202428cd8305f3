"""What ``sightline gc`` frees, and what it never does."""

import os
import time
from pathlib import Path

import pytest

from sightline.pipeline.collecting import Leftover, free, leftovers
from sightline.pipeline.runs import start_run
from sightline.registry.releases import Registry
from sightline.storage.catalogue import open_catalogue
from sightline.storage.files import sha256_bytes
from sightline.storage.layout import Layout, init_workspace
from sightline.values.release import Release

FINGERPRINT = "a" * 64
PART = f".{'0' * 32}.part"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return init_workspace(tmp_path)


@pytest.fixture
def registry(layout: Layout) -> Registry:
    return Registry(open_catalogue(layout.catalogue_url), layout)


def age(layout: Layout, hours: float = 25) -> None:
    """Everything was written that long ago."""
    then = time.time() - 3600 * hours
    for each in layout.root.rglob("*"):
        os.utime(each, (then, then))


def found(layout: Layout, registry: Registry) -> dict[str, Leftover]:
    age(layout)
    return {each.path.relative_to(layout.root).as_posix(): each for each in leftovers(layout, registry)}


def test_a_fresh_workspace_has_no_leftovers(layout: Layout, registry: Registry) -> None:
    assert not found(layout, registry)


def test_parts_of_files_go_and_the_users_own_stay(layout: Layout, registry: Registry) -> None:
    for folder in (layout.models, layout.internal / "datasets", layout.root):
        (folder / PART).write_bytes(b"x" * 100)
    (layout.models / "notes.part").write_text("mine")
    assert {name: each.size for name, each in found(layout, registry).items()} == {
        f"models/{PART}": 100,
        f".sightline/datasets/{PART}": 100,
    }


def test_a_sealed_file_goes_unless_it_is_a_release_of_any_stage(layout: Layout, registry: Registry) -> None:
    (layout.models / "lost-1.sight").write_bytes(b"never added")
    start_run(layout, "lost", FINGERPRINT).at("trained", "lost@1")
    (layout.models / "kept-1.sight").write_bytes(b"added")
    registry.reserve("kept")
    registry.add(
        Release(
            name="kept",
            version=1,
            stage="candidate",
            path="models/kept-1.sight",
            sha256=sha256_bytes(b"added"),
            dataset_fingerprint=FINGERPRINT,
            recipe_sha256="0" * 64,
            code_version="0",
            parent=None,
            created="2026-01-01T00:00:00+00:00",
        )
    )
    registry.archive("kept", 1)
    (layout.datasets / f"{FINGERPRINT}.json").write_text("{}")
    (layout.datasets / f"{'b' * 64}.json").write_text("{}")
    gone = found(layout, registry)
    assert set(gone) == {"models/lost-1.sight", f".sightline/datasets/{'b' * 64}.json"}
    for each in gone.values():
        free(each)
        free(each)
    assert (layout.models / "kept-1.sight").read_bytes() == b"added"
    assert not found(layout, registry)


def test_releases_of_another_catalogue_stay_and_their_pictures_too(
    layout: Layout, registry: Registry
) -> None:
    (layout.models / "before-1.sight").write_bytes(b"in production, says the catalogue that was here")
    (layout.models / "copied-7.sight").write_bytes(b"a colleague's")
    start_run(layout, "before", FINGERPRINT).at("released", "before@1")
    (layout.datasets / f"{'b' * 64}.json").write_text("{}")
    assert not found(layout, registry)


def test_a_run_goes_that_cannot_be_resumed(layout: Layout, registry: Registry) -> None:
    dead = start_run(layout, "parts", "c" * 64)
    (dead.folder / "initial.safetensors").write_bytes(b"x" * 1000)
    planned = start_run(layout, "parts", FINGERPRINT).at("planned")
    (layout.datasets / f"{FINGERPRINT}.json").write_text("{}")
    with dead.alone():
        assert not found(layout, registry)
    gone = found(layout, registry)
    assert set(gone) == {f"runs/{dead.folder.name}"}
    (leftover,) = gone.values()
    assert leftover.size > 1000
    free(leftover)
    assert not dead.folder.exists()
    assert planned.folder.is_dir()


def test_what_is_young_stays(layout: Layout, registry: Registry) -> None:
    (layout.models / "new-1.sight").write_bytes(b"being added")
    start_run(layout, "new", FINGERPRINT).at("trained", "new@1")
    run = start_run(layout, "parts", FINGERPRINT)
    assert not leftovers(layout, registry)
    age(layout)
    (run.folder / "run.json").touch()
    assert [each.path.name for each in leftovers(layout, registry)] == ["new-1.sight"]
    assert len(leftovers(layout, registry, hours=0)) == 2
