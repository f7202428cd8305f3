"""How far two models' answers are apart."""

import numpy as np
import pytest

from sightline.export.disagreement import disagreement
from sightline.export.onnx_file import contract
from sightline.infer.runtimes.base import Arrays
from sightline.values.contract import PixelRecipe, Suppression
from sightline.values.image import Size

PIXELS = PixelRecipe(Size(64, 64))
CLASSIFIER = contract("classification", ("a", "b"), PIXELS, 4)
DETECTOR = contract("detection", ("a", "b"), PIXELS, 4, Suppression())


def said(*rows: tuple[float, float]) -> list[Arrays]:
    return [{"probabilities": np.array(rows, np.float32)}]


def found(*boxes: tuple[float, float, float, float], score: float = 0.9) -> list[Arrays]:
    """One picture's answer."""
    all_boxes, scores = np.zeros((1, 300, 4), np.float32), np.zeros((1, 300), np.float32)
    for number, box in enumerate(boxes):
        all_boxes[0, number], scores[0, number] = box, score
    return [
        {
            "boxes": all_boxes,
            "scores": scores,
            "classes": np.zeros((1, 300), np.int64),
            "count": np.array([len(boxes)], np.int64),
        }
    ]


def test_a_classifiers_is_the_mass_that_moved() -> None:
    one = said((0.9, 0.1), (0.5, 0.5))
    assert disagreement(one, one, CLASSIFIER) == 0
    assert disagreement(one, said((0.7, 0.3), (0.5, 0.5)), CLASSIFIER) == pytest.approx(0.1)
    assert disagreement(one, said((0.1, 0.9), (np.nan, 0.5)), CLASSIFIER) == pytest.approx(0.9)


def test_a_detectors_is_what_its_boxes_lack() -> None:
    one = found((0, 0, 20, 20), (30, 30, 60, 60))
    assert disagreement(one, one, DETECTOR) == pytest.approx(0)
    assert 0 < disagreement(one, found((0, 0, 20, 20)), DETECTOR) < 1
    assert disagreement(one, found((21, 0, 25, 20)), DETECTOR) == pytest.approx(1)
    assert disagreement(one, found(), DETECTOR) == pytest.approx(1)


def test_where_nothing_is_to_be_found_finding_is_the_difference() -> None:
    assert disagreement(found(), found(), DETECTOR) == 0
    assert disagreement(found(), found((0, 0, 9, 9)), DETECTOR) == 1
    assert disagreement(found((0, 0, 9, 9), score=0.1), found((0, 0, 9, 9), score=0.1), DETECTOR) == 0


def test_numbers_that_make_no_sense_are_nothing_found() -> None:
    one = found((0, 0, 20, 20))
    odd = found((0, 0, 20, 20))
    odd[0]["boxes"][0, 0] = np.nan
    assert disagreement(one, odd, DETECTOR) == pytest.approx(1)
