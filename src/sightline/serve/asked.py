"""What is asked of the data plane, and what comes of it."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sightline.errors import SightlineError
from sightline.serve.loaded import Loaded
from sightline.values.image import Pixels
from sightline.values.prediction import Prediction, Unanswered

Row = Mapping[str, npt.NDArray[np.generic]]
"""A model's outputs for one picture, by name, without the batch's dimension."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What is asked about: a file's bytes, or uint8 RGB ``[H, W, 3]`` of the model's input size."""

    source: str
    content: bytes | Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """The answer about a picture, the outputs that it was read from, and its name for feedback."""

    id: str
    prediction: Prediction
    outputs: Row


Outcome = Answered | Unanswered | SightlineError
"""An error is one of the server's own: the engine failed, or what was answered could not be kept."""


@dataclass(slots=True, eq=False)
class Asked:
    """One request's pictures; ``future`` is done when the last outcome is there.

    It is changed on the event loop alone; other threads look at ``gone``: nobody waits any more.
    """

    future: asyncio.Future[list[Outcome]]
    outcomes: list[Outcome | None]
    missing: int
    gone: bool = False

    def put(self, place: int, outcome: Outcome) -> None:
        """The outcome of the picture at ``place``."""
        self.outcomes[place] = outcome
        self.missing -= 1
        if not self.missing and not self.future.done():
            self.future.set_result([each for each in self.outcomes if each is not None])


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One picture for one release; ``place`` is where its asker wants the outcome."""

    loaded: Loaded
    picture: Picture
    asked: Asked
    place: int
    since: float = field(default_factory=time.monotonic)
