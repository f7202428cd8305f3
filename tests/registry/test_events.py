import os
import pwd
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sightline.registry.events import Event, production_stack
from sightline.registry.releases import Registry
from sightline.storage.catalogue import reading
from sightline.values.evaluation import Comparison
from sightline.values.release import Release

Sealed = Callable[..., Release]


def test_history_says_who_when_and_why(registry: Registry, sealed: Sealed, comparison: Comparison) -> None:
    for _ in range(2):
        registry.add(sealed())
    registry.promote("boards", 1)
    registry.promote("boards", 2, comparison=comparison, against=1)
    registry.rollback("boards", "camera 3 was moved")
    history = registry.history("boards")
    assert [(e.action, e.version, e.displaced) for e in history] == [
        ("added", 1, None),
        ("added", 2, None),
        ("promoted", 1, None),
        ("promoted", 2, 1),
        ("rolled back", 1, 2),
    ]
    assert [e.comparison for e in history] == [None, None, None, comparison, None]
    assert history[3].why == "not worse: top1 +0.0100 with a lower 95 % end of +0.0000"
    assert history[4].why == "camera 3 was moved"
    assert {e.who for e in history} == {pwd.getpwuid(os.geteuid()).pw_name}
    for event in history:
        at = datetime.fromisoformat(event.at)
        assert at.utcoffset() == timedelta(0)
        assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)


def test_a_reason_may_hold_what_no_database_takes(registry: Registry, sealed: Sealed) -> None:
    registry.add(sealed())
    registry.archive("boards", 1, "nul \0, half a pair \udcff, two\nlines, é")
    last: Event = registry.history("boards")[-1]
    assert last.why == "nul \\0, half a pair \\udcff, two\nlines, é"


def test_a_verdict_with_no_finite_number_is_kept(
    registry: Registry, sealed: Sealed, comparison: Comparison
) -> None:
    registry.add(sealed())
    registry.promote("boards", 1, comparison=replace(comparison, lower=float("-inf")))
    kept = registry.history("boards")[-1].comparison
    assert kept is not None
    assert kept.lower == float("-inf")


def test_the_stack_of_production_follows_promotions_and_rollbacks(registry: Registry, sealed: Sealed) -> None:
    for _ in range(3):
        registry.add(sealed())
    for version in (1, 2, 1, 3):
        registry.promote("boards", version, force_reason="a test")
    registry.rollback("boards")
    with reading(registry.engine) as connection:
        assert production_stack(connection, "boards") == [1, 2, 1]
        assert production_stack(connection, "others") == []
