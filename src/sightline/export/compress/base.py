"""What a way to compress gives."""

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from sightline.values.image import Pixels


class Compressible(Protocol):
    """A model made ready, from which variants differ only in the layers that they leave as they are."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that can be compressed, in the order of the graph."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """How many numbers each layer reads and writes for one picture: what leaving it as it is costs."""

    def compressed(self, kept: Collection[str]) -> bytes:
        """The ONNX file in which all layers but ``kept`` are compressed; the same call gives the same bytes.

        It takes and gives the same tensors as the full model.
        """


class Compressor(Protocol):
    """One way to compress."""

    TITLE: str
    """What a variant of it is, in a few words."""

    def prepare(self, model: bytes, calibration: Iterable[Pixels]) -> Compressible:
        """Make ``model`` (an ONNX file) ready with batches uint8 ``[N, H, W, 3]`` of training pictures.

        Raises BundleError where nothing in it can be compressed.
        """
