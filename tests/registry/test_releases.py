from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import update

from sightline.errors import GateHeld, InputError, RegistryError, StorageError
from sightline.registry.releases import Registry
from sightline.registry.tables import RELEASE
from sightline.storage.catalogue import transaction
from sightline.values.evaluation import Comparison
from sightline.values.release import Release

Sealed = Callable[..., Release]


@pytest.fixture
def three(registry: Registry, sealed: Sealed) -> Registry:
    """Three candidates of ``boards``."""
    for _ in range(3):
        registry.add(sealed())
    return registry


def stages(registry: Registry) -> list[str]:
    return [release.stage for release in registry.all("boards")]


def test_versions_count_from_one_for_each_name(registry: Registry) -> None:
    assert [registry.reserve("a"), registry.reserve("a"), registry.reserve("b")] == [1, 2, 1]
    with pytest.raises(InputError):
        registry.reserve("A")


def test_a_dead_build_blocks_nothing(registry: Registry, sealed: Sealed) -> None:
    died_early = registry.reserve("boards")
    died_after_the_rename = sealed()
    third = registry.add(sealed())
    assert (died_early, died_after_the_rename.version, third.version) == (1, 2, 3)
    assert registry.all() == (third,)
    assert registry.promote("boards", 3).stage == "production"


def test_numbers_of_files_that_a_new_catalogue_does_not_know_are_left_out(registry: Registry) -> None:
    for name in ("boards-7.sight", "boards-x-9.sight", "boards-8.sight.part", "boards-08.sight"):
        (registry.layout.models / name).write_bytes(b"from another catalogue")
    assert [registry.reserve("boards"), registry.reserve("boards"), registry.reserve("boards-x")] == [
        8,
        9,
        10,
    ]


def test_add_keeps_every_field_and_begins_as_a_candidate(registry: Registry, sealed: Sealed) -> None:
    release = sealed(parent="boards@7")
    assert registry.add(replace(release, stage="production")) == release
    assert registry.get("boards@1") == release


def test_add_refuses_what_is_not_the_sealed_file(registry: Registry, sealed: Sealed) -> None:
    release = sealed()
    with pytest.raises(RegistryError, match="is not the file that boards@1 was sealed as"):
        registry.add(replace(release, sha256="0" * 64))
    with pytest.raises(StorageError, match="leads out of"):
        registry.add(replace(release, path="../elsewhere.sight"))
    with pytest.raises(StorageError, match="cannot read"):
        registry.add(replace(release, path="models/none.sight"))
    with pytest.raises(RegistryError, match="never reserved"):
        registry.add(replace(release, version=2))
    with pytest.raises(RegistryError, match="never reserved"):
        registry.add(replace(release, name="others"))
    registry.add(release)
    with pytest.raises(RegistryError, match="in the registry already"):
        registry.add(release)
    assert [event.action for event in registry.history("boards")] == ["added"]


def test_references_find_releases(three: Registry) -> None:
    three.promote("boards", 2)
    assert three.get("boards").version == 2
    assert three.get("boards:production").version == 2
    assert three.get("boards:candidate").version == 3
    assert three.get("boards@1").version == 1
    production = three.production("boards")
    assert production is not None
    assert str(production) == "boards@2"
    assert three.production("others") is None


def test_what_is_not_found_is_answered_with_what_there_is(registry: Registry, sealed: Sealed) -> None:
    with pytest.raises(RegistryError, match="the registry is empty"):
        registry.get("boards")
    registry.add(sealed())
    with pytest.raises(RegistryError, match=r"no release 'boards'; there are: boards@1 \(candidate\)"):
        registry.get("boards")
    with pytest.raises(RegistryError, match="no release 'boards@2'"):
        registry.get("boards@2")
    with pytest.raises(RegistryError, match="Did you mean 'boards'"):
        registry.get("board")
    with pytest.raises(RegistryError, match="no release boards@2"):
        registry.promote("boards", 2)


def test_the_first_promotion_needs_no_gate(three: Registry) -> None:
    assert three.promote("boards", 1).stage == "production"
    assert three.promote("boards", 1).stage == "production"  # it is there already: nothing happens
    assert [event.action for event in three.history("boards")].count("promoted") == 1
    assert three.history("boards")[-1].why == "nothing was in production"


def test_the_gate_holds_what_does_not_pass(three: Registry, comparison: Comparison) -> None:
    three.promote("boards", 1)
    failing = replace(comparison, passes=False, verdict="undecided", lower=-0.02, lacking=1200)
    with pytest.raises(GateHeld, match=r"boards@2 was not compared with boards@1"):
        three.promote("boards", 2)
    with pytest.raises(GateHeld, match=r"\(undecided\).*-0\.0200.*1,200 more test pictures.*--force"):
        three.promote("boards", 2, comparison=failing)
    with pytest.raises(GateHeld):
        three.promote("boards", 2, force_reason="  ")
    assert stages(three) == ["production", "candidate", "candidate"]
    assert three.promote("boards", 2, comparison=comparison, against=1).stage == "production"
    assert stages(three) == ["archived", "production", "candidate"]


def test_a_comparison_with_another_than_is_in_production_now_does_not_count(
    three: Registry, comparison: Comparison
) -> None:
    three.promote("boards", 1)
    three.promote("boards", 2, comparison=comparison, against=1)
    with pytest.raises(GateHeld, match="was compared with @1, but boards@2 is in production now"):
        three.promote("boards", 3, comparison=comparison, against=1)


def test_force_overrules_the_gate_and_is_recorded_with_the_verdict(
    three: Registry, comparison: Comparison
) -> None:
    three.promote("boards", 1)
    failing = replace(comparison, passes=False, verdict="worse")
    three.promote("boards", 2, comparison=failing, force_reason="the line stands still")
    last = three.history("boards")[-1]
    assert (last.why, last.comparison, last.displaced) == ("forced: the line stands still", failing, 1)


def test_rollback_goes_back_and_never_forth(three: Registry) -> None:
    with pytest.raises(RegistryError, match="no release in production"):
        three.rollback("boards")
    for version in (1, 2, 1, 3):
        three.promote("boards", version, force_reason="a test")
    assert [three.rollback("boards").version for _ in range(3)] == [1, 2, 1]
    with pytest.raises(RegistryError, match="boards@1 was the first in production"):
        three.rollback("boards")
    assert stages(three) == ["production", "archived", "archived"]
    three.promote("boards", 3, force_reason="a test")
    assert three.rollback("boards").version == 1


def test_nothing_goes_into_production_whose_file_changed(three: Registry) -> None:
    three.promote("boards", 1)
    (three.layout.models / "boards-2.sight").write_bytes(b"other bytes")
    with pytest.raises(RegistryError, match="its bytes changed"):
        three.promote("boards", 2, force_reason="a test")
    three.promote("boards", 3, force_reason="a test")
    (three.layout.models / "boards-1.sight").unlink()
    with pytest.raises(StorageError, match="No such file"):
        three.rollback("boards")
    assert stages(three) == ["archived", "candidate", "production"]


def test_archive_takes_candidates_only(three: Registry) -> None:
    three.promote("boards", 1)
    assert three.archive("boards", 2, "blurred").stage == "archived"
    three.archive("boards", 2)  # it is archived already: nothing happens
    with pytest.raises(RegistryError, match="boards@1 is in production"):
        three.archive("boards", 1)
    assert [(e.version, e.why) for e in three.history("boards") if e.action == "archived"] == [(2, "blurred")]


def test_lineage_follows_the_parents_that_are_known(registry: Registry, sealed: Sealed) -> None:
    for parent in ("elsewhere@4", "boards@1", "boards@2"):
        registry.add(sealed(parent=parent))
    assert [str(release) for release in registry.lineage("boards@3")] == ["boards@3", "boards@2", "boards@1"]


def test_the_catalogue_itself_refuses_two_in_production(three: Registry) -> None:
    with pytest.raises(StorageError, match="the catalogue refused"), transaction(three.engine) as connection:
        connection.execute(update(RELEASE).values(stage="production"))
    assert stages(three) == ["candidate"] * 3
