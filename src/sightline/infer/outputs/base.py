"""What an output file gives."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from sightline.infer.runtimes.base import Arrays
from sightline.values.boxes import Boxes
from sightline.values.contract import ModelContract
from sightline.values.prediction import ScoredLabel


class Reading(NamedTuple):
    """One picture's labels by falling score and, in detection, their boxes in pixels of the model's input."""

    labels: tuple[ScoredLabel, ...]
    boxes: Boxes | None = None


class Output(Protocol):
    """One task's way to read a model's outputs."""

    def interpret(
        self, outputs: Arrays, contract: ModelContract, thresholds: Mapping[str, float], top: int | None
    ) -> tuple[Reading | None, ...]:
        """At most ``top`` labels (None: as usual for the task) for each picture; None for unusable numbers.

        A label is accepted from its class's threshold on; a class that ``thresholds`` does not name
        accepts any score, since nothing was held out to set a threshold with.
        """
