"""Into production, or held: also when another process was there first."""

from dataclasses import replace
from pathlib import Path

from command_line import SMALL, Product, run
from sightline.pipeline.releasing import _promote_first
from sightline.workspace import Workspace


def test_the_loser_of_two_first_builds_stays_a_candidate(shop: Path) -> None:
    registry = Workspace.open().registry
    made = registry.add(replace(registry.get("parts@1"), version=registry.reserve("parts")))
    kept, outcome = _promote_first(made, registry)
    assert (kept.stage, registry.get("parts").version) == ("candidate", 1)
    assert outcome == (
        "parts@2 stays a candidate: parts@2 was not compared with parts@1, which is in production"
    )


def test_a_build_ends_well_where_the_file_in_production_is_lost(shop: Path, product: Product) -> None:
    (shop / "models" / "parts-1.sight").unlink()
    done = run("build", product.pictures, *SMALL, "--variants", "none")
    assert done.status == 0, done.err
    assert "parts@2 stays a candidate and parts@1 in production, not compared: " in done.err
    assert "parts-1.sight" in done.err
    held = run("registry", "promote", "parts@2")
    assert "the gate cannot decide" in held.refusal
    assert "--force REASON promotes without it" in held.refusal
