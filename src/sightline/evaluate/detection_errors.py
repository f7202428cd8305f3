"""A detector's worst errors at its operating thresholds: what it missed, and what it saw where nothing is.

An object is found by a box whose score reaches its class's threshold and that COCO's matching gave to it at
an IoU of 0.5; boxes of lower scores take nothing from higher ones, so the matching of all boxes is also that
of the accepted ones alone.
"""

from collections.abc import Sequence

import numpy as np

from sightline.evaluate.average_precision import AT_50
from sightline.evaluate.matches import IOUS, Floats, Labels, Matches
from sightline.values.boxes import Boxes
from sightline.values.evaluation import XYXY, DetectionError
from sightline.values.objects import Detections, Objects

MOST = 24


def missed(
    truth: Sequence[Objects],
    answers: Sequence[Detections],
    matches: Matches,
    classes: Sequence[str],
    paths: Sequence[str],
    thresholds: Sequence[float],
) -> tuple[DetectionError, ...]:
    """The largest objects that no accepted box found, at most 24; ignored ones are not asked for."""
    found = [np.zeros(len(each), np.bool_) for each in truth]
    for table, threshold in zip(matches.by_area["all"], thresholds, strict=True):
        finders = (table.partner >= 0) & (table.score >= threshold)
        for picture, partner in zip(table.picture[finders], table.partner[finders], strict=True):
            found[picture][partner] = True
    areas = [each.boxes.areas for each in truth]
    places = [
        (i, k) for i, each in enumerate(truth) for k in np.flatnonzero(~found[i] & ~each.ignored).tolist()
    ]
    places.sort(key=lambda place: (-areas[place[0]][place[1]], paths[place[0]], place[1]))
    return tuple(_missed(truth[i], k, answers[i], classes, paths[i], thresholds) for i, k in places[:MOST])


def _missed(
    objects: Objects,
    k: int,
    answers: Detections,
    classes: Sequence[str],
    path: str,
    thresholds: Sequence[float],
) -> DetectionError:
    box, label = _box(objects.boxes, k), int(objects.classes[k])
    given = answers.above(thresholds)
    nearly = (
        (answers.classes == label)
        & (answers.scores < thresholds[label])
        & (answers.boxes.iou(box)[:, 0] >= IOUS[AT_50])
    )
    iou, instead = _nearest(given.boxes.iou(box)[:, 0], given.classes, classes)
    score = float(answers.scores[nearly].max(initial=0.0))
    return DetectionError(path, classes[label], _corners(box), score, iou, instead)


def false_finds(
    truth: Sequence[Objects],
    answers: Sequence[Detections],
    matches: Matches,
    classes: Sequence[str],
    paths: Sequence[str],
    thresholds: Sequence[float],
) -> tuple[DetectionError, ...]:
    """The accepted boxes of the highest scores that found nothing, at most 24."""
    places = []
    for c, (table, threshold) in enumerate(zip(matches.by_area["all"], thresholds, strict=True)):
        wrong = np.flatnonzero((table.partner < 0) & (table.score >= threshold))[:MOST]
        for place in wrong.tolist():
            i, k = int(table.picture[place]), int(table.index[place])
            places.append((-float(table.score[place]), paths[i], c, i, k))
    errors = []
    for falling, path, c, i, k in sorted(places)[:MOST]:
        box = _box(answers[i].boxes, k)
        iou, instead = _nearest(truth[i].boxes.iou(box)[:, 0], truth[i].classes, classes)
        errors.append(DetectionError(path, classes[c], _corners(box), -falling, iou, instead))
    return tuple(errors)


def _nearest(overlaps: Floats, labels: Labels, classes: Sequence[str]) -> tuple[float, str]:
    """The largest overlap, and the class of what has it; nothing where nothing overlaps."""
    if not overlaps.size or overlaps.max() <= 0:
        return 0.0, ""
    best = int(overlaps.argmax())
    return float(overlaps[best]), classes[labels[best]]


def _box(boxes: Boxes, k: int) -> Boxes:
    return Boxes(boxes.xyxy[k : k + 1], boxes.size)


def _corners(box: Boxes) -> XYXY:
    left, top, right, bottom = box.xyxy[0].tolist()
    return left, top, right, bottom
