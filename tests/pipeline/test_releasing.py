"""Into production, or held: also when another process was there first."""

from dataclasses import replace
from pathlib import Path

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
