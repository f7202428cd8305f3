"""What is in the four pictures that ``plus_four`` adds for a detector, and how it is found.

A class's added picture holds as many of its objects as the middle one of the pictures that have any, in each
range of areas. Answered right, each is found at every overlap; answered wrong, none is, and as many boxes
are given where nothing is. All these boxes have the middle score of the detector's own finds of the class.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from sightline.evaluate.matches import IOUS, Area, ClassMatches, Matches

_SCORE_WITHOUT_DETECTIONS = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class _Typical:
    """The K ``classes`` that occur, and how many objects of each of all classes a picture has, by area."""

    classes: tuple[int, ...]
    by_area: Mapping[Area, tuple[int, ...]]


def with_objects(matches: Matches, rivals: tuple[Matches, ...]) -> tuple[Matches, ...]:
    """Each with the same added pictures, answered by the rivals the other way round."""
    typical = _typical(matches)
    others = (_with_added(each, typical, right_first=False) for each in rivals)
    return _with_added(matches, typical, right_first=True), *others


def _typical(matches: Matches) -> _Typical:
    counts = {area: tuple(map(_middle_count, tables)) for area, tables in matches.by_area.items()}
    return _Typical(tuple(c for c, count in enumerate(counts["all"]) if count), counts)


def _middle_count(table: ClassMatches) -> int:
    some = np.sort(table.objects[table.objects > 0])
    return int(some[(some.size - 1) // 2]) if some.size else 0


def _with_added(matches: Matches, typical: _Typical, *, right_first: bool) -> Matches:
    """The pictures, then one for each of the K classes answered right, then K wrong, or K wrong first."""
    more, scores = len(typical.classes), [_middle_score(each) for each in matches.by_area["all"]]
    place = {c: matches.pictures + k for k, c in enumerate(typical.classes)}
    by_area = {}
    for area, tables in matches.by_area.items():
        extended = []
        for c, table in enumerate(tables):
            longer = replace(table, objects=np.append(table.objects, np.zeros(2 * more)))
            if c in place:
                pair = (place[c], place[c] + more)
                order = pair if right_first else pair[::-1]
                longer = _with_pair(longer, order, typical.by_area[area][c], scores[c])
            extended.append(longer)
        by_area[area] = tuple(extended)
    return Matches(matches.pictures + 2 * more, by_area)


def _with_pair(table: ClassMatches, pair: tuple[int, int], count: int, score: float) -> ClassMatches:
    """``count`` objects in both pictures of ``pair``, found in its first and missed in its second."""
    objects = table.objects.copy()
    objects[list(pair)] = count
    unknown = np.full(2 * count, -1, np.int64)
    scores = np.append(table.score, np.full(2 * count, score))
    order = np.argsort(-scores, kind="stable")
    hits = np.tile(np.repeat([True, False], count), (IOUS.size, 1))
    return ClassMatches(
        objects=objects,
        picture=np.append(table.picture, np.repeat(pair, count))[order],
        index=np.append(table.index, unknown)[order],
        score=scores[order],
        hits=np.hstack([table.hits, hits])[:, order],
        counts=np.hstack([table.counts, np.ones_like(hits)])[:, order],
        partner=np.append(table.partner, unknown)[order],
    )


def _middle_score(table: ClassMatches) -> float:
    """Of its finds at an IoU of 0.5, else of what it gave."""
    finds = table.score[table.hits[0]]
    some = finds if finds.size else table.score
    return float(some[(some.size - 1) // 2]) if some.size else _SCORE_WITHOUT_DETECTIONS
