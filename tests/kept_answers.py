"""Answers to keep."""

import threading
from datetime import UTC, datetime

import numpy as np

from sightline.errors import StorageError
from sightline.monitor.capture import Capture
from sightline.values.boxes import Boxes
from sightline.values.captured import Captured
from sightline.values.image import Size
from sightline.values.prediction import Prediction, ScoredLabel

SIZE = Size(20, 10)


def captured(name: str, source: str = "a.png", picture: bytes | None = None) -> Captured:
    """An answer about a picture that is red."""
    labels = (ScoredLabel("red", 0.75, True), ScoredLabel("green", 0.25, False))
    embedding = np.linspace(0, 1, 5, dtype=np.float32)
    prediction = Prediction(source, SIZE, labels, "colours@1")
    return Captured(name, datetime.now(UTC), prediction, "0" * 64, embedding, picture)


def detected(name: str) -> Captured:
    """An answer with two boxes and no embedding."""
    boxes = Boxes(np.array([[0, 0, 4, 4], [1.5, 2, 3, 4]]), SIZE)
    labels = (ScoredLabel("left", 0.75, True), ScoredLabel("right", 0.7, True))
    return Captured(name, datetime.now(UTC), Prediction("b", SIZE, labels, "boxes@1", boxes), "1" * 64)


def keep(capture: Capture, *answers: Captured) -> None:
    """Wait until they are kept. Raises ``StorageError`` where they cannot be."""
    done = threading.Event()
    errors: list[StorageError] = []

    def told(error: StorageError | None) -> None:
        errors.extend([error] if error else [])
        done.set()

    capture.keep(list(answers), told)
    assert done.wait(60)
    if errors:
        raise errors[0]
