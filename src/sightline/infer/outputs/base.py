"""What an output file gives."""

from collections.abc import Mapping
from typing import Protocol

from sightline.infer.runtimes.base import Arrays
from sightline.values.contract import TensorSpec
from sightline.values.prediction import ScoredLabel

Labels = tuple[ScoredLabel, ...]
"""One picture's labels by falling score; empty where the model's numbers are not usable."""


class Output(Protocol):
    """One task's way to read a model's outputs."""

    def tensors(self, classes: tuple[str, ...]) -> tuple[TensorSpec, ...]:
        """The outputs that a model of this task with these classes must have (it may have more)."""

    def interpret(
        self, outputs: Arrays, classes: tuple[str, ...], thresholds: Mapping[str, float], top: int
    ) -> tuple[Labels, ...]:
        """At most ``top`` labels for each of the ``N`` pictures in ``outputs``.

        A label is accepted from its class's threshold on; a class that ``thresholds`` does not name
        accepts any score, since nothing was held out to set a threshold with.
        """
