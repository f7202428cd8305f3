import pytest

from sightline.report.wording import (
    duration,
    false_story,
    missed_story,
    moment,
    percent,
    points,
    shown,
    weights_story,
)
from sightline.values.evaluation import DetectionError
from sightline.values.recipe import WeightsOrigin


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0.0%"),
        (0.0001, "<0.1%"),
        (0.5, "50.0%"),
        (0.9984, "99.8%"),
        (0.99951, ">99.9%"),
        (0.99999, ">99.9%"),
        (1.0, "100.0%"),
        (float("nan"), "–"),
    ],
)
def test_a_share_is_never_rounded_to_certainty(share: float, text: str) -> None:
    assert percent(share) == text


def test_percent_without_digits() -> None:
    assert [percent(share, 0) for share in (0.0, 0.004, 0.5, 0.996, 1.0)] == [
        "0%",
        "<1%",
        "50%",
        ">99%",
        "100%",
    ]


def test_points_have_a_sign() -> None:
    assert [points(d) for d in (0.0123, -0.05, 0.0)] == ["+1.2", "−5.0", "+0.0"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (583, "9 min 43 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_moments() -> None:
    assert moment("2026-11-18T09:41:07Z") == "18 November 2026, 09:41 UTC"
    assert moment("yesterday") == "yesterday"


def test_what_has_no_shape_is_spelled_out() -> None:
    assert shown("café 5×5.png") == "café 5×5.png"
    assert shown("a\nb\u202ec\udcff\x00") == "a\\nb\\u202ec\\udcff\\x00"


def test_every_kind_of_weights_has_its_sentence() -> None:
    told = weights_story(WeightsOrigin("scratch", why="the hub did not answer"))
    assert told.endswith("drawn by the seed: the hub did not answer.")
    assert "file w.pth" in weights_story(WeightsOrigin("file", "w.pth"))
    assert "cache" in weights_story(WeightsOrigin("cache", "resnet18"))


def error(score: float, iou: float, instead: str) -> DetectionError:
    return DetectionError("a.jpg", "spur", (0, 0, 9, 9), score, iou, instead)


@pytest.mark.parametrize(
    ("found", "missed", "false"),
    [
        (error(0, 0.0, ""), "no box lies over it", "nothing is there"),
        (error(0, 0.05, "open"), "no box lies over it", "nothing is there"),
        (error(0, 0.7, "open"), "answered as open, overlap 70%", "that is open, overlap 70%"),
        (
            error(0, 0.3, "spur"),
            "its nearest box overlaps it by 30% only",
            "overlaps the true box by 30% only",
        ),
        (
            error(0, 0.8, "spur"),
            "its nearest box is that of another object",
            "found already, by a box with a higher score",
        ),
        (error(0, 0.7, "a\u202eb"), "answered as a\\u202eb, overlap 70%", "that is a\\u202eb, overlap 70%"),
    ],
)
def test_every_error_has_its_story(found: DetectionError, missed: str, false: str) -> None:
    assert missed_story(found) == missed
    assert false_story(found) == false


def test_an_object_whose_box_scored_too_little_says_so() -> None:
    assert missed_story(error(0.312, 0.6, "open")) == "its box scored 31.2%, under the threshold"
