"""How far two models' answers to the same pictures are apart, whatever the truth."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from sightline.evaluate.matching import match
from sightline.evaluate.measure import measure
from sightline.infer.outputs.detection import detections
from sightline.infer.runtimes.base import Arrays
from sightline.values.contract import ModelContract
from sightline.values.objects import Detections, Objects

_SURE = 0.25
"""A detector's boxes from this score on are what the other should find."""


def disagreement(full: Sequence[Arrays], other: Sequence[Arrays], contract: ModelContract) -> float:
    """From 0, the same, to 1; ``full`` and ``other`` are outputs, batch by batch.

    A classifier's is the mean total variation distance of its probabilities; a detector's is 1 less the AP
    of the other's boxes, with those of the full model as truth. Where the full model found nothing, it is
    the share of pictures in which the other did; numbers that make no sense count as nothing found.
    """
    if contract.task == "classification":
        apart = [
            np.abs(_probabilities(one) - _probabilities(two)).sum(axis=1) / 2
            for one, two in zip(full, other, strict=True)
        ]
        return float(np.nan_to_num(np.concatenate(apart), nan=1.0).mean())
    truth = [_as_truth(each) for each in _found(full, contract)]
    found = _found(other, contract)
    if not any(len(each) for each in truth):
        return float(np.mean([bool((each.scores >= _SURE).any()) for each in found]))
    return 1.0 - measure("ap", match(truth, found, len(contract.classes)))


def _probabilities(outputs: Arrays) -> npt.NDArray[np.float64]:
    return outputs["probabilities"].astype(np.float64)


def _found(outputs: Sequence[Arrays], contract: ModelContract) -> list[Detections]:
    size, classes = contract.pixels.size, len(contract.classes)
    nothing = Detections.none(size)
    return [each or nothing for some in outputs for each in detections(some, classes, size)]


def _as_truth(found: Detections) -> Objects:
    sure = found.above([_SURE] * (int(found.classes.max(initial=0)) + 1))
    kept = sure.boxes.areas > 0
    boxes = replace(sure.boxes, xyxy=sure.boxes.xyxy[kept])
    return Objects(boxes, sure.classes[kept], np.zeros(int(kept.sum()), np.bool_))
