"""Which detections of two answers are the same, and how far they are apart."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.values.objects import Detections

TOLERANCE, BOX_TOLERANCE = 1e-4, 0.05
"""Largest differences of a score, and of a side in pixels, that rounding may explain."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Detections of one picture by both: those that are the same, as rows ``[K]`` of each."""

    ours: npt.NDArray[np.int64]
    theirs: npt.NDArray[np.int64]


def pair(one: Detections, other: Detections, box: float, score: float) -> Pairs:
    """The same detections of two answers about one picture, nearest first; each stands in one pair.

    ``box`` and ``score`` are how far a side, in pixels, and a score may be apart.
    """
    apart = np.abs(one.boxes.xyxy[:, None] - other.boxes.xyxy[None]).max(axis=2, initial=0.0)
    scored = np.abs(one.scores[:, None] - other.scores[None])
    same = (one.classes[:, None] == other.classes[None]) & (apart <= box) & (scored <= score)
    rows, columns = np.nonzero(same)
    order = np.argsort(apart[rows, columns] / box + scored[rows, columns] / score, kind="stable")
    ours: dict[int, int] = {}
    taken: set[int] = set()
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in ours and column not in taken:
            ours[row] = column
            taken.add(column)
    return Pairs(np.array(list(ours), np.int64), np.array(list(ours.values()), np.int64))


def largest_differences(one: Detections, other: Detections, pairs: Pairs) -> tuple[float, float]:
    """Of scores and of sides of boxes; 0 without a pair."""
    if not len(pairs.ours):
        return 0.0, 0.0
    return (
        largest(one.scores[pairs.ours] - other.scores[pairs.theirs]),
        largest(one.boxes.xyxy[pairs.ours] - other.boxes.xyxy[pairs.theirs]),
    )


def largest(difference: npt.NDArray[np.generic]) -> float:
    """The largest magnitude; infinite where anything is no number, which ``max`` alone would pass over."""
    return float(np.nan_to_num(np.abs(difference), nan=np.inf).max())
