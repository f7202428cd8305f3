"""Everything that decides a training run besides the dataset's bytes and the machine."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sightline.values.contract import Fit, Normalise, PixelRecipe
from sightline.values.dataset import Task
from sightline.values.image import Size

Precision = Literal["32-true", "bf16-mixed"]
WeightsKind = Literal["scratch", "file", "hub", "cache"]


@dataclass(frozen=True, slots=True)
class WeightsOrigin:
    """Where the initial weights came from, in words fit for the manifest.

    ``name`` is a hub name or a file's name (never a path), ``sha256`` the file's digest, ``licence``
    as its source states it. ``dropped`` lists parameters of the file that did not fit, ``fresh``
    those of the network that were initialised by the seed; ``why`` is a clause: why there was nothing better.
    """

    kind: WeightsKind
    name: str = ""
    sha256: str = ""
    licence: str = ""
    why: str = ""
    dropped: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """Seed, recipe and dataset fingerprint give the same model on the same machine.

    ``arch`` is ``NAME`` or ``NAME/VARIANT``; rates are AdamW's; ``backbone_rate`` multiplies the
    backbone's learning rate (0 freezes it); ``warmup`` is a fraction of all work; ``patience`` counts
    epochs without a better validation (0: never stop early); ``augment`` maps an augmentation's name to
    its amount; ``initial_sha256`` is the digest of all weights before the first step. ``frozen_stem``
    keeps the network's first modules as they were given, ``frozen_statistics`` the running statistics of
    normalisation in all that weights files bring; gradients are scaled down to ``clip_norm``
    where their norm is larger (0: never). The first ``half_size`` of all epochs learn from pictures of
    half the size. After all epochs come ``refit`` times as many that learn from the validation pictures
    too.
    """

    task: Task
    arch: str
    dataset_fingerprint: str
    classes: tuple[str, ...]
    pixels: PixelRecipe
    normalise: Normalise
    weights: WeightsOrigin
    initial_sha256: str
    epochs: int
    seed: int = 0
    batch_size: int = 128
    learning_rate: float = 2e-3
    backbone_rate: float = 1.0
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    warmup: float = 0.1
    half_size: float = 0.0
    refit: float = 0.0
    frozen_stem: bool = False
    frozen_statistics: bool = False
    clip_norm: float = 0.0
    patience: int = 0
    augment: Mapping[str, float] = field(default_factory=dict)
    threads: int = 1
    precision: Precision = "32-true"
    planned_minutes: float = 0.0
    schema_version: int = 1

    def __post_init__(self) -> None:
        for name, least in (("epochs", 0), ("seed", 0), ("batch_size", 2), ("threads", 1), ("patience", 0)):
            if not least <= getattr(self, name) < 2**32:
                raise ValueError(f"{name} is a number from {least} on, got {getattr(self, name)}")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate}")
        if not 0 <= self.half_size < 1:
            raise ValueError(f"half_size is a share of the epochs, from 0 to below 1, got {self.half_size}")
        if not 0 <= self.refit <= 10:
            raise ValueError(f"refit is a share of the epochs, from 0 to 10, got {self.refit}")

    @property
    def half_size_epochs(self) -> int:
        """How many epochs come first that learn from pictures of half the size; never all."""
        return min(int(self.half_size * self.epochs + 1e-9), max(0, self.epochs - 1))

    @property
    def augment_at_full_size(self) -> Mapping[str, float]:
        """Where the first epochs are at half size, ``scale`` and ``mosaic`` belong to those alone.

        The last epochs show whole pictures and objects as large as the camera does, so that boxes settle
        (YOLOX, Ge et al. 2021, ends its strong augmentations before the end too).
        """
        left_out = {"scale", "mosaic"} if self.half_size_epochs > 0 else set()
        return {name: amount for name, amount in self.augment.items() if name not in left_out}

    @property
    def refit_epochs(self) -> int:
        """How many epochs follow that learn from the validation pictures too."""
        return math.ceil(self.refit * self.epochs - 1e-9)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user may choose about training; None leaves the choice to the dataset.

    ``backbone_rate`` multiplies the backbone's learning rate, 0 freezes it; ``patience`` counts epochs
    without a better validation, 0 never stops early; ``half_size`` is the share of the epochs, the first
    ones, that learn from pictures of half the size; ``refit`` how many epochs, as a share of them, follow
    that learn from the validation pictures too. ``precision`` is what the operating thresholds aim at on
    validation; None aims at the best F1.
    """

    size: Size | None = None
    fit: Fit | None = None
    epochs: int | None = None
    minutes: float = 5.0
    seed: int = 0
    batch_size: int | None = None
    learning_rate: float | None = None
    backbone_rate: float | None = None
    precision: float | None = None
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    patience: int | None = None
    half_size: float | None = None
    refit: float | None = None
    augment: str = "basic"
