"""What an architecture file gives."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sightline.errors import InputError
from sightline.train.hub import HubFile
from sightline.values.contract import Normalise
from sightline.values.dataset import Task
from sightline.values.image import Size
from sightline.values.recipe import Recipe

IMAGENET = Normalise(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


class Answer(NamedTuple):
    """A classifier's: ``logits`` ``[N, C]`` and ``embedding`` ``[N, D]``, the features they are read from."""

    logits: Tensor
    embedding: Tensor


class Found(NamedTuple):
    """A detector's, for A places in the picture: every place is a candidate.

    ``boxes`` ``[N, A, 4]`` xyxy in pixels of the input, ``scores`` ``[N, A, C]`` in [0, 1],
    ``embedding`` ``[N, D]``, and ``raw``, whatever its loss is reckoned from.
    """

    boxes: Tensor
    scores: Tensor
    embedding: Tensor
    raw: tuple[Tensor, ...]


class Target(NamedTuple):
    """One picture's objects: ``boxes`` ``[M, 4]`` xyxy in pixels of the input, ``classes`` int64 ``[M]``.

    ``ignored`` bool ``[M]`` marks objects from which nothing is to be learned.
    """

    boxes: Tensor
    classes: Tensor
    ignored: Tensor


Targets = Tensor | Sequence[Target]
"""A batch's truth: class numbers int64 ``[N]``, or each picture's objects."""


class Network(nn.Module):
    """A network over normalised float pictures ``[N, 3, H, W]``.

    ``body`` is the library's own module, so that its weights files fit by name, or has it as its module
    ``backbone``. ``heads`` are the prefixes, inside ``body``, of what weights files do not bring: it
    learns at the full rate. ``stem`` are those of the first modules, which work at high resolution, see
    only edges and colours, and may stay as a weights file has them.
    """

    def __init__(
        self, body: nn.Module, heads: tuple[str, ...], *, backbone: str = "", stem: tuple[str, ...] = ()
    ) -> None:
        super().__init__()
        self.body = body
        self.heads = heads
        self.backbone = backbone
        self.stem = stem

    def part(self, name: str, values: Tensor) -> Tensor:
        """``values`` through the body's module ``name``."""
        result: Tensor = self.body.get_submodule(name)(values)
        return result

    @abstractmethod
    def forward(self, images: Tensor) -> Any:
        """The answer about ``images``."""

    @abstractmethod
    def loss(self, answer: Any, targets: Any, recipe: Recipe) -> Tensor:
        """How wrong ``answer`` is, one number, in float32."""

    def is_head(self, parameter: str) -> bool:
        """Whether a parameter, named as in ``body``, belongs to a head."""
        return parameter.startswith(tuple(f"{head}." for head in self.heads))

    def is_stem(self, parameter: str) -> bool:
        """Whether a parameter, named as in ``body``, belongs to the stem."""
        return parameter.startswith(tuple(f"{part}." for part in self.stem))


class Classifier(Network):
    """A network that tells classes of pictures apart."""

    @abstractmethod
    def forward(self, images: Tensor) -> Answer:
        """Logits and embedding of ``images``."""

    def loss(self, answer: Answer, targets: Tensor, recipe: Recipe) -> Tensor:
        """Cross-entropy in nats, its targets smoothed as the recipe says."""
        return cross_entropy(answer.logits.float(), targets, label_smoothing=recipe.label_smoothing)


class Detector(Network):
    """A network that finds objects."""

    @abstractmethod
    def forward(self, images: Tensor) -> Found:
        """Candidates, before non-maximum suppression."""

    @abstractmethod
    def loss(self, answer: Found, targets: Sequence[Target], recipe: Recipe) -> Tensor:
        """The sum of the losses of classes and of boxes."""


class Architecture(Protocol):
    """One architecture; ``variant`` is what follows the slash in ``NAME/VARIANT`` (may be empty)."""

    TASK: Task

    def build(self, variant: str, classes: int) -> Network:
        """A network with fresh weights. Raises InputError for a variant that it does not know."""

    def input_size(self, variant: str) -> Size:
        """The size that it was made for."""

    def hub(self, variant: str) -> HubFile | None:
        """Where its pretrained weights are, or None where there are none."""


def no_variant(name: str, variant: str) -> None:
    """Refuse a variant of an architecture that has only one."""
    if variant:
        raise InputError(f"architecture {name!r} has no variants, got {name}/{variant}; use {name}")
