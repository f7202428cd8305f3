"""What a model takes and gives: the pixel recipe and the tensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sightline.values.dataset import Task
from sightline.values.image import Size

Fit = Literal["stretch", "letterbox", "crop"]
FITS: tuple[Fit, ...] = ("stretch", "letterbox", "crop")


@dataclass(frozen=True, slots=True)
class PixelRecipe:
    """How an upright 8-bit RGB picture becomes the model's input ``[height, width, 3]``.

    ``stretch`` resizes to ``size``; ``letterbox`` resizes keeping the aspect and pads with ``fill``
    (grey level) on both sides; ``crop`` resizes so that the centred ``size`` is ``crop_fraction`` of
    the covering resize and cuts it out.
    """

    size: Size
    fit: Fit = "stretch"
    crop_fraction: float = 0.875
    fill: int = 114

    def __post_init__(self) -> None:
        if not 0.0 < self.crop_fraction <= 1.0:
            raise ValueError(f"crop_fraction lies in (0, 1], got {self.crop_fraction}")
        if not 0 <= self.fill <= 255:
            raise ValueError(f"fill is a grey level from 0 to 255, got {self.fill}")


@dataclass(frozen=True, slots=True)
class Normalise:
    """Per-channel ``(pixel / 255 - mean) / std``, RGB."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __post_init__(self) -> None:
        if min(self.std) <= 0:
            raise ValueError(f"std must be positive, got {self.std}")


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name, element type and shape of one tensor; a named dimension (``"N"``) is free."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Suppression:
    """Non-maximum suppression inside a detector's graph.

    Of all boxes with a score above ``least_score`` the best ``candidates`` of all classes go in; one is
    dropped where its IoU with a better one of its class is above ``iou``; the best ``detections`` of all
    classes come out.
    """

    iou: float = 0.5
    least_score: float = 0.01
    candidates: int = 1_000
    detections: int = 300

    def __post_init__(self) -> None:
        if not (0 < self.iou <= 1 and 0 <= self.least_score < 1 <= self.detections <= self.candidates):
            raise ValueError(f"no such suppression: {self}")


@dataclass(frozen=True, slots=True)
class ModelContract:
    """The task, the class names in output order, how pixels come in, and the tensors on both sides.

    ``suppression`` is that of a detector, None otherwise.
    """

    task: Task
    classes: tuple[str, ...]
    pixels: PixelRecipe
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    suppression: Suppression | None = None


def task_outputs(
    task: Task, classes: Sequence[str], suppression: Suppression | None = None
) -> tuple[TensorSpec, ...]:
    """The outputs that every model of a task must have; it may have more, such as ``embedding``.

    A classifier gives ``probabilities`` ``[N, C]``. A detector gives, for D detections, ``boxes``
    ``[N, D, 4]`` (xyxy in pixels of the model's input), ``scores`` ``[N, D]``, ``classes`` ``[N, D]`` and
    ``count`` ``[N]``: rows by falling score; from ``count`` on they are zero, and the class is -1.
    """
    if task == "classification":
        return (TensorSpec("probabilities", "float32", ("N", len(classes))),)
    most = (suppression or Suppression()).detections
    return (
        TensorSpec("boxes", "float32", ("N", most, 4)),
        TensorSpec("scores", "float32", ("N", most)),
        TensorSpec("classes", "int64", ("N", most)),
        TensorSpec("count", "int64", ("N",)),
    )
