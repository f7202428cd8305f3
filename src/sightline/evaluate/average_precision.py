"""COCO's average precision of weighted pictures, so that a bootstrap is a few sums over arrays.

Detections of a class are taken by falling score; after each, precision is the share of finds among those
taken and recall the share of the objects found. The precision at a recall is the highest that any recall
at least as large has, and average precision is its mean over 101 recalls (Everingham et al. 2010 for the
idea, "The Pascal Visual Object Classes Challenge"; Lin et al. 2014 for the recalls and the overlaps).
Where a picture weighs w, its objects and its detections count w times, as if it were there as often.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from sightline.evaluate.matches import IOUS, Area, ClassMatches, Floats, Labels, Matches
from sightline.evaluate.matching import match
from sightline.values.objects import Detections, Objects

RECALLS: Floats = np.linspace(0.0, 1.0, 101)

AT_50, AT_75 = 0, 5
"""Places of these overlaps among the ``IOUS``."""

_BLOCK_NUMBERS = 400_000


def average_precision(truth: Sequence[Objects], answers: Sequence[Detections], classes: int) -> float:
    """COCO's AP of a detector's answers, without an interval; NaN where no picture has an object.

    What training watches: only the figure over all areas is reckoned.
    """
    matches = match(truth, answers, classes, areas=("all",))
    return float(mean_precision(matches, np.ones((1, matches.pictures)))[0])


def mean_precision(
    matches: Matches, weights: Floats, area: Area = "all", ious: Sequence[int] = range(IOUS.size)
) -> Floats:
    """Mean ``[B]`` of ``class_precisions`` over the classes that have an object; NaN for none."""
    found = class_precisions(matches, weights, area, ious)
    defined = np.isfinite(found)
    count = defined.sum(axis=1)
    total = np.where(defined, found, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def class_precisions(
    matches: Matches, weights: Floats, area: Area = "all", ious: Sequence[int] = range(IOUS.size)
) -> Floats:
    """Average precision of each class, the mean over some overlaps.

    Args:
        matches: N pictures with C classes.
        weights: of the pictures, ``[B, N]``.
        area: which objects.
        ious: places among the ``IOUS``.

    Returns:
        ``[B, C]``; NaN for a class without an object.
    """
    tables = matches.by_area[area]
    found = np.full((weights.shape[0], len(tables)), np.nan)
    block = max(8, _BLOCK_NUMBERS // max(1, *(table.score.size for table in tables)))
    for start in range(0, weights.shape[0], block):
        rows = slice(start, start + block)
        by_picture = np.ascontiguousarray(weights[rows].T)
        for c, table in enumerate(tables):
            found[rows, c] = _precision(table, by_picture, ious)
    return found


def precision_curve(table: ClassMatches, iou: int = AT_50) -> Floats:
    """The precision at each of the ``RECALLS``, ``[101]``, of a class that has an object."""
    one = np.ones((table.objects.size, 1))
    steps = _Steps.of(table, one, [iou])
    recall, precision = steps.at(iou)
    first = np.searchsorted(recall[:, 0], RECALLS, side="left")
    return np.append(precision[:, 0], 0.0)[first]


def _precision(table: ClassMatches, weights: Floats, ious: Sequence[int]) -> Floats:
    """``[B]`` under weights ``[N, B]``."""
    steps = _Steps.of(table, weights, ious)
    total = np.zeros(weights.shape[1])
    for iou in ious:
        recall, precision = steps.at(iou)
        precision[:-1] -= precision[1:]
        total += np.einsum("pb,pb->b", _recalls_reached(recall), precision)
    return np.where(steps.objects > 0, total / (RECALLS.size * len(ious)), np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """One class under weights ``[N, B]``: at which recalls it has which precision.

    ``objects`` ``[B]`` is the weight of its objects. Most detections count at every overlap, so their
    running weight, ``[D' + 1, B]`` from 0 on, is summed up once.
    """

    table: ClassMatches
    weights: Floats
    objects: Floats
    always: Labels
    running: Floats

    @classmethod
    def of(cls, table: ClassMatches, weights: Floats, ious: Sequence[int]) -> Self:
        always = np.flatnonzero(table.counts[list(ious)].all(axis=0))
        running = _running(weights, table.picture[always])
        return cls(table, weights, table.objects @ weights, always, running)

    def at(self, iou: int) -> tuple[Floats, Floats]:
        """Recall, and the highest precision from there on, after each detection that found something.

        Both ``[P, B]``. Recall grows at these P alone, and precision is highest there: the detections
        between two of them matter as a count only.
        """
        picture, counts = self.table.picture, self.table.counts[iou].copy()
        finds = np.flatnonzero(self.table.hits[iou])
        found = _running(self.weights, picture[finds])[1:]
        given = self.running.take(np.searchsorted(self.always, finds, side="right"), axis=0)
        counts[self.always] = False
        sometimes = np.flatnonzero(counts)
        if sometimes.size:
            more = _running(self.weights, picture[sometimes])
            given += more.take(np.searchsorted(sometimes, finds, side="right"), axis=0)
        precision = np.divide(found, given, out=np.zeros_like(found), where=given > 0)
        np.maximum.accumulate(precision[::-1], axis=0, out=precision[::-1])
        return np.divide(found, self.objects, out=found, where=self.objects > 0), precision


def _running(weights: Floats, pictures: Labels) -> Floats:
    """Sums ``[K + 1, B]``, from 0 on, of weights ``[N, B]`` over ``pictures`` ``[K]`` in their order."""
    sums = np.zeros((pictures.size + 1, weights.shape[1]))
    np.cumsum(weights.take(pictures, axis=0), axis=0, out=sums[1:])
    return sums


def _recalls_reached(recall: Floats) -> Floats:
    """How many of the ``RECALLS`` are at most each recall; what ``searchsorted`` says, but faster."""
    nearest = np.rint(recall * (RECALLS.size - 1))
    place = np.minimum(nearest, RECALLS.size - 1).astype(np.intp)
    return nearest + (RECALLS[place] <= recall)
