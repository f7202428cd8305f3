"""The contract of output files, and classification's own answers."""

import numpy as np
import pytest

from sightline.infer.outputs import OUTPUTS, classification
from sightline.infer.runtimes.base import Arrays

CLASSES = ("a", "b", "c")


def probabilities(*rows: list[float]) -> Arrays:
    return {"probabilities": np.array(rows, dtype=np.float32)}


@pytest.mark.parametrize("name", OUTPUTS.names())
def test_every_output_says_what_it_needs_and_answers_each_picture(name: str) -> None:
    output = OUTPUTS.load(name)
    needed = output.tensors(CLASSES)
    assert needed
    assert all(spec.shape[0] == "N" for spec in needed)
    outputs = {
        spec.name: np.zeros([5 if isinstance(each, str) else each for each in spec.shape], dtype=spec.dtype)
        for spec in needed
    }
    assert len(output.interpret(outputs, CLASSES, {}, 5)) == 5


def test_labels_fall_by_score_and_stop_at_top() -> None:
    (labels,) = classification.interpret(probabilities([0.2, 0.5, 0.3]), CLASSES, {}, 2)
    assert [(each.label, round(each.score, 3)) for each in labels] == [("b", 0.5), ("c", 0.3)]


def test_among_equals_the_earlier_class_comes_first() -> None:
    (labels,) = classification.interpret(probabilities([0.25, 0.25, 0.5]), CLASSES, {}, 5)
    assert [each.label for each in labels] == ["c", "a", "b"]


def test_a_class_is_accepted_from_its_own_threshold_on() -> None:
    (labels,) = classification.interpret(probabilities([0.5, 0.375, 0.125]), CLASSES, {"a": 0.5, "b": 0.4}, 3)
    assert [(each.label, each.accepted) for each in labels] == [("a", True), ("b", False), ("c", True)]


def test_numbers_that_are_not_finite_give_no_labels() -> None:
    first, second = classification.interpret(probabilities([np.nan, 0, 1], [1, 0, 0]), CLASSES, {}, 3)
    assert first == ()
    assert second[0].label == "a"
