"""What a model answered about one picture."""

from dataclasses import dataclass

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

    ``source`` names the picture as the caller did; ``size`` is that of the upright picture.
    """

    source: str
    size: Size
    labels: tuple[ScoredLabel, ...]
    release: str

    @property
    def top(self) -> ScoredLabel:
        """The label with the highest score."""
        return self.labels[0]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A file that got no answer, and why."""

    source: str
    reason: str
