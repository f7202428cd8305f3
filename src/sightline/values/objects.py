"""What is in a picture, truly and by a detector's answer, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from sightline.values.boxes import Boxes
from sightline.values.dataset import Sample
from sightline.values.image import Size

ClassNumbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Objects:
    """What is truly in one picture.

    ``boxes`` lie inside the picture and have an area; ``classes`` int64 ``[N]`` are class numbers;
    ``ignored`` bool ``[N]`` marks those that count neither for nor against a detector.
    """

    boxes: Boxes
    classes: ClassNumbers
    ignored: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        if not len(self.boxes) == len(self.classes) == len(self.ignored):
            raise ValueError(
                f"{len(self.boxes)} boxes came with {len(self.classes)} classes and {len(self.ignored)} marks"
            )

    def __len__(self) -> int:
        return len(self.boxes)

    @classmethod
    def of(cls, sample: Sample, classes: Sequence[str]) -> Self:
        """The objects to learn from and to be judged by, from what was annotated.

        Boxes are cut to the picture, and those that then have no area are left out: nobody can find them.
        """
        number = {name: index for index, name in enumerate(classes)}
        boxes = (sample.boxes or Boxes(np.empty((0, 4)), sample.size)).clipped()
        kept = np.flatnonzero(boxes.areas > 0)
        labels = np.array([number[label] for label in sample.labels], np.int64)
        ignored = np.array(sample.ignored or (False,) * len(boxes), np.bool_)
        return cls(Boxes(boxes.xyxy[kept], sample.size), labels[kept], ignored[kept])


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """What a detector found in one picture, by falling score.

    ``boxes`` in pixels of the upright picture, ``classes`` int64 ``[N]``, ``scores`` float64 ``[N]`` in
    [0, 1].
    """

    boxes: Boxes
    classes: ClassNumbers
    scores: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        if not len(self.boxes) == len(self.classes) == len(self.scores):
            raise ValueError(
                f"{len(self.boxes)} boxes came with {len(self.classes)} classes and {len(self.scores)} scores"
            )

    def __len__(self) -> int:
        return len(self.boxes)

    @classmethod
    def none(cls, size: Size) -> Self:
        """Nothing found in a picture of this size."""
        return cls(Boxes(np.empty((0, 4)), size), np.empty(0, np.int64), np.empty(0))

    def above(self, thresholds: Sequence[float]) -> "Detections":
        """Those whose score reaches their class's threshold, ``[C]``."""
        kept = self.scores >= np.asarray(thresholds, np.float64)[self.classes]
        return Detections(
            Boxes(self.boxes.xyxy[kept], self.boxes.size), self.classes[kept], self.scores[kept]
        )
