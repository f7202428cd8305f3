"""What a server keeps of the answers that it gave, and what people said about them afterwards."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

from sightline.values.boxes import Boxes
from sightline.values.prediction import Prediction

CapturePolicy = Literal["required", "best-effort", "off"]
"""An answer that cannot be kept is not given, is given all the same, or none is kept."""
CAPTURE_POLICIES: tuple[CapturePolicy, ...] = ("required", "best-effort", "off")


@dataclass(frozen=True, slots=True, eq=False)
class Captured:
    """One answer. ``at`` is in UTC, ``sha256`` that of what was sent, ``picture`` that itself, if kept.

    ``embedding`` is float32 ``[D]``, or None where the model gives none.
    """

    id: str
    at: datetime
    prediction: Prediction
    sha256: str
    embedding: npt.NDArray[np.float32] | None = None
    picture: bytes | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is really to be seen, as ``who`` said: classes, for a detector one for each of ``boxes``.

    ``boxes`` are in pixels of the upright picture; None where the picture as a whole was classified.
    """

    id: str
    at: datetime
    who: str
    labels: tuple[str, ...]
    boxes: Boxes | None = None

    def __post_init__(self) -> None:
        if len(self.labels) != (1 if self.boxes is None else len(self.boxes)):
            raise ValueError(f"wanted one label, or one for each box; got {len(self.labels)}")
