"""The same picture, or pictures of the same group, on both sides of a split.

A model that has seen a test picture is not tested by it. A split made here never does this; a set's own
split may, and it is kept, so it is said.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from sightline.data.audit._identical import identical
from sightline.data.audit.base import MOST_PATHS, some
from sightline.data.importing import Imported
from sightline.values.dataset import Finding, Sample, Split

TITLE = "the same on both sides of a split"

_PAIRS: tuple[tuple[Split, Split], ...] = (("train", "test"), ("val", "test"), ("train", "val"))


def check(imported: Imported) -> list[Finding]:
    """Findings for identical pictures, then for groups, by pair of parts."""
    findings = list(_findings(identical(imported), imported, "identical pictures are also there"))
    if imported.group_by:
        groups: defaultdict[tuple[str, ...], list[Sample]] = defaultdict(list)
        for sample in imported.dataset.samples:
            groups[tuple(sample.meta[column] for column in imported.group_by)].append(sample)
        known = [samples for values, samples in groups.items() if any(values)]
        findings += _findings(
            known, imported, f"pictures of the same {', '.join(imported.group_by)} are also there"
        )
    return findings


def _findings(sets: Iterable[list[Sample]], imported: Imported, why: str) -> Iterator[Finding]:
    """One for each pair of parts: the pictures of the second that the first gives away."""
    sets = [samples for samples in sets if len({sample.split for sample in samples}) > 1]
    for first, second in _PAIRS:
        leaked = [
            sample.path
            for samples in sets
            if any(sample.split == first for sample in samples)
            for sample in samples
            if sample.split == second
        ]
        if leaked:
            share = len(leaked) / len(imported.dataset.part(second))
            yield Finding(
                "leakage",
                "error" if second == "test" else "warning",
                f"{len(leaked):,} pictures of {second} ({share:.1%}) are known from {first}: "
                f"{why} ({some(leaked)})",
                tuple(leaked[:MOST_PATHS]),
                {"pictures": len(leaked), "share": share},
            )
