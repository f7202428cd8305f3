"""What an architecture file gives."""

from typing import NamedTuple, Protocol

from torch import Tensor, nn

from sightline.errors import InputError
from sightline.train.hub import HubFile
from sightline.values.contract import Normalise
from sightline.values.image import Size

IMAGENET = Normalise(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


class Answer(NamedTuple):
    """``logits`` ``[N, C]`` and ``embedding`` ``[N, D]``, the features that they are read from."""

    logits: Tensor
    embedding: Tensor


class Network(nn.Module):
    """A classifier over normalised float pictures ``[N, 3, H, W]``.

    ``body`` is the library's own module, so that its weights files fit by name; ``head`` is the
    prefix, inside ``body``, of the parameters that depend on the classes.
    """

    def __init__(self, body: nn.Module, head: str) -> None:
        super().__init__()
        self.body = body
        self.head = head

    def part(self, name: str, values: Tensor) -> Tensor:
        """``values`` through the body's module ``name``."""
        result: Tensor = self.body.get_submodule(name)(values)
        return result

    def forward(self, images: Tensor) -> Answer:
        """Logits and embedding of ``images``."""
        raise NotImplementedError

    def is_head(self, parameter: str) -> bool:
        """Whether a parameter, named as in ``body``, belongs to the head."""
        return parameter.startswith(self.head + ".")


class Architecture(Protocol):
    """One architecture; ``variant`` is what follows the slash in ``NAME/VARIANT`` (may be empty)."""

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
