"""What a model answered about one picture."""

from dataclasses import dataclass

from sightline.values.boxes import Boxes
from sightline.values.image import Size


@dataclass(frozen=True, slots=True)
class ScoredLabel:
    """A class and its calibrated probability; ``accepted`` where it reaches the class's threshold."""

    label: str
    score: float
    accepted: bool


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer about one picture: labels by falling score, the release that gave it.

    ``source`` names the picture as the caller did; ``size`` is that of the upright picture. A
    classifier's answer has at least one label and no ``boxes``. A detector's has one label for each of
    ``boxes``, in pixels of the upright picture, and none of either where nothing was found.
    """

    source: str
    size: Size
    labels: tuple[ScoredLabel, ...]
    release: str
    boxes: Boxes | None = None

    def __post_init__(self) -> None:
        if self.boxes is not None and len(self.boxes) != len(self.labels):
            raise ValueError(f"{len(self.boxes)} boxes need as many labels, got {len(self.labels)}")

    @property
    def top(self) -> ScoredLabel | None:
        """The label with the highest score; None where a detector found nothing."""
        return self.labels[0] if self.labels else None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A file that got no answer, and why."""

    source: str
    reason: str
