"""Boxes without area, boxes that reach out of their picture, boxes that are there twice, and fractions."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.data.audit.base import MOST_PATHS
from sightline.data.importing import Imported
from sightline.values.boxes import Boxes, Coordinates
from sightline.values.dataset import Finding

TITLE = "boxes that cannot be right"

OUTSIDE = 0.5
"""Pixels by which a box may reach out: less is a matter of rounding."""
DOUBLED = 0.95
"""IoU from which two boxes of one class are the same object annotated twice."""

_COMPARED = 1_024
"""Boxes of one class in one picture of which all pairs are compared; of more only equal ones are found."""


@dataclass(frozen=True, slots=True)
class _Box:
    """One box for a sentence."""

    path: str
    label: str
    corners: tuple[float, ...]

    def __str__(self) -> str:
        corners = ", ".join(f"{value:.6g}" for value in self.corners)
        return f"{self.label!r} at ({corners}) in {self.path!r}"


def check(imported: Imported) -> list[Finding]:
    """One finding of each kind, with the first such boxes."""
    empty: list[_Box] = []
    outside: list[_Box] = []
    doubled: list[_Box] = []
    farthest, gone, highest = 0.0, 0, 0.0
    for sample in imported.dataset.samples:
        boxes = sample.boxes
        if boxes is None or not len(boxes):
            continue
        highest = max(highest, float(boxes.xyxy.max()))
        beyond = _beyond(boxes)
        out = beyond > OUTSIDE
        farthest = max(farthest, float(beyond.max()))
        gone += int((out & _wholly_outside(boxes)).sum())
        for found, which in (
            (empty, boxes.areas == 0),
            (outside, out),
            (doubled, _doubled(sample.labels, boxes)),
        ):
            found += [
                _Box(sample.path, sample.labels[index], tuple(boxes.xyxy[index].tolist()))
                for index in np.flatnonzero(which)
            ]
    findings = []
    if 0 < highest <= 1:
        findings.append(
            Finding(
                "boxes",
                "error",
                "no box reaches beyond the first pixel; fractions of the picture? pixels were wanted",
                (),
                {"highest": highest},
            )
        )
    if empty:
        findings.append(_finding(f"{_counted(empty, 'has', 'have')} no area", empty))
    if outside:
        words = f"{_counted(outside, 'reaches', 'reach')} out of the picture, by up to {farthest:,.6g} px"
        words += f", {gone:,} of them wholly" if gone else ""
        findings.append(_finding(words, outside, beyond=farthest, wholly=gone))
    if doubled:
        words = f"{_counted(doubled, 'repeats', 'repeat')} another of the same class"
        findings.append(_finding(f"{words}, equal or with an IoU of {DOUBLED} and more", doubled))
    return findings


def _beyond(boxes: Boxes) -> npt.NDArray[np.float64]:
    """How far each box reaches out of its picture, in pixels, ``[N]``; 0 or less inside."""
    low, high = boxes.xyxy[:, :2], boxes.xyxy[:, 2:]
    limit = np.array([boxes.size.width, boxes.size.height], np.float64)
    distances: npt.NDArray[np.float64] = np.maximum(-low, high - limit).max(axis=1)
    return distances


def _wholly_outside(boxes: Boxes) -> npt.NDArray[np.bool_]:
    """Which boxes have no part in the picture, ``[N]``."""
    limit = np.array([boxes.size.width, boxes.size.height], np.float64)
    outside: npt.NDArray[np.bool_] = np.any((boxes.xyxy[:, 2:] <= 0) | (boxes.xyxy[:, :2] >= limit), axis=1)
    return outside


def _doubled(labels: Sequence[str], boxes: Boxes) -> npt.NDArray[np.bool_]:
    """Which boxes repeat an earlier one of their class, ``[N]``."""
    again = np.zeros(len(boxes), np.bool_)
    classes: defaultdict[str, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        classes[label].append(index)
    for members in filter(lambda each: len(each) > 1, classes.values()):
        rows = boxes.xyxy[members]
        again[members] = _equal_to_earlier(rows)
        if len(members) <= _COMPARED:
            again[members] |= _overlapping_earlier(Boxes(rows, boxes.size))
    return again


def _equal_to_earlier(rows: Coordinates) -> npt.NDArray[np.bool_]:
    _, first = np.unique(rows, axis=0, return_index=True)
    again = np.ones(len(rows), np.bool_)
    again[first] = False
    return again


def _overlapping_earlier(boxes: Boxes) -> npt.NDArray[np.bool_]:
    again: npt.NDArray[np.bool_] = np.any(np.tril(boxes.iou(boxes) >= DOUBLED, k=-1), axis=1)
    return again


def _counted(found: Sequence[_Box], one: str, several: str) -> str:
    return f"1 box {one}" if len(found) == 1 else f"{len(found):,} boxes {several}"


def _finding(words: str, found: Sequence[_Box], **figures: float) -> Finding:
    paths = list(dict.fromkeys(box.path for box in found))
    more = f" and {len(found) - 3:,} more" if len(found) > 3 else ""
    listed = "; ".join(map(str, found[:3])) + more
    counts = {"boxes": len(found), "pictures": len(paths), **figures}
    return Finding("boxes", "warning", f"{words}: {listed}", tuple(paths[:MOST_PATHS]), counts)
