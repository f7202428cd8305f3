import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from sightline.infer import offline
from sightline.infer.offline import predict_paths
from sightline.infer.predictor import Predictor, Prepared
from sightline.values.prediction import Prediction, Unanswered

Put = Callable[..., Path]
Plain = Callable[..., bytes]
COLOURS = {"red": (200, 10, 20), "green": (10, 200, 20), "blue": (20, 10, 200)}


@pytest.fixture
def many(put: Put, plain: Plain, predictor: Predictor) -> list[tuple[str, str]]:
    """More pictures than are held at a time: (path, colour), in order."""
    names = [*COLOURS] * (2 * predictor.batch_size)
    return [(str(put(f"{i:05d}.png", plain(COLOURS[name]))), name) for i, name in enumerate(names)]


def test_the_order_of_names_is_the_order_of_answers(
    predictor: Predictor, tmp_path: Path, many: list[tuple[str, str]]
) -> None:
    answers = list(predict_paths(predictor, [tmp_path]))
    assert [(each.source, each.labels[0].label) for each in answers if isinstance(each, Prediction)] == many


def test_bad_files_keep_their_place(predictor: Predictor, tmp_path: Path, put: Put) -> None:
    folder = tmp_path / "folder.jpg"
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    paths = [
        put("a.png"),
        put("b.jpg", b"text"),
        tmp_path / "gone.png",
        pipe,
        put("c.png"),
        put("0.png", b""),
    ]
    folder.mkdir()
    answers = list(predict_paths(predictor, [*paths, folder, tmp_path / ("x" * 300)]))
    assert [type(each) for each in answers] == [
        *(Prediction, Unanswered, Unanswered, Unanswered, Prediction, Unanswered, Unanswered)
    ]
    reasons = [each.reason for each in answers if isinstance(each, Unanswered)]
    assert reasons[1:3] == [
        "cannot be read: No such file or directory",
        "cannot be read: it is not a regular file",
    ]
    assert reasons[-1] == "cannot be read: File name too long"


def test_a_file_too_large_is_not_read(
    predictor: Predictor, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline, "MAX_FILE_BYTES", 4)
    (answer,) = predict_paths(predictor, [put("a.png")])
    assert isinstance(answer, Unanswered)
    assert "larger than" in answer.reason


@pytest.mark.parametrize("name", [b"line\nbreak.png", b"bad\xff\xfeutf8.png", "snow\u2603.png".encode()])
def test_odd_names_are_answered_under_their_own_name(
    predictor: Predictor, put: Put, tmp_path: Path, name: bytes
) -> None:
    path = put(os.fsdecode(name))
    (answer,) = predict_paths(predictor, [tmp_path])
    assert isinstance(answer, Prediction)
    assert os.fsencode(answer.source) == os.fsencode(path)


def test_progress_counts_to_the_total(
    predictor: Predictor, tmp_path: Path, many: list[tuple[str, str]]
) -> None:
    seen: list[tuple[int, int | None]] = []
    list(predict_paths(predictor, [tmp_path], lambda done, total: seen.append((done, total))))
    assert [done for done, _ in seen] == list(range(1, len(many) + 1))
    assert seen[-1] == (len(many), len(many))
    assert {total for _, total in seen} <= {None, len(many)}


def test_little_is_held_at_a_time(
    predictor: Predictor, tmp_path: Path, many: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, most = 0, 0
    lock = threading.Lock()
    prepare = predictor.prepare

    def counting(source: str, data: bytes) -> Prepared | Unanswered:
        nonlocal prepared
        with lock:
            prepared += 1
        return prepare(source, data)

    monkeypatch.setattr(predictor, "prepare", counting)
    for done, _ in enumerate(predict_paths(predictor, [tmp_path])):
        most = max(most, prepared - done)
    assert prepared == len(many)
    assert most <= 3 * predictor.batch_size


def test_some_can_be_passed_over(predictor: Predictor, tmp_path: Path, many: list[tuple[str, str]]) -> None:
    answers = list(predict_paths(predictor, [tmp_path], after=7))
    assert answers == list(predict_paths(predictor, [tmp_path]))[7:]


def test_leaving_early_stops_the_threads(
    predictor: Predictor, tmp_path: Path, many: list[tuple[str, str]]
) -> None:
    answers = predict_paths(predictor, [tmp_path])
    next(iter(answers))
    del answers
    assert not [each for each in threading.enumerate() if each.name.startswith("decode")]


def test_nothing_to_do(predictor: Predictor, tmp_path: Path) -> None:
    assert list(predict_paths(predictor, [tmp_path])) == []
    assert list(predict_paths(predictor, [])) == []


def test_real_pictures(predictor: Predictor, shared_data: Path) -> None:
    answers = list(predict_paths(predictor, [shared_data / "imagenet50"]))
    pictures = sorted((shared_data / "imagenet50").glob("*.JPEG"))
    assert [each.source for each in answers if isinstance(each, Prediction)] == [
        str(each) for each in pictures
    ]
