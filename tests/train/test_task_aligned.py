"""Which place answers for which object, and the parts of the loss."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sightline.train.arch.base import Target
from sightline.train.task_aligned import Places, assign, complete_iou, detection_loss, iou
from sightline.values.boxes import Boxes
from sightline.values.image import Size


def grid(side: int = 8, stride: int = 8) -> Places:
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    points = (torch.stack([x, y], dim=2).reshape(-1, 2).float() + 0.5) * stride
    return Places(points, torch.full((side * side,), float(stride)))


def target(boxes: list[list[float]], classes: list[int], ignored: list[bool] | None = None) -> Target:
    marks = ignored or [False] * len(boxes)
    return Target(
        torch.tensor(boxes).reshape(-1, 4), torch.tensor(classes, dtype=torch.int64), torch.tensor(marks)
    )


def around(places: Places, half: float) -> torch.Tensor:
    return torch.cat([places.points - half, places.points + half], dim=1)


def test_places_answer_only_for_objects_that_they_lie_in() -> None:
    places = grid()
    wanted = target([[0, 0, 20, 20], [40, 40, 60, 60]], [0, 1])
    found = assign(torch.full((64, 2), 0.5), around(places, 10.0), places, wanted)
    for place, owner in zip(places.points.tolist(), found.objects.tolist(), strict=True):
        if owner >= 0:
            x0, y0, x1, y1 = wanted.boxes[owner].tolist()
            assert x0 < place[0] < x1
            assert y0 < place[1] < y1
    assert set(found.objects.tolist()) == {-1, 0, 1}
    assert ((found.quality > 0) == (found.objects >= 0)).all()


def test_the_best_place_has_the_quality_of_its_overlaps_square_root() -> None:
    places = grid()
    boxes = around(places, 10.0)
    wanted = target([[14, 14, 34, 34]], [0])
    found = assign(torch.full((64, 1), 0.5), boxes, places, wanted)
    overlap = float(iou(boxes, wanted.boxes).max())
    assert float(found.quality.max()) == pytest.approx(overlap**0.5, abs=1e-5)


def test_an_object_that_nothing_overlaps_yet_still_gets_places() -> None:
    places = grid()
    far = torch.tensor([[1000.0, 1000, 1001, 1001]]).repeat(64, 1)
    found = assign(torch.zeros(64, 1), far, places, target([[0, 0, 64, 64]], [0]))
    owners = (found.objects == 0).nonzero()[:, 0]
    assert len(owners) == 10
    assert (places.points[owners] - 32).norm(dim=1).max() < (places.points - 32).norm(dim=1).median()


def test_without_objects_nobody_answers() -> None:
    found = assign(torch.zeros(64, 1), around(grid(), 4.0), grid(), target([], []))
    assert (found.objects == -1).all()
    assert (found.quality == 0).all()


def test_nothing_is_learned_from_ignored_objects() -> None:
    places = grid()
    logits = torch.zeros(1, 64, 1, requires_grad=True)
    everything = target([[0, 0, 64, 64]], [0], [True])
    loss = detection_loss(logits, around(places, 4.0)[None], places, [everything])
    assert loss.item() == 0.0
    corner = target([[0, 0, 32, 32]], [0], [True])
    detection_loss(logits, around(places, 4.0)[None], places, [corner]).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    inside = (places.points < 32).all(dim=1)
    assert (logits.grad[0, inside] == 0).all()
    assert (logits.grad[0, ~inside] > 0).all()


def test_where_an_object_is_the_other_classes_weigh_as_much_as_its_own() -> None:
    places = grid()
    logits = torch.full((1, 64, 3), -4.0, requires_grad=True)
    wanted = target([[14, 14, 34, 34]], [1])
    boxes = around(places, 10.0)
    found = assign(logits[0].sigmoid(), boxes, places, wanted)
    detection_loss(logits, boxes[None], places, [wanted]).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    answering = found.objects >= 0
    others = logits.grad[0][:, [0, 2]]
    share = float(others[answering].min() / others[~answering].max())
    chance = torch.tensor(-4.0).sigmoid()
    assert share == pytest.approx(float(1 / (0.75 * chance**2)), rel=1e-4)
    assert (logits.grad[0, answering, 1] < others[answering, 0]).all()


def test_nothing_stays_to_be_learned_where_all_is_right() -> None:
    places = grid()
    boxes = torch.tensor([[14.0, 14, 34, 34]]).repeat(64, 1)
    wanted = target([[14, 14, 34, 34]], [0])
    logits = torch.full((1, 64, 2), -20.0)
    logits[0, assign(logits[0].sigmoid(), boxes, places, wanted).objects >= 0, 0] = 20.0
    assert float(detection_loss(logits, boxes[None], places, [wanted])) == pytest.approx(0.0, abs=1e-3)


boxes = st.tuples(*(st.floats(0, 90) for _ in range(2)), *(st.floats(1, 60) for _ in range(2)))


@given(boxes, boxes)
def test_overlaps_are_those_of_the_values(one: tuple[float, ...], other: tuple[float, ...]) -> None:
    rows = [[x, y, x + w, y + h] for x, y, w, h in (one, other)]
    first, second = (Boxes.of([row], Size(200, 200), "xyxy") for row in rows)
    a, b = (torch.tensor([row], dtype=torch.float64) for row in rows)
    assert float(iou(a, b)[0]) == pytest.approx(float(first.iou(second)[0, 0]), abs=1e-6)
    assert float(complete_iou(a, b)[0]) <= float(iou(a, b)[0]) + 1e-9
    assert float(complete_iou(a, a)[0]) == pytest.approx(1.0, abs=1e-6)
