import numpy as np
import pytest

from sightline.pixels.draw_boxes import class_colour
from sightline.report.object_pictures import draw_error, draw_truth
from sightline.values.boxes import Boxes
from sightline.values.evaluation import XYXY, DetectionError
from sightline.values.image import Pixels, Size
from sightline.values.objects import Detections, Objects

SIZE = Size(200, 100)
CLASSES = ("open", "spur")
GREY = 120


def picture(size: Size = SIZE) -> Pixels:
    return np.full((size.height, size.width, 3), GREY, np.uint8)


def truth(*rows: XYXY, size: Size = SIZE) -> Objects:
    boxes = Boxes(np.array(rows).reshape(-1, 4), size)
    return Objects(boxes, np.zeros(len(rows), np.int64), np.zeros(len(rows), np.bool_))


def answers(*rows: XYXY, size: Size = SIZE) -> Detections:
    boxes = Boxes(np.array(rows).reshape(-1, 4), size)
    return Detections(boxes, np.ones(len(rows), np.int64), np.full(len(rows), 0.8))


def has(pixels: Pixels, colour: tuple[int, int, int]) -> bool:
    return bool((pixels == colour).all(axis=2).any())


def halves(drawn: Pixels) -> tuple[Pixels, Pixels]:
    """Both views without their titles."""
    middle = drawn.shape[1] // 2
    return drawn[28:, : middle - 2], drawn[28:, middle + 2 :]


def test_truth_is_left_and_the_answer_right() -> None:
    box = (90.0, 40.0, 120.0, 60.0)
    error = DetectionError("a.jpg", "open", box, 0.0, 0.9, "spur")
    left, right = halves(draw_error(picture(), truth(box), answers(box), error, CLASSES))
    assert has(left, class_colour(0))
    assert not has(left, class_colour(1))
    assert has(right, class_colour(1))
    assert not has(right, class_colour(0))


def test_the_empty_side_marks_the_place() -> None:
    box = (90.0, 40.0, 120.0, 60.0)
    error = DetectionError("a.jpg", "open", box, 0.0, 0.0, "")
    left, right = halves(draw_error(picture(), truth(box), answers(), error, CLASSES))
    assert has(right, (255, 255, 255))
    rows, columns = np.nonzero((right == 255).all(axis=2))
    placed, beside = np.nonzero((left == class_colour(0)).all(axis=2))
    # Beside the tag, which stands above the box, both outlines lie at the same place.
    assert abs(int(rows.max()) - int(placed.max())) < 6
    assert abs(int(columns.min()) - int(beside.min())) < 6


@pytest.mark.parametrize("box", [(0, 0, 3, 3), (198, 97, 200, 100), (0, 0, 200, 100), (90, 0, 92, 100)])
@pytest.mark.parametrize("size", [SIZE, Size(20, 10), Size(1000, 500)])
def test_any_error_in_any_picture_gives_views_of_one_size(box: XYXY, size: Size) -> None:
    error = DetectionError("a.jpg", "spur", box, 0.8, 0.0, "")
    # Pixels of another size than the boxes' picture, as of a reduced decode.
    drawn = draw_error(picture(size), truth(), answers(box), error, CLASSES)
    assert drawn.shape == (288 + 28, 2 * 288 + 4, 3)
    assert drawn.dtype == np.uint8
    assert has(halves(drawn)[1], class_colour(1))


def test_a_picture_smaller_than_the_view_is_padded() -> None:
    tiny = Size(8, 4)
    error = DetectionError("a.jpg", "open", (1, 1, 3, 3), 0.0, 0.0, "")
    left, _ = halves(
        draw_error(picture(tiny), truth((1, 1, 3, 3), size=tiny), answers(size=tiny), error, CLASSES)
    )
    assert (left[0] == left[0, 0]).all()
    assert has(left, (GREY, GREY, GREY))


def test_objects_elsewhere_are_drawn_without_a_name() -> None:
    box, other = (90.0, 40.0, 110.0, 60.0), (120.0, 30.0, 134.0, 44.0)
    error = DetectionError("a.jpg", "open", box, 0.0, 0.0, "")
    alone = draw_error(picture(), truth(box), answers(), error, CLASSES)
    both = draw_error(picture(), truth(box, other), answers(), error, CLASSES)
    count = [int((each == class_colour(0)).all(axis=2).sum()) for each in (alone, both)]
    assert count[0] < count[1] < 2 * count[0]


def test_ignored_objects_are_grey() -> None:
    boxes = Boxes(np.array([[10.0, 10, 60, 60], [100, 10, 160, 60]]), SIZE)
    objects = Objects(boxes, np.array([1, 1]), np.array([False, True]))
    drawn = draw_truth(picture(), objects)
    assert drawn.shape == (100, 200, 3)
    assert has(drawn[:, :90], class_colour(1))
    assert not has(drawn[:, 90:], class_colour(1))


def test_truth_is_drawn_small_and_in_place() -> None:
    size = Size(2000, 1000)
    drawn = draw_truth(picture(size), truth((1000, 500, 1400, 900), size=size), longest=200)
    assert drawn.shape == (100, 200, 3)
    rows, columns = np.nonzero((drawn == class_colour(0)).all(axis=2))
    assert (rows.min(), columns.min()) == (48, 98)
    assert (rows.max(), columns.max()) == (91, 141)
