"""A detector's answers against the truth, in the figures that a person asks for."""

from collections.abc import Mapping, Sequence

import numpy as np

from sightline.evaluate.average_precision import AT_50, RECALLS, class_precisions, precision_curve
from sightline.evaluate.detection_errors import false_finds, missed
from sightline.evaluate.headline import headline
from sightline.evaluate.matches import ClassMatches, Floats, Matches
from sightline.evaluate.matching import match
from sightline.evaluate.thresholds import UNKNOWN
from sightline.values.dataset import Split
from sightline.values.evaluation import DetectionReport, ObjectScores
from sightline.values.objects import Detections, Objects


def evaluate_detections(
    truth: Sequence[Objects],
    answers: Sequence[Detections],
    classes: Sequence[str],
    paths: Sequence[str],
    split: Split,
    thresholds: Mapping[str, float],
    *,
    seed: int = 0,
) -> DetectionReport:
    """Judge the answers on one split: every metric of the task with its interval, and what lies behind.

    The figures are COCO's, over all detections however low their score; precision, recall and the errors
    are those at the operating thresholds. Ignored objects are in none of them.

    Args:
        truth: what is in each of N pictures, N at least 1.
        answers: what the detector found in each, sizes and boxes in the same pixels.
        classes: C names in output order; some may have no object.
        paths: N names of the pictures.
        split: which pictures these are.
        thresholds: by class name; one without gets 0.5.
        seed: of the bootstrap.
    """
    if not len(truth) == len(answers) == len(paths) > 0:
        raise ValueError(
            f"wanted at least one picture, each with its truth, its answers and its path; "
            f"got {len(truth)}, {len(answers)} and {len(paths)}"
        )
    matches = match(truth, answers, len(classes))
    cuts = [thresholds.get(name, UNKNOWN) for name in classes]
    return DetectionReport(
        split=split,
        pictures=len(truth),
        classes=tuple(classes),
        headline=headline(matches, seed),
        objects=sum(int((~each.ignored).sum()) for each in truth),
        per_class=_per_class(matches, classes, cuts),
        missed=missed(truth, answers, matches, classes, paths, cuts),
        false_finds=false_finds(truth, answers, matches, classes, paths, cuts),
    )


def _per_class(
    matches: Matches, classes: Sequence[str], thresholds: Sequence[float]
) -> tuple[ObjectScores, ...]:
    ones = np.ones((1, matches.pictures))
    ap, ap50 = class_precisions(matches, ones)[0], class_precisions(matches, ones, ious=[AT_50])[0]
    return tuple(
        _scores(name, table, threshold, float(ap[c]), float(ap50[c]))
        for c, (name, table, threshold) in enumerate(
            zip(classes, matches.by_area["all"], thresholds, strict=True)
        )
    )


def _scores(name: str, table: ClassMatches, threshold: float, ap: float, ap50: float) -> ObjectScores:
    given = table.counts[AT_50] & (table.score >= threshold)
    objects, found, hits = int(table.objects.sum()), int(given.sum()), int(table.hits[AT_50, given].sum())
    return ObjectScores(
        name=name,
        objects=objects,
        ap=ap,
        ap50=ap50,
        threshold=threshold,
        found=found,
        precision=hits / found if found else 0.0,
        recall=hits / objects if objects else 0.0,
        curve=_pairs(precision_curve(table)) if objects else (),
    )


def _pairs(precision: Floats) -> tuple[tuple[float, float], ...]:
    return tuple(zip(RECALLS.tolist(), precision.tolist(), strict=True))
