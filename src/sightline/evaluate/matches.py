"""Pictures in which a detector looked for objects: what its metrics are a function of.

Which detection found which object is settled picture by picture (``matching``), so a resample of pictures
changes none of it, only how often each picture counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]

Area = Literal["all", "small", "medium", "large"]
AREAS: Mapping[Area, tuple[float, float]] = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
"""COCO's ranges of an object's area in square pixels of its picture, both ends within (Lin et al. 2014)."""

IOUS: Floats = np.linspace(0.5, 0.95, 10)
"""The overlaps, intersection over union, from which on COCO takes an object for found."""

MOST_DETECTIONS = 300
"""The highest-scored of so many detections of a class in a picture are judged; COCO's own default is 100."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassMatches:
    """One class's objects and detections in one range of areas, over all pictures.

    ``objects`` float64 ``[N]`` counts each picture's objects, ignored ones and those of another area
    left out. Detections lie by falling score, equal ones in the order of the pictures as in COCO's
    code: ``picture`` ``[D]`` is where each was given, ``index`` ``[D]`` its place in that picture's
    ``Detections``, ``score`` ``[D]``. By the ``IOUS``: ``hits`` ``[10, D]`` marks those that found an
    object, ``counts`` ``[10, D]`` those that count at all: not one that found an ignored object, nor one
    of another area that found nothing. ``partner`` ``[D]`` is the place, in its picture's ``Objects``,
    of what it found at an IoU of 0.5, ignored or not; -1 for nothing.
    """

    objects: Floats
    picture: Labels
    index: Labels
    score: Floats
    hits: Marks
    counts: Marks
    partner: Labels


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """N ``pictures``, and for each area range each class's objects and detections in them, ``[C]``."""

    pictures: int
    by_area: Mapping[Area, tuple[ClassMatches, ...]]

    @property
    def classes(self) -> int:
        """How many classes, C."""
        return len(self.by_area["all"])

    @property
    def detections(self) -> int:
        """How many detections in all."""
        return sum(each.score.size for each in self.by_area["all"])

    def same_pictures(self, other: Self) -> bool:
        """Whether the other's answers are to pictures with the same numbers of objects of each class."""
        return (self.pictures, self.classes) == (other.pictures, other.classes) and all(
            np.array_equal(one.objects, two.objects)
            for one, two in zip(self.by_area["all"], other.by_area["all"], strict=True)
        )
