import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sightline.errors import InputError, Interrupted, StorageError
from sightline.infer.drawing import ANSWERS_FILE, draw_into
from sightline.infer.predictor import Answer
from sightline.pixels.decode import decode
from sightline.values.image import Picture, Size
from sightline.values.prediction import Prediction, ScoredLabel, Unanswered

Put = Callable[..., Path]


def about(path: Path) -> Prediction:
    return Prediction(str(path), Size(20, 10), (ScoredLabel("red", 0.9, True),), "m@1")


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


def test_a_long_picture_is_reduced(tmp_path: Path, put: Put, plain: Callable[..., bytes]) -> None:
    draw_into([about(put("a.png", plain((1, 2, 3), (9_000, 300))))], tmp_path / "out")
    drawn = decode((tmp_path / "out" / "000001-a.jpg").read_bytes())
    assert isinstance(drawn, Picture)
    assert drawn.original.width == 4_096
