"""The contract of output files, and both tasks' own answers."""

from collections.abc import Mapping

import numpy as np
import pytest

from sightline.infer.outputs import OUTPUTS, classification, detection
from sightline.infer.outputs.base import Reading
from sightline.infer.runtimes.base import Arrays
from sightline.values.contract import ModelContract, PixelRecipe, Suppression, task_outputs
from sightline.values.dataset import TASKS, Task
from sightline.values.image import Size

CLASSES = ("a", "b", "c")
SIZE = Size(64, 32)


def contract(task: Task) -> ModelContract:
    rule = Suppression(detections=4, candidates=4) if task == "detection" else None
    return ModelContract(task, CLASSES, PixelRecipe(SIZE), (), task_outputs(task, CLASSES, rule), rule)


def test_every_task_has_its_output() -> None:
    assert set(OUTPUTS.names()) == set(TASKS)


@pytest.mark.parametrize("task", TASKS)
def test_every_output_answers_each_picture(task: Task) -> None:
    agreed = contract(task)
    assert all(spec.shape[0] == "N" for spec in agreed.outputs)
    outputs = {
        spec.name: np.zeros([5 if isinstance(each, str) else each for each in spec.shape], dtype=spec.dtype)
        for spec in agreed.outputs
    }
    assert len(OUTPUTS.load(task).interpret(outputs, agreed, {}, 5)) == 5


def labelled(
    *rows: list[float], thresholds: Mapping[str, float] | None = None, top: int = 5
) -> list[Reading | None]:
    outputs: Arrays = {"probabilities": np.array(rows, dtype=np.float32)}
    return list(classification.interpret(outputs, contract("classification"), thresholds or {}, top))


def only(readings: list[Reading | None]) -> Reading:
    (reading,) = readings
    assert reading is not None
    return reading


def test_labels_fall_by_score_and_stop_at_top() -> None:
    labels = only(labelled([0.2, 0.5, 0.3], top=2)).labels
    assert [(each.label, round(each.score, 3)) for each in labels] == [("b", 0.5), ("c", 0.3)]


def test_among_equals_the_earlier_class_comes_first() -> None:
    assert [each.label for each in only(labelled([0.25, 0.25, 0.5])).labels] == ["c", "a", "b"]


def test_a_class_is_accepted_from_its_own_threshold_on() -> None:
    labels = only(labelled([0.5, 0.375, 0.125], thresholds={"a": 0.5, "b": 0.4})).labels
    assert [(each.label, each.accepted) for each in labels] == [("a", True), ("b", False), ("c", True)]


def test_numbers_that_are_not_finite_give_no_labels() -> None:
    first, second = labelled([np.nan, 0, 1], [1, 0, 0])
    assert first is None
    assert second is not None
    assert second.labels[0].label == "a"


def found(many: int, **changes: object) -> Arrays:
    outputs: dict[str, object] = {
        "boxes": [[[0, 0, 8, 8], [10, 10, 20, 30], [-5, 4, 70, 9], [0, 0, 0, 0]]],
        "scores": [[0.9, 0.6, 0.2, 0]],
        "classes": [[1, 0, 1, -1]],
        "count": [many],
        **changes,
    }
    kinds = {"boxes": np.float32, "scores": np.float32, "classes": np.int64, "count": np.int64}
    return {name: np.array(outputs[name], kind) for name, kind in kinds.items()}


def test_objects_are_those_that_reach_their_threshold() -> None:
    agreed = contract("detection")
    reading = only(list(detection.interpret(found(3), agreed, {"a": 0.7, "b": 0.1}, 5)))
    assert [(each.label, round(each.score, 3), each.accepted) for each in reading.labels] == [
        ("b", 0.9, True),
        ("b", 0.2, True),
    ]
    assert reading.boxes is not None
    assert reading.boxes.xyxy.tolist() == [[0, 0, 8, 8], [0, 4, 64, 9]]
    assert len(only(list(detection.interpret(found(3), agreed, {}, 1))).labels) == 1
    assert only(list(detection.interpret(found(0), agreed, {}, 5))).labels == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": [5]},
        {"count": [-1]},
        {"scores": [[0.9, np.nan, 0.2, 0]]},
        {"scores": [[1.5, 0.6, 0.2, 0]]},
        {"classes": [[1, 3, 1, -1]]},
        {"boxes": [[[8, 0, 0, 8], [10, 10, 20, 30], [-5, 4, 70, 9], [0, 0, 0, 0]]]},
    ],
)
def test_numbers_that_make_no_sense_give_no_objects(wrong: dict[str, object]) -> None:
    assert detection.interpret(found(3, **wrong), contract("detection"), {}, 5) == (None,)
