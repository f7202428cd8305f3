"""Pictures with objects and a detector's answers, drawn by chance."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sightline.values.boxes import Boxes
from sightline.values.image import Size
from sightline.values.objects import Detections, Objects

SIDE = 400
SIZE = Size(SIDE, SIDE)
Floats = npt.NDArray[np.float64]
Pictures = tuple[list[Objects], list[Detections]]


def objects(
    boxes: Sequence[Sequence[float]], classes: Sequence[int], ignored: Sequence[bool] | None = None
) -> Objects:
    marks = np.array(ignored if ignored is not None else [False] * len(classes), np.bool_)
    return Objects(Boxes(np.array(boxes, np.float64), SIZE), np.array(classes, np.int64), marks)


def detections(
    boxes: Sequence[Sequence[float]], classes: Sequence[int], scores: Sequence[float]
) -> Detections:
    return Detections(
        Boxes(np.array(boxes, np.float64), SIZE), np.array(classes, np.int64), np.array(scores, np.float64)
    )


def draw(
    rng: np.random.Generator,
    pictures: int,
    *,
    objects: float = 6.0,
    false: float = 8.0,
    classes: int = 3,
    used: int | None = None,
    crowd: float = 0.1,
    jitter: float = 0.08,
) -> Pictures:
    """Objects of all sizes, most of them found more or less well, among false finds.

    Of the ``classes`` only the first ``used`` have objects; about ``crowd`` of these are ignored. Some
    pictures have no object, some no detection, and no two scores are equal.
    """
    truth, answers = [], []
    for _ in range(pictures):
        count = rng.poisson(objects)
        boxes = _boxes(rng, count)
        labels = rng.integers(0, used or classes, count)
        truth.append(Objects(Boxes(boxes, SIZE), labels, rng.random(count) < crowd))
        found = rng.random(count) < rng.choice([0.0, 0.85], p=[0.1, 0.9])
        sides = np.tile(boxes[found][:, 2:] - boxes[found][:, :2], 2)
        moved = np.clip(boxes[found] + rng.normal(0, jitter, sides.shape) * sides, 0, SIDE)
        moved = np.hstack([np.minimum(moved[:, :2], moved[:, 2:]), np.maximum(moved[:, :2], moved[:, 2:])])
        extra = rng.poisson(false)
        scores = np.append(rng.beta(5, 2, int(found.sum())), rng.beta(1, 4, extra))
        order = np.argsort(-scores)
        answers.append(
            Detections(
                Boxes(np.vstack([moved, _boxes(rng, extra)])[order], SIZE),
                np.append(labels[found], rng.integers(0, classes, extra))[order],
                scores[order],
            )
        )
    return truth, answers


def _boxes(rng: np.random.Generator, count: int) -> Floats:
    sides = np.exp(rng.uniform(np.log(8), np.log(200), (count, 2)))
    corners = rng.uniform(0, 1, (count, 2)) * (SIDE - sides)
    return np.hstack([corners, corners + sides])


def reorder(order: npt.NDArray[np.intp], pictures: Pictures) -> Pictures:
    truth, answers = pictures
    return [truth[i] for i in order], [answers[i] for i in order]


def perfect(truth: Sequence[Objects], rng: np.random.Generator) -> list[Detections]:
    """Every object found exactly, with some score."""
    found = []
    for each in truth:
        scores = np.sort(rng.uniform(0.1, 1.0, len(each)))[::-1]
        found.append(Detections(each.boxes, each.classes, scores.copy()))
    return found
