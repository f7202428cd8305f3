"""Objects: ``boxes``, ``scores``, ``classes`` and ``count``, after suppression inside the graph."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sightline.infer.outputs.base import Reading
from sightline.infer.runtimes.base import Arrays
from sightline.pixels.model_input import lifted
from sightline.values.boxes import Boxes
from sightline.values.contract import ModelContract, PixelRecipe
from sightline.values.image import Size
from sightline.values.objects import Detections
from sightline.values.prediction import ScoredLabel


def interpret(
    outputs: Arrays, contract: ModelContract, thresholds: Mapping[str, float], top: int | None
) -> tuple[Reading | None, ...]:
    """Detections that reach their class's threshold, by falling score: only those are accepted."""
    limits = [thresholds.get(name, 0.0) for name in contract.classes]
    found = detections(outputs, len(contract.classes), contract.pixels.size)
    return tuple(
        None if each is None else _reading(each.above(limits), contract.classes, top) for each in found
    )


def detections(outputs: Arrays, classes: int, size: Size) -> list[Detections | None]:
    """All detections of each picture, boxes in pixels of the input; None where the numbers make no sense."""
    counts = outputs["count"].astype(np.int64).tolist()
    return [_of_one(outputs, number, count, classes, size) for number, count in enumerate(counts)]


def in_pictures(
    outputs: Arrays, classes: int, pixels: PixelRecipe, sizes: Sequence[Size]
) -> list[Detections | None]:
    """``detections`` in pixels of the upright pictures, whose ``sizes`` these are."""
    found = detections(outputs, classes, pixels.size)
    return [
        None if each is None else replace(each, boxes=lifted(each.boxes, pixels, size))
        for each, size in zip(found, sizes, strict=True)
    ]


def _of_one(outputs: Arrays, number: int, count: int, classes: int, size: Size) -> Detections | None:
    if not 0 <= count <= outputs["scores"].shape[1]:
        return None
    boxes = outputs["boxes"][number, :count].astype(np.float64)
    scores = outputs["scores"][number, :count].astype(np.float64)
    numbers = outputs["classes"][number, :count].astype(np.int64)
    sound = np.isfinite(boxes).all() and ((scores >= 0) & (scores <= 1)).all()
    if not sound or (numbers < 0).any() or (numbers >= classes).any() or (boxes[:, 2:] < boxes[:, :2]).any():
        return None
    return Detections(Boxes(boxes, size).clipped(), numbers, scores)


def _reading(found: Detections, classes: tuple[str, ...], top: int | None) -> Reading:
    labels = (
        ScoredLabel(classes[number], float(score), True)
        for number, score in zip(found.classes[:top].tolist(), found.scores[:top].tolist(), strict=True)
    )
    return Reading(tuple(labels), Boxes(found.boxes.xyxy[:top], found.boxes.size))
