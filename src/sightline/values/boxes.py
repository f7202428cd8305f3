"""Axis-aligned boxes that carry the size of their picture.

Inside, coordinates are ``xyxy`` in pixels: ``x`` grows to the right, ``y`` downwards, the corner of
the top-left pixel is (0, 0) and a box over the whole picture is ``(0, 0, width, height)``.
"""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from sightline.values.image import Size

Coordinates = npt.NDArray[np.float64]
BoxFormat = Literal["xyxy", "xywh", "cxcywh", "normalised-xyxy", "normalised-cxcywh"]
"""``xywh`` is COCO's, ``xyxy`` Pascal VOC's, ``normalised-cxcywh`` YOLO's (fractions of the picture)."""

BOX_FORMATS: tuple[BoxFormat, ...] = ("xyxy", "xywh", "cxcywh", "normalised-xyxy", "normalised-cxcywh")


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """``N`` boxes of one picture: ``xyxy`` float64 ``[N, 4]`` in pixels, and the picture's size.

    Boxes may reach outside the picture or have no area: annotation does that, and the audit must be
    able to say so. What is refused: another shape, numbers that are not finite, and corners in the
    wrong order.
    """

    xyxy: Coordinates
    size: Size

    def __post_init__(self) -> None:
        array = _rows_of_four(np.array(self.xyxy, dtype=np.float64))
        if not np.isfinite(array).all():
            raise ValueError("box coordinates must be finite numbers")
        if (array[:, 2:] < array[:, :2]).any():
            raise ValueError("a box has its right or bottom edge before its left or top edge")
        array.setflags(write=False)
        object.__setattr__(self, "xyxy", array)

    @classmethod
    def of(cls, coordinates: npt.ArrayLike, size: Size, form: BoxFormat) -> Self:
        """Boxes from ``coordinates`` ``[N, 4]`` written as ``form``."""
        array = _rows_of_four(np.asarray(coordinates, dtype=np.float64))
        if form.startswith("normalised-"):
            array = array * _scale(size)
        first, second = array[:, :2], array[:, 2:]
        if form.endswith("cxcywh"):
            array = np.hstack([first - second / 2, first + second / 2])
        elif form == "xywh":
            array = np.hstack([first, first + second])
        return cls(array, size)

    def to(self, form: BoxFormat) -> Coordinates:
        """These boxes' coordinates written as ``form``, float64 ``[N, 4]``."""
        low, high = self.xyxy[:, :2], self.xyxy[:, 2:]
        if form.endswith("cxcywh"):
            array = np.hstack([(low + high) / 2, high - low])
        elif form == "xywh":
            array = np.hstack([low, high - low])
        else:
            array = self.xyxy.copy()
        return array / _scale(self.size) if form.startswith("normalised-") else array

    def __len__(self) -> int:
        return len(self.xyxy)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Boxes):
            return NotImplemented
        return self.size == other.size and np.array_equal(self.xyxy, other.xyxy)

    def __hash__(self) -> int:
        return hash((self.size, self.xyxy.tobytes()))

    @property
    def areas(self) -> npt.NDArray[np.float64]:
        """Area of each box in square pixels, ``[N]``."""
        sides = self.xyxy[:, 2:] - self.xyxy[:, :2]
        return sides[:, 0] * sides[:, 1]

    def clipped(self) -> "Boxes":
        """The same boxes with every corner moved into the picture."""
        limit = np.array([self.size.width, self.size.height] * 2, dtype=np.float64)
        return Boxes(np.clip(self.xyxy, 0.0, limit), self.size)

    def iou(self, other: "Boxes") -> npt.NDArray[np.float64]:
        """Intersection over union of every pair, ``[N, M]`` within [0, 1]; 0 where both are empty."""
        low = np.maximum(self.xyxy[:, None, :2], other.xyxy[None, :, :2])
        high = np.minimum(self.xyxy[:, None, 2:], other.xyxy[None, :, 2:])
        sides = np.clip(high - low, 0.0, None)
        overlap = sides[..., 0] * sides[..., 1]
        union = self.areas[:, None] + other.areas[None, :] - overlap
        ratio = np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)
        clipped: npt.NDArray[np.float64] = np.clip(ratio, 0.0, 1.0)
        return clipped


def _rows_of_four(array: Coordinates) -> Coordinates:
    if array.size == 0:
        return array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"boxes are rows of four numbers, [N, 4]; got the shape {array.shape}")
    return array


def _scale(size: Size) -> npt.NDArray[np.float64]:
    return np.array([size.width, size.height] * 2, dtype=np.float64)
