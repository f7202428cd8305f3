import numpy as np
import pytest

from evaluate.drawn_objects import detections, objects
from sightline.evaluate.classified import Classified
from sightline.evaluate.matches import Matches
from sightline.evaluate.matching import match
from sightline.evaluate.thresholds import best_f1_thresholds, precision_thresholds


def two(truth: list[int], scores: list[float]) -> Classified:
    return Classified(np.array(truth), np.array([[1 - s, s] for s in scores]))


def test_classes_that_part_are_cut_in_the_middle_of_the_gap() -> None:
    found = best_f1_thresholds(two([1, 1, 0, 0], [0.9, 0.7, 0.3, 0.2]), ("no", "yes"))
    assert found == {"no": pytest.approx(0.5), "yes": pytest.approx(0.5)}


def test_best_f1_by_hand() -> None:
    # cutting below 0.6 gives F1 2*2/(3+3) = 0.67, below 0.4 gives 2*3/(5+3) = 0.75, below 0.8 gives 0.8
    found = best_f1_thresholds(two([1, 1, 0, 0, 1, 0], [0.9, 0.8, 0.7, 0.6, 0.4, 0.1]), ("no", "yes"))
    assert found["yes"] == pytest.approx(0.75)


def test_equal_scores_are_never_parted() -> None:
    found = best_f1_thresholds(two([1, 1, 0, 0], [0.6, 0.5, 0.5, 0.1]), ("no", "yes"))
    assert found["yes"] == pytest.approx(0.3)


def test_a_class_without_pictures_gets_one_half() -> None:
    found = best_f1_thresholds(two([0, 0], [0.2, 0.4]), ("no", "yes"))
    assert found["yes"] == 0.5
    assert found["no"] == pytest.approx(0.3), "all pictures are of it: half of the lowest score"


def test_no_other_threshold_does_better() -> None:
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 3, 80)
    probabilities = rng.dirichlet([1.0] * 3, size=80).round(2)
    found = best_f1_thresholds(Classified(truth, probabilities), ("a", "b", "c"))
    for c, threshold in enumerate(found.values()):
        own, scores = truth == c, probabilities[:, c]

        def f1(cut: float, own: np.ndarray = own, scores: np.ndarray = scores) -> float:
            taken = scores >= cut
            return float(2 * (taken & own).sum() / (taken.sum() + own.sum()))

        assert f1(threshold) == max(f1(cut) for cut in np.unique(scores))


def test_the_lowest_threshold_that_keeps_a_wanted_precision() -> None:
    # precision after each: 1, 1, 2/3, 3/4, 3/5, 1/2
    answers = two([1, 1, 0, 1, 0, 0], [0.9, 0.8, 0.7, 0.6, 0.4, 0.1])
    three_quarters = precision_thresholds(answers, ("no", "yes"), 0.75)
    assert three_quarters.thresholds["yes"] == pytest.approx(0.5)
    assert precision_thresholds(answers, ("no", "yes"), 0.8).thresholds["yes"] == pytest.approx(0.75)
    assert precision_thresholds(answers, ("no", "yes"), 0.5).thresholds["yes"] == pytest.approx(0.05)
    assert three_quarters.short == {}


def test_a_precision_out_of_reach_is_told() -> None:
    # precision after each: 0, 1/2, 2/3, 1/2, 3/5
    answers = two([0, 1, 1, 0, 1], [0.9, 0.8, 0.7, 0.6, 0.4])
    found = precision_thresholds(answers, ("no", "yes"), 0.9)
    assert found.thresholds["yes"] == pytest.approx(0.65)
    assert found.short["yes"] == pytest.approx(2 / 3)
    assert found.wanted == 0.9


def test_a_class_without_pictures_has_no_precision() -> None:
    found = precision_thresholds(two([0, 0], [0.2, 0.4]), ("no", "yes"), 0.9)
    assert found.thresholds["yes"] == 0.5
    assert found.short == {"yes": 0.0}
    with pytest.raises(ValueError, match="wanted precision"):
        precision_thresholds(two([0, 0], [0.2, 0.4]), ("no", "yes"), 0.0)


def found_boxes() -> Matches:
    """Of "hole": finds at .9, .7 and .4 of four objects, one of them ignored, and others at .8, .6 and .5."""
    places = [[0, 0, 40, 40], [50, 0, 90, 40], [100, 0, 140, 40], [150, 0, 190, 40]]
    truth = [objects(places, [0] * 4, [False] * 3 + [True])]
    away = [300, 300, 340, 340]
    boxes = [places[0], away, places[1], places[3], away, places[2], away]
    answers = [detections(boxes, [0] * 6 + [1], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3])]
    return match(truth, answers, 3)


def test_boxes_that_found_something_are_parted_from_the_rest() -> None:
    # counted: right .9, wrong .8, right .7, wrong .5, right .4 of three objects: F1 2/4, 2/5, 4/6, 4/7, 6/8
    found = best_f1_thresholds(found_boxes(), ("hole", "short", "spur"))
    assert found == {"hole": pytest.approx(0.2), "short": 0.5, "spur": 0.5}


def test_a_wanted_precision_of_boxes() -> None:
    found = precision_thresholds(found_boxes(), ("hole", "short", "spur"), 0.65)
    assert found.thresholds == {"hole": pytest.approx(0.6), "short": 0.5, "spur": 0.5}
    assert found.short == {"short": 0.0, "spur": 0.0}
