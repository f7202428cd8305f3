from itertools import combinations

import numpy as np
import pytest

from sightline.pixels.draw_boxes import PALETTE, class_colour, draw_boxes
from sightline.values.boxes import Boxes
from sightline.values.image import Pixels, Size

GREY = 128
RED = (230, 57, 70)


def plain(size: Size) -> Pixels:
    return np.full((size.height, size.width, 3), GREY, np.uint8)


def some(number: int, size: Size, seed: int = 0) -> Boxes:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 0.9, (number, 2)) * (size.width, size.height)
    high = low + rng.uniform(2, 60, (number, 2))
    return Boxes(np.hstack([low, high]), size)


def is_colour(pixels: Pixels, colour: tuple[int, int, int]) -> Pixels:
    return np.asarray((pixels == colour).all(axis=2))


@pytest.mark.parametrize("style", ["solid", "dashed"])
@pytest.mark.parametrize("size", [Size(1, 1), Size(3, 400), Size(640, 480), Size(4000, 30)])
@pytest.mark.parametrize("number", [0, 1, 300])
def test_any_number_in_any_picture(number: int, size: Size, style: str) -> None:
    boxes = some(number, size)
    before = plain(size)
    drawn = draw_boxes(
        before,
        boxes,
        [f"class {k}" for k in range(number)],
        [class_colour(k) for k in range(number)],
        "dashed" if style == "dashed" else "solid",
    )
    assert drawn.shape == before.shape
    assert drawn.dtype == np.uint8
    assert (before == GREY).all(), "the picture given is left alone"
    assert (drawn != GREY).any() == bool(number)


def test_the_outline_lies_around_the_box_and_not_on_it() -> None:
    size = Size(200, 100)
    drawn = draw_boxes(plain(size), Boxes(np.array([[50.0, 30, 90, 70]]), size))
    rows, columns = np.nonzero(is_colour(drawn, RED))
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (49, 90, 29, 70)
    assert (drawn[30:70, 50:90] == GREY).all()


def test_boxes_are_scaled_to_the_pixels() -> None:
    boxes = Boxes(np.array([[50.0, 30, 90, 70]]), Size(200, 100))
    drawn = draw_boxes(plain(Size(100, 50)), boxes)
    assert (drawn[15:35, 25:45] == GREY).all()
    assert is_colour(drawn, RED)[14, 25:45].all()


def test_lines_grow_with_the_picture_and_with_their_weight() -> None:
    def thickness(size: Size, weight: float = 1.0) -> int:
        box = Boxes(np.array([[0.4, 0.4, 0.6, 0.6]]) * ([size.width, size.height] * 2), size)
        return int(is_colour(draw_boxes(plain(size), box, weight=weight), RED)[:, size.width // 2].sum()) // 2

    assert thickness(Size(200, 200)) == 1
    assert thickness(Size(200, 200), weight=3.0) == 2
    assert thickness(Size(2800, 2800)) == 11
    assert thickness(Size(8000, 80)) == 3, "a strip is no large picture"


def test_a_box_at_the_edge_keeps_all_its_sides() -> None:
    size = Size(200, 100)
    drawn = draw_boxes(plain(size), Boxes(np.array([[0.0, 0, 200, 100]]), size))
    coloured = is_colour(drawn, RED)
    assert all(side.all() for side in (coloured[0], coloured[-1], coloured[:, 0], coloured[:, -1]))


def test_what_is_outside_is_cut_off_or_left_out() -> None:
    size = Size(200, 100)
    reaching = draw_boxes(plain(size), Boxes(np.array([[150.0, 50, 900, 900]]), size))
    cut = draw_boxes(plain(size), Boxes(np.array([[150.0, 50, 200, 100]]), size))
    assert np.array_equal(reaching, cut)
    outside = Boxes(np.array([[300.0, 50, 400, 90], [20.0, 20, 20, 20]]), size)
    assert (draw_boxes(plain(size), outside, ["a", "b"]) == GREY).all()


def test_dashes_show_the_colour_and_white() -> None:
    size = Size(200, 100)
    box = Boxes(np.array([[50.0, 30, 90, 70]]), size)
    top = draw_boxes(plain(size), box, style="dashed")[29, 50:90]
    assert {tuple(point) for point in top.tolist()} == {RED, (255, 255, 255)}


def test_a_tag_stands_beside_its_box_and_covers_no_other() -> None:
    size = Size(400, 300)
    boxes = Boxes(np.array([[100.0, 100, 160, 160], [100.0, 60, 160, 98]]), size)
    colours = [class_colour(0), class_colour(1)]
    bare = draw_boxes(plain(size), boxes, colours=colours)
    drawn = draw_boxes(plain(size), boxes, ["open", "short"], colours)
    tags = (drawn != bare).any(axis=2)
    assert tags.any()
    assert not tags[100:160, 100:160].any()
    assert not tags[60:98, 100:160].any()


def test_a_tag_at_any_edge_lies_inside() -> None:
    size = Size(300, 200)
    corners = np.array([[0.0, 0, 30, 30], [270, 0, 300, 30], [0, 170, 30, 200], [270, 170, 300, 200]])
    for corner in corners:
        box = Boxes(corner[None], size)
        bare, drawn = draw_boxes(plain(size), box), draw_boxes(plain(size), box, ["mouse bite 98.2%"])
        rows, columns = np.nonzero((drawn != bare).any(axis=2))
        x0, y0, x1, y1 = corner.astype(int).tolist()
        assert columns.max() - columns.min() > 50, "the whole tag"
        assert not ((rows >= y0) & (rows < y1) & (columns >= x0) & (columns < x1)).any()


def test_in_a_crowd_tags_do_not_cover_each_other() -> None:
    size = Size(300, 300)
    boxes = Boxes(np.repeat([[100.0, 100, 140, 140]], 40, axis=0), size)
    colours = [class_colour(k) for k in range(40)]
    bare = draw_boxes(plain(size), boxes, colours=colours)
    drawn = draw_boxes(plain(size), boxes, ["first", *["other"] * 39], colours)
    tags = (drawn != bare).any(axis=2)
    assert is_colour(drawn, colours[0])[tags].any(), "the first box has its tag"
    assert len(np.unique(drawn[tags], axis=0)) > 3
    assert tags.sum() < 8 * 60 * 16


def test_an_empty_caption_makes_no_tag_and_a_long_one_is_shortened() -> None:
    size = Size(200, 100)
    box = Boxes(np.array([[50.0, 40, 90, 70]]), size)
    bare = draw_boxes(plain(size), box)
    assert np.array_equal(draw_boxes(plain(size), box, [""]), bare)
    long = draw_boxes(plain(size), box, ["a name that is far too long for this picture " * 3])
    assert (long != bare).any()


def test_colours_are_fixed_and_distinct() -> None:
    colours = [class_colour(number) for number in range(80)]
    assert colours == [class_colour(number) for number in range(80)]
    assert len(set(colours)) == 80
    assert all(0 <= level <= 255 for colour in colours for level in colour)
    apart = [
        sum(abs(a - b) for a, b in zip(one, other, strict=True)) for one, other in combinations(PALETTE, 2)
    ]
    assert min(apart) > 60
