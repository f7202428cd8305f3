import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.values.boxes import BOX_FORMATS, Boxes, BoxFormat
from sightline.values.image import Size

SIZE = Size(640, 480)
coordinates = st.floats(-2000, 2000, allow_nan=False, width=32)
corner_pairs = st.tuples(coordinates, coordinates, coordinates, coordinates)


def ordered(corners: tuple[float, float, float, float]) -> list[float]:
    x, y, other_x, other_y = corners
    return [min(x, other_x), min(y, other_y), max(x, other_x), max(y, other_y)]


boxes = st.builds(
    lambda corners: Boxes(np.array([ordered(c) for c in corners]).reshape(-1, 4), SIZE),
    st.lists(corner_pairs, max_size=6),
)


@given(boxes, st.sampled_from(BOX_FORMATS))
def test_conversions_invert(given_boxes: Boxes, form: BoxFormat) -> None:
    back = Boxes.of(given_boxes.to(form), SIZE, form)
    np.testing.assert_allclose(back.xyxy, given_boxes.xyxy, atol=1e-9)


@pytest.mark.parametrize(
    ("form", "numbers"),
    [
        ("xyxy", (64, 48, 192, 144)),
        ("xywh", (64, 48, 128, 96)),
        ("cxcywh", (128, 96, 128, 96)),
        ("normalised-xyxy", (0.1, 0.1, 0.3, 0.3)),
        ("normalised-cxcywh", (0.2, 0.2, 0.2, 0.2)),
    ],
)
def test_what_each_format_means(form: BoxFormat, numbers: tuple[float, ...]) -> None:
    made = Boxes.of([numbers], SIZE, form)
    np.testing.assert_allclose(made.xyxy, [[64, 48, 192, 144]], atol=1e-9)
    np.testing.assert_allclose(made.to(form), [numbers], atol=1e-12)


@given(boxes, boxes)
def test_iou_is_symmetric_and_within_zero_and_one(one: Boxes, other: Boxes) -> None:
    matrix = one.iou(other)
    assert matrix.shape == (len(one), len(other))
    assert ((matrix >= 0) & (matrix <= 1)).all()
    np.testing.assert_array_equal(matrix, other.iou(one).T)


@given(boxes)
def test_a_box_with_an_area_agrees_fully_with_itself_and_an_empty_one_with_nothing(some: Boxes) -> None:
    own = np.diag(some.iou(some))
    np.testing.assert_allclose(own, (some.areas > 0).astype(float))


def test_iou_by_hand() -> None:
    one = Boxes(np.array([[0.0, 0.0, 2.0, 2.0]]), SIZE)
    two = Boxes(np.array([[1.0, 0.0, 3.0, 2.0], [2.0, 2.0, 4.0, 4.0]]), SIZE)
    np.testing.assert_allclose(one.iou(two), [[1 / 3, 0.0]])


@given(boxes)
def test_clipped_boxes_lie_in_the_picture(some: Boxes) -> None:
    clipped = some.clipped().xyxy
    assert (clipped >= 0).all()
    assert (clipped <= [640, 480, 640, 480]).all()


@pytest.mark.parametrize(
    "corners", [[[0, 0, float("nan"), 1]], [[0, 0, float("inf"), 1]], [[5, 0, 4, 1]], [[0, 5, 1, 4]]]
)
def test_what_is_no_box_is_refused(corners: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="box"):
        Boxes(np.array(corners), SIZE)


@pytest.mark.parametrize("shape", [(1, 3), (4, 3), (4,), (2, 2, 4)])
def test_another_shape_is_refused_and_no_boxes_are_boxes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="rows of four"):
        Boxes(np.zeros(shape), SIZE)
    with pytest.raises(ValueError, match="rows of four"):
        Boxes.of(np.zeros(shape), SIZE, "xywh")
    assert len(Boxes.of([], SIZE, "cxcywh")) == len(Boxes(np.empty((0, 4)), SIZE)) == 0


def test_boxes_are_values() -> None:
    corners = np.array([[0.0, 0.0, 1.0, 1.0]])
    one, same = Boxes(corners, SIZE), Boxes(corners, SIZE)
    corners[0, 2] = 9.0
    assert one == same
    assert hash(one) == hash(same)
    assert one != Boxes(corners, SIZE)
    assert one != Boxes(one.xyxy, Size(1, 1))
    with pytest.raises(ValueError, match="read-only"):
        one.xyxy[0, 0] = 3.0
