import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from sightline.errors import Interrupted, StorageError
from sightline.infer.predictor import Answer
from sightline.infer.writing import CSV_COLUMNS, Tally, TextForm, open_special, write_text
from sightline.values.boxes import Boxes
from sightline.values.dataset import Task
from sightline.values.image import Size
from sightline.values.prediction import Prediction, ScoredLabel, Unanswered

LABELS = (ScoredLabel("short", 0.97123456789, True), ScoredLabel("open", 0.02, False))
GOOD = Prediction("parts/a.jpg", Size(640, 480), LABELS, "boards@3")
BAD = Unanswered("parts/b.jpg", "cannot be read: Permission denied")
FOUND = Prediction(
    "boards/a.jpg",
    Size(640, 480),
    (ScoredLabel("short", 0.97123456789, True), ScoredLabel("open", 0.5, True)),
    "boards@4",
    Boxes(np.array([[12.5, 40.0, 31.254, 66.0], [-0.0, 0.0, 640.0, 480.0]]), Size(640, 480)),
)
NOTHING = Prediction("boards/b.jpg", Size(640, 480), (), "boards@4", Boxes(np.empty((0, 4)), Size(640, 480)))
ODD_NAMES = ["line\nbreak\r.png", os.fsdecode(b"bad\xff.png"), 'quote",comma.png', "snow\u2603\u2028.png"]


def named(source: str, label: str = "short") -> Prediction:
    return Prediction(source, Size(1, 1), (ScoredLabel(label, 0.5, True),), "m@1")


def written(answers: Iterable[Answer], form: TextForm, task: Task = "classification") -> tuple[bytes, Tally]:
    stream = io.BytesIO()
    tally = write_text(answers, form, stream, task)
    return stream.getvalue(), tally


def stopped_after(*answers: Answer) -> Iterator[Answer]:
    yield from answers
    raise KeyboardInterrupt


def csv_rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8", "surrogateescape"), newline="")))


def test_json_lines_as_documented() -> None:
    text, tally = written([GOOD, BAD], "jsonl")
    first, second = text.splitlines()
    assert json.loads(first) == {
        "source": "parts/a.jpg",
        "release": "boards@3",
        "size": [640, 480],
        "label": "short",
        "score": 0.971235,
        "accepted": True,
        "top": [
            {"label": "short", "score": 0.971235, "accepted": True},
            {"label": "open", "score": 0.02, "accepted": False},
        ],
    }
    assert json.loads(second) == {"source": "parts/b.jpg", "error": "cannot be read: Permission denied"}
    assert (tally.answered, tally.unanswered, tally.total) == (1, 1, 2)


def test_csv_has_a_row_a_picture() -> None:
    text, _ = written([GOOD, BAD], "csv")
    good, bad = csv_rows(text)
    assert tuple(good) == CSV_COLUMNS["classification"]
    assert list(good.values()) == ["parts/a.jpg", "640", "480", "short", "0.971235", "true", "boards@3", ""]
    assert list(bad.values()) == ["parts/b.jpg", *[""] * 6, "cannot be read: Permission denied"]


def test_json_lines_of_a_detector_as_documented() -> None:
    text, tally = written([FOUND, NOTHING, BAD], "jsonl", "detection")
    first, second, third = map(json.loads, text.splitlines())
    assert first == {
        "source": "boards/a.jpg",
        "release": "boards@4",
        "size": [640, 480],
        "objects": [
            {"label": "short", "score": 0.971235, "box": [12.5, 40.0, 31.25, 66.0]},
            {"label": "open", "score": 0.5, "box": [0.0, 0.0, 640.0, 480.0]},
        ],
    }
    assert second == {"source": "boards/b.jpg", "release": "boards@4", "size": [640, 480], "objects": []}
    assert third == {"source": "parts/b.jpg", "error": "cannot be read: Permission denied"}
    assert (tally.answered, tally.unanswered, tally.total) == (2, 1, 3)
    assert b"-0.0" not in text


def test_csv_of_a_detector_has_a_row_a_box() -> None:
    text, _ = written([FOUND, NOTHING, BAD], "csv", "detection")
    rows = csv_rows(text)
    assert all(tuple(row) == CSV_COLUMNS["detection"] for row in rows)
    assert [list(row.values()) for row in rows] == [
        [
            *("boards/a.jpg", "640", "480", "short", "0.971235"),
            *("12.50", "40.00", "31.25", "66.00"),
            "boards@4",
            "",
        ],
        [
            *("boards/a.jpg", "640", "480", "open", "0.500000"),
            *("0.00", "0.00", "640.00", "480.00"),
            "boards@4",
            "",
        ],
        [*("boards/b.jpg", "640", "480", "", ""), "", "", "", "", "boards@4", ""],
        ["parts/b.jpg", *[""] * 9, "cannot be read: Permission denied"],
    ]


def test_no_answers_of_a_detector_make_its_head() -> None:
    text, _ = written([], "csv", "detection")
    assert text.decode().strip() == ",".join(CSV_COLUMNS["detection"])


def test_no_answers_make_an_empty_file_or_a_head() -> None:
    assert written([], "jsonl") == (b"", Tally())
    assert csv_rows(written([], "csv")[0]) == []


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_come_back(name: str) -> None:
    lines, table = io.BytesIO(), io.BytesIO()
    write_text([named(name)], "jsonl", lines)
    write_text([named(name)], "csv", table)
    (line,) = lines.getvalue().splitlines()
    assert line.isascii()
    assert json.loads(line)["source"] == name
    assert csv_rows(table.getvalue())[0]["source"] == name


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_spreadsheet_finds_no_formula(start: str) -> None:
    stream = io.BytesIO()
    write_text([named(f"{start}1+1.png", f"{start}label")], "csv", stream)
    (row,) = csv_rows(stream.getvalue())
    assert row["source"] == f"./{start}1+1.png"
    assert row["label"] == f"'{start}label"
    stream = io.BytesIO()
    boxes = Boxes(np.array([[0.0, 0.0, 1.0, 1.0]]), Size(1, 1))
    label = (ScoredLabel(f"{start}label", 0.5, True),)
    write_text([Prediction(f"{start}1+1.png", Size(1, 1), label, "m@1", boxes)], "csv", stream, "detection")
    (row,) = csv_rows(stream.getvalue())
    assert row["source"] == f"./{start}1+1.png"
    assert row["label"] == f"'{start}label"


def test_ctrl_c_says_how_many_were_answered() -> None:
    stream = io.BytesIO()
    with pytest.raises(Interrupted, match="so far: 2"):
        write_text(stopped_after(GOOD, BAD), "jsonl", stream)
    assert len(stream.getvalue().splitlines()) == 2


def test_what_is_no_plain_file_is_written_to(tmp_path: Path) -> None:
    link = tmp_path / "nowhere"
    link.symlink_to(os.devnull)
    with open_special(link) as stream:
        assert write_text([GOOD], "jsonl", stream).total == 1
    assert link.is_char_device()
    with pytest.raises(StorageError, match="cannot write"):
        open_special(tmp_path)


def test_a_stream_gets_each_answer_at_once() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as stream, os.fdopen(reader, "rb") as listening:

        def answers() -> Iterator[Answer]:
            yield GOOD
            assert json.loads(listening.readline())["source"] == GOOD.source
            yield BAD

        assert write_text(answers(), "jsonl", stream).total == 2


def test_a_reader_that_leaves_ends_the_work_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stream:
        assert write_text([GOOD] * 10, "jsonl", stream).total == 0


def test_a_full_disk_behind_a_stream_is_one_line() -> None:
    with (
        Path("/dev/full").open("wb", buffering=0) as stream,
        pytest.raises(StorageError, match="No space left"),
    ):
        write_text([GOOD], "jsonl", stream)
