"""Which detection found which object, by COCO's rules as ``faster-coco-eval`` carries them out.

Within a picture and a class, detections choose in the order of falling score, each the free object that it
overlaps most, if that is enough. One that can only find an ignored object does not count, nor one of
another area that found nothing (Lin et al. 2014, "Microsoft COCO", and the evaluation code beside it).

The library holds what it found picture by picture in C++ objects whose pickled state is the only way to it
from Python; the tests hold what is read here to the library's own totals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from faster_coco_eval import COCO, COCOeval_faster

from sightline.evaluate.matches import (
    AREAS,
    IOUS,
    MOST_DETECTIONS,
    Area,
    ClassMatches,
    Floats,
    Labels,
    Marks,
    Matches,
)
from sightline.values.objects import Detections, Objects

State = tuple[list[int], list[int], list[float], list[bool], list[bool], list[tuple[int, int, float]]]
"""Of one picture, class and area: numbers of the objects found, IoU by IoU (``[10 * D]``, 0 for none);
numbers of the detections that found something; scores; whether each object is left out; whether each
detection is, IoU by IoU (``[10 * D]``); and all pairs with their IoU."""


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """What the library found, in the order of its list: classes, within them areas, within them pictures."""

    states: Sequence[Any]
    areas: int
    pictures: int

    def state(self, c: int, area: int, picture: int) -> State:
        place = (c * self.areas + area) * self.pictures + picture
        found: State = self.states[place].__getstate__()
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Given:
    """One class's detections, picture by picture, within one by falling score: ``[D]`` each."""

    picture: Labels
    index: Labels
    score: Floats


def match(
    truth: Sequence[Objects],
    answers: Sequence[Detections],
    classes: int,
    areas: Sequence[Area] = tuple(AREAS),
) -> Matches:
    """Match each picture's detections with its objects.

    Args:
        truth: what is in each of N pictures.
        answers: what the detector found in each.
        classes: how many classes there are; every class number is below.
        areas: which of the ``AREAS`` to judge by; "all" is among them.
    """
    if len(truth) != len(answers):
        raise ValueError(f"{len(truth)} pictures with a truth came with answers to {len(answers)}")
    for labels in (each.classes for pictures in (truth, answers) for each in pictures):
        if labels.size and not 0 <= labels.min() <= labels.max() < classes:
            raise ValueError(f"class numbers lie in 0..{classes - 1}, got {np.unique(labels)}")
    judged = _judged(truth, answers, classes, areas)
    given, present = _given(answers, classes), _present(truth, classes)
    first = np.cumsum([1, *(len(each) for each in truth)])
    by_area = {
        area: tuple(_read(judged, c, a, present[c], given[c], first) for c in range(classes))
        for a, area in enumerate(areas)
    }
    return Matches(len(truth), by_area)


def _judged(
    truth: Sequence[Objects], answers: Sequence[Detections], classes: int, areas: Sequence[Area]
) -> _Judged:
    objects = [
        {"image_id": i, "category_id": c, "bbox": box, "area": area, "iscrowd": int(ignored)}
        for i, each in enumerate(truth)
        for c, box, area, ignored in zip(
            each.classes.tolist(),
            each.boxes.to("xywh").tolist(),
            each.boxes.areas.tolist(),
            each.ignored.tolist(),
            strict=True,
        )
    ]
    detections = [
        {"image_id": i, "category_id": c, "bbox": box, "area": area, "iscrowd": 0, "score": score}
        for i, each in enumerate(answers)
        for c, box, area, score in zip(
            each.classes.tolist(),
            each.boxes.to("xywh").tolist(),
            each.boxes.areas.tolist(),
            each.scores.tolist(),
            strict=True,
        )
    ]
    one, other = (_annotated(len(truth), classes, rows) for rows in (objects, detections))
    evaluation = COCOeval_faster(one, other, "bbox", print_function=_silence, separate_eval=True)
    evaluation.params.iouThrs, evaluation.params.maxDets = IOUS, [MOST_DETECTIONS]
    evaluation.params.areaRng = [list(AREAS[area]) for area in areas]
    evaluation.params.areaRngLbl = list(areas)
    evaluation.evaluate()
    return _Judged(evaluation._evalImgs_cpp, len(areas), len(truth))


def _annotated(pictures: int, classes: int, rows: list[dict[str, Any]]) -> Any:
    """Rows as the library's COCO; they are numbered from 1, because 0 stands for none in its answers."""
    return COCO(
        {
            "images": [{"id": i} for i in range(pictures)],
            "categories": [{"id": c, "name": str(c)} for c in range(classes)],
            "annotations": [{"id": number, **row} for number, row in enumerate(rows, 1)],
        },
        print_function=_silence,
    )


def _silence(*_: object) -> None:
    pass


def _given(answers: Sequence[Detections], classes: int) -> list[_Given]:
    """Each class's detections as the library takes them up: the best 300 of each picture."""
    counts = [len(each) for each in answers]
    picture = np.repeat(np.arange(len(answers)), counts)
    index = np.concatenate([np.arange(count) for count in counts]) if counts else np.empty(0, np.int64)
    score = np.concatenate([each.scores for each in answers]) if counts else np.empty(0)
    label = np.concatenate([each.classes for each in answers]) if counts else np.empty(0, np.int64)
    order = np.lexsort((-score, picture))
    found = []
    for c in range(classes):
        own = order[label[order] == c]
        starts = np.searchsorted(picture[own], picture[own], side="left")
        own = own[np.arange(own.size) - starts < MOST_DETECTIONS]
        found.append(_Given(picture[own], index[own], score[own]))
    return found


def _present(truth: Sequence[Objects], classes: int) -> Marks:
    """Whether a class has objects in a picture, ``[C, N]``."""
    present = np.zeros((classes, len(truth)), np.bool_)
    for i, each in enumerate(truth):
        present[each.classes, i] = True
    return present


def _read(judged: _Judged, c: int, area: int, present: Marks, given: _Given, first: Labels) -> ClassMatches:
    """One class in one area: the library's lists of every picture, joined and sorted by falling score.

    ``first`` ``[N]`` is the number of each picture's first object.
    """
    objects, found, left_out = np.zeros(judged.pictures), list[int](), list[bool]()
    counts = np.bincount(given.picture, minlength=judged.pictures)
    for i in np.flatnonzero(present | (counts > 0)).tolist():
        numbers, _, _, objects_ignored, ignored_by_iou, _ = judged.state(c, area, i)
        found += numbers
        objects[i] = objects_ignored.count(False)
        left_out += ignored_by_iou
    places = _places(counts)
    number, ignored = np.array(found, np.int64)[places], np.array(left_out, np.bool_)[places]
    order = np.argsort(-given.score, kind="stable")
    number, ignored, picture = number[:, order], ignored[:, order], given.picture[order]
    return ClassMatches(
        objects=objects,
        picture=picture,
        index=given.index[order],
        score=given.score[order],
        hits=(number > 0) & ~ignored,
        counts=~ignored,
        partner=np.where(number[0] > 0, number[0] - first[picture], -1),
    )


def _places(counts: npt.NDArray[np.intp]) -> Labels:
    """Where in lists joined picture by picture, IoU by IoU within one, each detection's entries are.

    ``[10, D]``, for pictures with ``counts`` ``[N]`` detections.
    """
    before = np.repeat(np.cumsum(counts) - counts, counts)
    inside = np.arange(before.size) - before
    return np.asarray(
        before * IOUS.size + inside + np.arange(IOUS.size)[:, None] * np.repeat(counts, counts), np.int64
    )
