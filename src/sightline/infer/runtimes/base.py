"""What a runtime file gives."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sightline.values.contract import TensorSpec
from sightline.values.image import Pixels

Arrays = Mapping[str, npt.NDArray[np.generic]]
"""A model's outputs by name."""


class Session(Protocol):
    """A loaded model. May be used from several threads at a time."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The tensors that the model really takes; a free dimension is a name."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The tensors that the model really gives."""

    def run(self, batch: Pixels) -> Arrays:
        """All outputs for ``batch``, uint8 ``[N, H, W, 3]``, ``N`` at least 1. Raises BundleError."""


class Runtime(Protocol):
    """One engine. ``VERSION`` is its library's."""

    VERSION: str

    def load(self, model: bytes, threads: int) -> Session:
        """The model held by ``model`` (the bytes of ``model.onnx``), working with ``threads`` threads.

        It writes nothing to the terminal and opens no file. Raises BundleError where the engine
        cannot use these bytes.
        """
