"""Identical pictures, and identical pictures with different labels."""

from sightline.data.audit._identical import identical
from sightline.data.audit.base import MOST_PATHS, some
from sightline.data.importing import Imported
from sightline.values.dataset import Finding, Sample, Severity

TITLE = "identical pictures"


def check(imported: Imported) -> list[Finding]:
    """Same pixels, whatever the bytes around them; a contradiction between labels is an error in the set."""
    alike = identical(imported)
    torn = [samples for samples in alike if len({_truth(sample) for sample in samples}) > 1]
    findings = []
    if torn:
        how = "lie in more than one class"
        if imported.dataset.task == "detection":
            how = "are there with different boxes"
        words = f"{len(torn):,} pictures {how}, the first as {_as_labelled(torn[0])}"
        findings.append(_finding("error", words, torn))
    if alike:
        extra = sum(map(len, alike)) - len(alike)
        words = f"{len(alike):,} pictures are there more than once, {extra:,} copies: {some(_paths(alike))}"
        findings.append(_finding("warning", words, alike))
    return findings


def _truth(sample: Sample) -> tuple[object, ...]:
    """What is said about a picture, whatever the order of its boxes."""
    if sample.boxes is None:
        return sample.labels
    return tuple(sorted(zip(sample.labels, map(tuple, sample.boxes.xyxy.tolist()), strict=True)))


def _as_labelled(samples: list[Sample]) -> str:
    return " and ".join(f"{sample.path!r}" for sample in samples[:3])


def _paths(sets: list[list[Sample]]) -> list[str]:
    return [sample.path for samples in sets for sample in samples]


def _finding(severity: Severity, words: str, sets: list[list[Sample]]) -> Finding:
    paths = _paths(sets)
    return Finding(
        "duplicates", severity, words, tuple(paths[:MOST_PATHS]), {"pictures": len(sets), "files": len(paths)}
    )
