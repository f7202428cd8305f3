"""What a model takes and gives: the pixel recipe and the tensors."""

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
class ModelContract:
    """The task, the class names in output order, how pixels come in, and the tensors on both sides."""

    task: Task
    classes: tuple[str, ...]
    pixels: PixelRecipe
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
