"""Classes of very different size."""

from collections import Counter

from sightline.data.importing import Imported
from sightline.values.dataset import Finding, Severity

TITLE = "classes of very different size"

NOTE, WARNING = 3.0, 10.0
"""Largest class over smallest, in the training pictures."""


def check(imported: Imported) -> list[Finding]:
    """One finding where the largest class outnumbers the smallest; a plain accuracy then says little."""
    counts = Counter(label for sample in imported.dataset.part("train") for label in sample.labels)
    if len(counts) < 2:
        return []
    (large, most), (small, least) = counts.most_common()[0], counts.most_common()[-1]
    ratio = most / least
    if ratio < NOTE:
        return []
    words = (
        f"the largest class {large!r} has {ratio:.0f} times the training pictures of the smallest {small!r} "
        f"({most:,} and {least:,}); always answering {large!r} would be right for "
        f"{most / counts.total():.0%}: look at balanced accuracy and macro F1"
    )
    severity: Severity = "warning" if ratio >= WARNING else "note"
    return [
        Finding("imbalance", severity, words, figures={"ratio": ratio, "majority": most / counts.total()})
    ]
