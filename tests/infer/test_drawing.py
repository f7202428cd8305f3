import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from sightline.errors import InputError, Interrupted, StorageError
from sightline.infer.drawing import ANSWERS_FILE, draw_into
from sightline.infer.predictor import Answer
from sightline.pixels.decode import decode
from sightline.pixels.draw_boxes import class_colour
from sightline.values.boxes import Boxes
from sightline.values.image import Picture, Pixels, Size
from sightline.values.prediction import Prediction, ScoredLabel, Unanswered

Put = Callable[..., Path]


def about(path: Path, width: int = 20, height: int = 10) -> Prediction:
    return Prediction(str(path), Size(width, height), (ScoredLabel("red", 0.9, True),), "m@1")


def found(path: Path, *labels: str) -> Prediction:
    """Boxes beside each other in a picture of 200 x 100."""
    size = Size(200, 100)
    rows = [[20.0 + 60 * k, 30.0, 60.0 + 60 * k, 80.0] for k in range(len(labels))]
    scored = tuple(ScoredLabel(label, 0.9, True) for label in labels)
    return Prediction(str(path), size, scored, "m@1", Boxes(np.array(rows).reshape(-1, 4), size))


def drawn(path: Path) -> Pixels:
    picture = decode(path.read_bytes())
    assert isinstance(picture, Picture)
    return picture.pixels


def near(pixels: Pixels, colour: tuple[int, int, int]) -> int:
    """Points that are ``colour``, as far as a JPEG can tell."""
    return int((np.abs(pixels.astype(int) - colour).max(axis=2) < 40).sum())


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_pictures_and_every_answer_beside(tmp_path: Path, put: Put) -> None:
    out = tmp_path / "deep" / "out"
    bad = Unanswered("b.png", "no picture")
    tally = draw_into([about(put("a.png")), bad, about(put("c.png"))], out)
    assert names(out) == ["000001-a.jpg", "000003-c.jpg", ANSWERS_FILE]
    assert isinstance(decode((out / "000001-a.jpg").read_bytes()), Picture)
    lines = [json.loads(line) for line in (out / ANSWERS_FILE).read_text().splitlines()]
    assert [line.get("drawn") for line in lines] == ["000001-a.jpg", None, "000003-c.jpg"]
    assert (tally.answered, tally.unanswered) == (2, 1)
    assert names(out.parent) == ["out"]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        (b"line\nbreak.png", "000001-line_break.jpg"),
        (b"bad\xff.png", "000001-bad.jpg"),
        (b"-rf.png", "000001--rf.jpg"),
        ("\u2603.png".encode(), "000001-picture.jpg"),
        (b"x" * 200 + b".png", f"000001-{'x' * 80}.jpg"),
    ],
)
def test_names_are_safe(tmp_path: Path, put: Put, name: bytes, safe: str) -> None:
    draw_into([about(put(os.fsdecode(name)))], tmp_path / "out")
    assert names(tmp_path / "out") == [safe, ANSWERS_FILE]


def test_equal_names_do_not_collide(tmp_path: Path, put: Put) -> None:
    draw_into([about(put("one/a.png")), about(put("two/a.png"))], tmp_path / "out")
    assert names(tmp_path / "out") == ["000001-a.jpg", "000002-a.jpg", ANSWERS_FILE]


def test_a_picture_gone_or_changed_since_is_only_not_drawn(tmp_path: Path, put: Put) -> None:
    draw_into([about(tmp_path / "gone.png"), about(put("text.png", b"text"))], tmp_path / "out")
    assert names(tmp_path / "out") == [ANSWERS_FILE]
    assert len((tmp_path / "out" / ANSWERS_FILE).read_text().splitlines()) == 2


def test_only_a_new_or_empty_folder_will_do(tmp_path: Path, put: Put) -> None:
    (tmp_path / "empty").mkdir()
    draw_into([about(put("in/a.png"))], tmp_path / "empty")
    for taken in (tmp_path / "empty", put("file")):
        before = names(tmp_path)
        with pytest.raises(InputError):
            draw_into([about(put("in/a.png"))], taken)
        assert names(tmp_path) == before


def test_ctrl_c_keeps_what_was_drawn(tmp_path: Path, put: Put) -> None:
    def stopped() -> Iterator[Answer]:
        yield about(put("in/a.png"))
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="so far: 1, "):
        draw_into(stopped(), tmp_path / "out")
    assert names(tmp_path / "out") == ["000001-a.jpg", ANSWERS_FILE]
    assert names(tmp_path) == ["in", "out"]


def test_a_failure_leaves_nothing(tmp_path: Path, put: Put) -> None:
    def failing() -> Iterator[Answer]:
        yield about(put("in/a.png"))
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="No space left"):
        draw_into(failing(), tmp_path / "out")
    assert names(tmp_path) == ["in"]


def test_drawn_pictures_are_not_found_by_a_walk_that_goes_on(tmp_path: Path, put: Put) -> None:
    from sightline.infer.walking import find_pictures

    put("b.png")
    walk = (about(each) for each in find_pictures([tmp_path]) if isinstance(each, Path))
    assert draw_into(walk, tmp_path / "out").total == 1


def test_a_picture_that_has_another_size_by_now_is_not_drawn(tmp_path: Path, put: Put) -> None:
    draw_into([about(put("a.png"), 21)], tmp_path / "out")
    assert names(tmp_path / "out") == [ANSWERS_FILE]


def test_a_long_picture_is_reduced(tmp_path: Path, put: Put, plain: Callable[..., bytes]) -> None:
    draw_into([about(put("a.png", plain((1, 2, 3), (9_000, 300))), 9_000, 300)], tmp_path / "out")
    drawn = decode((tmp_path / "out" / "000001-a.jpg").read_bytes())
    assert isinstance(drawn, Picture)
    assert drawn.original.width == 4_096


def test_boxes_are_drawn_where_they_are_in_their_classs_colour(
    tmp_path: Path, put: Put, plain: Callable[..., bytes]
) -> None:
    picture = put("a.png", plain((128, 128, 128), (200, 100)))
    draw_into([found(picture, "spur", "open")], tmp_path / "out", ("open", "short", "spur"))
    pixels = drawn(tmp_path / "out" / "000001-a.jpg")
    assert pixels.shape == (300, 600, 3), "a small picture is enlarged"
    left, right = pixels[:, :210], pixels[:, 210:]
    assert near(left, class_colour(2)) > 500 > near(left, class_colour(0))
    assert near(right, class_colour(0)) > 500 > near(right, class_colour(2))


def test_a_label_keeps_its_colour_where_the_classes_are_not_said(
    tmp_path: Path, put: Put, plain: Callable[..., bytes]
) -> None:
    one, two = (put(f"{name}.png", plain((128, 128, 128), (200, 100))) for name in "ab")
    draw_into([found(one, "spur", "open"), found(two, "open")], tmp_path / "out")
    assert near(drawn(tmp_path / "out" / "000002-b.jpg"), class_colour(1)) > 500


def test_a_picture_in_which_nothing_was_found_says_so(
    tmp_path: Path, put: Put, plain: Callable[..., bytes]
) -> None:
    picture = put("a.png", plain((128, 128, 128), (200, 100)))
    draw_into([found(picture)], tmp_path / "out")
    assert drawn(tmp_path / "out" / "000001-a.jpg").shape[0] > 110, "a band stands above"
    line = json.loads((tmp_path / "out" / ANSWERS_FILE).read_text())
    assert line["objects"] == []


def test_boxes_follow_a_picture_that_is_reduced(
    tmp_path: Path, put: Put, plain: Callable[..., bytes]
) -> None:
    size = Size(9_000, 300)
    boxes = Boxes(np.array([[4_500.0, 50, 9_000, 250]]), size)
    answer = Prediction(
        str(put("a.png", plain((128, 128, 128), (9_000, 300)))),
        size,
        (ScoredLabel("open", 0.9, True),),
        "m@1",
        boxes,
    )
    draw_into([answer], tmp_path / "out")
    pixels = drawn(tmp_path / "out" / "000001-a.jpg")
    columns = np.flatnonzero((np.abs(pixels.astype(int) - class_colour(0)).max(axis=2) < 40).sum(axis=0) > 60)
    assert 2_030 < columns.min() <= 2_048, "the left side, at half the width"
    assert columns.max() == 4_095
