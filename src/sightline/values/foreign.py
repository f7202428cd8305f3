"""A model file that was made elsewhere: what its maker says about it, and how it became a release's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sightline.values.contract import Fit, PixelRecipe, Suppression
from sightline.values.dataset import Task

Layout = Literal["NCHW", "NHWC"]
Channels = Literal["RGB", "BGR"]


@dataclass(frozen=True, slots=True)
class ForeignInput:
    """How a picture becomes what the file takes.

    An upright RGB picture of 8 bits is brought to ``width`` times ``height`` pixels as ``PixelRecipe`` says
    for ``fit``, ``crop_fraction`` and ``fill``; its channels are put in the order of ``channels``, each value
    becomes ``(value * scale - mean) / std`` with one ``mean`` and ``std`` for each channel in that order, and
    the axes are put in the order of ``layout``. A file that takes uint8 has no ``scale``. ``name`` may be
    empty where the file has one input, ``width`` and ``height`` None where it fixes them.
    """

    layout: Layout
    fit: Fit
    name: str = ""
    channels: Channels = "RGB"
    width: int | None = None
    height: int | None = None
    crop_fraction: float = 0.875
    fill: int = 114
    scale: float | None = None
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class ForeignModel:
    """What a description file says about a model file.

    ``classes`` are in the order of the file's outputs. ``outputs`` maps what sightline calls an output to
    the file's name for it: ``probabilities``, or ``logits`` which softmax makes probabilities of; for a
    detector ``boxes``, ``scores``, ``classes`` and ``count``, whose meaning is that of ``task_outputs``; for
    either perhaps ``embedding``. ``suppression`` is what the detector's graph does. ``thresholds`` maps a
    class to the score from which its answer is accepted. ``source`` and ``licence`` are for the model card.
    """

    task: Task
    classes: tuple[str, ...]
    input: ForeignInput
    outputs: Mapping[str, str]
    suppression: Suppression | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    source: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class ImportRecipe:
    """The file called ``file``, of digest ``sha256``, and its description give the release's model.

    ``pixels`` is how pictures come in, ``dataset_fingerprint`` that of the pictures that it was judged on,
    empty where there were none.
    """

    file: str
    sha256: str
    model: ForeignModel
    pixels: PixelRecipe
    dataset_fingerprint: str

    @property
    def classes(self) -> tuple[str, ...]:
        """Names in the order of the outputs."""
        return self.model.classes
