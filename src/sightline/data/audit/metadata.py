"""Metadata columns that go with the class.

Where one camera took all pictures of a defect, a model can learn the camera instead. The split does not
show it, because test pictures have the same tie; only other pictures would.
"""

import math
from dataclasses import dataclass

import numpy as np

from sightline.data.importing import Imported
from sightline.statistics.association import Counts, contingency, cramers_v, holm, independence_p_value
from sightline.values.dataset import Finding, Severity

TITLE = "metadata that goes with the class"

ALPHA = 0.05
SMALL, MEDIUM = 0.1, 0.3
"""Cohen's w (V times the root of one less than the narrower side) from which a tie is said, and is a
warning; his words for it."""

_MOST_CELLS = 5_000


def check(imported: Imported) -> list[Finding]:
    """Cramér's V of each column with the class, and a permutation p-value corrected for all columns asked.

    A column that names pictures rather than conditions (more values than half the pictures) is passed over.
    Pictures with boxes have no one class that a column could go with, so they are not asked about.
    """
    if imported.dataset.task == "detection":
        return []
    samples = [sample for sample in imported.dataset.samples if sample.labels]
    labels = [sample.labels[0] for sample in samples]
    asked = {}
    for column in imported.columns:
        values = [sample.meta[column] for sample in samples]
        table = contingency(values, labels)
        if min(table.shape) > 1 and len(table) <= len(samples) / 2 and table.size <= _MOST_CELLS:
            asked[column] = _Tie(column, sorted(set(values)), sorted(set(labels)), table)
    corrected = holm([independence_p_value(tie.table) for tie in asked.values()])
    found = [tie.finding(p_value) for tie, p_value in zip(asked.values(), corrected, strict=True)]
    return [finding for finding in found if finding is not None]


@dataclass(frozen=True)
class _Tie:
    """A column against the class: ``table`` ``[values, labels]``."""

    column: str
    values: list[str]
    labels: list[str]
    table: Counts

    def finding(self, p_value: float) -> Finding | None:
        """What to say, where the tie is neither chance nor tiny."""
        effect = cramers_v(self.table)
        cohen = effect * math.sqrt(min(self.table.shape) - 1)
        if p_value >= ALPHA or cohen < SMALL:
            return None
        severity: Severity = "warning" if cohen >= MEDIUM else "note"
        words = (
            f"the column {self.column!r} ({len(self.values)} values) goes with the class: "
            f"Cramér's V {effect:.2f}, corrected p {p_value:.2g}; {self._example()}; "
            f"a model may learn {self.column!r} instead of the class, "
            "and test pictures of the same origin would not show it"
        )
        return Finding("metadata", severity, words, figures={"cramers_v": effect, "p_value": p_value})

    def _example(self) -> str:
        """The cell that stands out most."""
        expected = np.outer(self.table.sum(axis=1), self.table.sum(axis=0)) / self.table.sum()
        row, column = divmod(int(np.argmax((self.table - expected) / np.sqrt(expected))), len(self.labels))
        return (
            f"most of all {self.labels[column]!r} with {self.values[row]!r}, "
            f"{self.table[row, column]:,} pictures where {expected[row, column]:,.0f} would be by chance"
        )
