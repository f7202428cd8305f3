"""Classes of very different size."""

from collections import Counter

from sightline.data.importing import Imported
from sightline.values.dataset import Finding, Severity

TITLE = "classes of very different size"

NOTE, WARNING = 3.0, 10.0
"""Largest class over smallest, in the training pictures, or in their boxes."""


def check(imported: Imported) -> list[Finding]:
    """One finding where the largest class outnumbers the smallest; figures of the whole then say little."""
    counts = Counter(label for sample in imported.dataset.part("train") for label in sample.labels)
    if len(counts) < 2:
        return []
    (large, most), (small, least) = counts.most_common()[0], counts.most_common()[-1]
    ratio = most / least
    if ratio < NOTE:
        return []
    share = most / counts.total()
    if imported.dataset.task == "detection":
        counted = "boxes"
        so = f"{share:.0%} of all boxes are {large!r}: look at the figures of each class"
    else:
        counted = "pictures"
        so = f"always answering {large!r} would be right for {share:.0%}"
        so += ": look at balanced accuracy and macro F1"
    words = (
        f"the largest class {large!r} has {ratio:.0f} times the training {counted} of the smallest {small!r} "
        f"({most:,} and {least:,}); {so}"
    )
    severity: Severity = "warning" if ratio >= WARNING else "note"
    return [Finding("imbalance", severity, words, figures={"ratio": ratio, "majority": share})]
