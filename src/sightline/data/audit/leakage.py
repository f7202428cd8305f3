"""The same picture, or pictures of the same group, on both sides of a split.

A model that has seen a test picture is not tested by it. A split made here never does this; a set's own
split may, and it is kept, so it is said.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from sightline.data.audit._identical import identical
from sightline.data.audit.base import MOST_PATHS, some
from sightline.data.importing import Imported
from sightline.values.dataset import Finding, Sample, Split

TITLE = "the same on both sides of a split"

_PAIRS: tuple[tuple[Split, Split], ...] = (("train", "test"), ("val", "test"), ("train", "val"))
_MOST_GROUPS = 8
_Sided = tuple[Sample, Split]
"""A sample, and the side of the split that it counts on."""


def check(imported: Imported) -> list[Finding]:
    """Findings for identical pictures, then for groups, by pair of parts."""
    findings = []
    alike = [[(sample, sample.split) for sample in samples] for samples in identical(imported)]
    for first, second in _PAIRS:
        leaked = _known_from(first, second, alike)
        if leaked:
            size = len(imported.dataset.part(second))
            why = "identical pictures are also there"
            findings.append(_finding(leaked, size, first, second, why, {}))
    if imported.group_by:
        findings += _group_findings(imported)
    return findings


def _group_findings(imported: Imported) -> Iterator[Finding]:
    """Whole groups, by pair of parts, on the set's own lists as far as it has them.

    A part that was cut from ``train`` here was in its list, so what it shares with ``test`` is said of
    the list that it came from, and once.
    """
    own = {split for split in imported.own_splits if split is not None}
    parts = {sample.split for sample in imported.dataset.samples}
    column = ", ".join(imported.group_by)
    for first, second in _PAIRS:
        if (first, second) == ("val", "test") and "val" not in own and {"train", "test"} <= own:
            continue
        listed = {first, second} <= own
        groups: defaultdict[tuple[str, ...], list[_Sided]] = defaultdict(list)
        for index, sample in enumerate(imported.dataset.samples):
            side = (imported.own_splits[index] if listed else None) or sample.split
            groups[tuple(sample.meta[name] for name in imported.group_by)].append((sample, side))
        known = {values: members for values, members in groups.items() if any(values)}
        torn = [values for values, members in known.items() if {first, second} <= {s for _, s in members}]
        leaked = _known_from(first, second, known.values())
        if leaked:
            size = sum(side == second for members in groups.values() for _, side in members)
            why = f"pictures of the same {column} are also there, {_named(torn)}"
            source = f"the set's own {first}" if listed and own != parts else first
            yield _finding(leaked, size, source, second, why, {"groups": len(torn)})


def _named(groups: Sequence[tuple[str, ...]]) -> str:
    """Groups for a sentence."""
    names = sorted("/".join(values) for values in groups)
    more = f" and {len(names) - _MOST_GROUPS:,} more" if len(names) > _MOST_GROUPS else ""
    return ("group " if len(names) == 1 else "groups ") + ", ".join(map(repr, names[:_MOST_GROUPS])) + more


def _known_from(first: Split, second: Split, sets: Iterable[Sequence[_Sided]]) -> list[str]:
    """Paths of the pictures of ``second`` that a picture of ``first`` in their set gives away."""
    return [
        sample.path
        for members in sets
        if any(side == first for _, side in members)
        for sample, side in members
        if side == second
    ]


def _finding(
    leaked: Sequence[str], size: int, first: str, second: Split, why: str, figures: dict[str, float]
) -> Finding:
    share = len(leaked) / size
    return Finding(
        "leakage",
        "error" if second == "test" else "warning",
        f"{len(leaked):,} pictures of {second} ({share:.1%}) are known from {first}: {why} ({some(leaked)})",
        tuple(leaked[:MOST_PATHS]),
        {"pictures": len(leaked), "share": share, **figures},
    )
