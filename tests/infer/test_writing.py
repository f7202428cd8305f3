import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sightline.errors import Interrupted, StorageError
from sightline.infer.predictor import Answer
from sightline.infer.writing import CSV_COLUMNS, write_text
from sightline.values.image import Size
from sightline.values.prediction import Prediction, ScoredLabel, Unanswered

LABELS = (ScoredLabel("short", 0.97123456789, True), ScoredLabel("open", 0.02, False))
GOOD = Prediction("parts/a.jpg", Size(640, 480), LABELS, "boards@3")
BAD = Unanswered("parts/b.jpg", "cannot be read: Permission denied")
ODD_NAMES = ["line\nbreak\r.png", os.fsdecode(b"bad\xff.png"), 'quote",comma.png', "snow\u2603\u2028.png"]


def named(source: str, label: str = "short") -> Prediction:
    return Prediction(source, Size(1, 1), (ScoredLabel(label, 0.5, True),), "m@1")


def stopped_after(*answers: Answer) -> Iterator[Answer]:
    yield from answers
    raise KeyboardInterrupt


def csv_rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8", "surrogateescape"), newline="")))


def test_json_lines_as_documented(tmp_path: Path) -> None:
    tally = write_text([GOOD, BAD], "jsonl", tmp_path / "out.jsonl")
    first, second = (tmp_path / "out.jsonl").read_text().splitlines()
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


def test_csv_has_a_row_a_picture(tmp_path: Path) -> None:
    write_text([GOOD, BAD], "csv", tmp_path / "out.csv")
    good, bad = csv_rows((tmp_path / "out.csv").read_bytes())
    assert tuple(good) == CSV_COLUMNS
    assert list(good.values()) == ["parts/a.jpg", "640", "480", "short", "0.971235", "true", "boards@3", ""]
    assert list(bad.values()) == ["parts/b.jpg", *[""] * 6, "cannot be read: Permission denied"]


def test_no_answers_make_an_empty_file_or_a_head(tmp_path: Path) -> None:
    write_text([], "jsonl", tmp_path / "a")
    write_text([], "csv", tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == b""
    assert csv_rows((tmp_path / "b").read_bytes()) == []


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


def test_ctrl_c_keeps_what_was_answered(tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match=r"so far: 2, in .*out\.jsonl"):
        write_text(stopped_after(GOOD, BAD), "jsonl", tmp_path / "out.jsonl")
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 2
    assert [each.name for each in tmp_path.iterdir()] == ["out.jsonl"]


def test_a_failure_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    def failing() -> Iterator[Answer]:
        yield GOOD
        raise StorageError("no")

    (tmp_path / "out.csv").write_text("before")
    with pytest.raises(StorageError):
        write_text(failing(), "csv", tmp_path / "out.csv")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("out.csv", "before")]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "out.jsonl", tmp_path):
        with pytest.raises(StorageError) as caught:
            write_text([GOOD], "jsonl", place)
        assert "\n" not in str(caught.value)


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    link = tmp_path / "out"
    link.symlink_to("/dev/null")
    assert write_text([GOOD], "jsonl", link).total == 1
    assert link.is_char_device()


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
