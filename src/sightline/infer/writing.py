"""Answers as text: JSON Lines and CSV.

JSON Lines: one object a picture, in ASCII (other characters and bytes that are not UTF-8 are escaped, and
Python's ``os.fsencode`` gets the file's exact name back), in the order of the pictures::

    {"source": "parts/a.jpg", "release": "boards@3", "size": [640, 480], "label": "short", "score": 0.971,
     "accepted": true, "top": [{"label": "short", "score": 0.971, "accepted": true}, ...]}
    {"source": "parts/b.jpg", "error": "cannot be read: Permission denied"}

A detector's line has its boxes, by falling score, those alone that reach their class's threshold; the
corners are in pixels of the upright picture (from 0 to its width and height), and the list is empty where
nothing was found::

    {"source": "parts/a.jpg", "release": "boards@4", "size": [640, 480],
     "objects": [{"label": "short", "score": 0.971, "box": [12.5, 40.0, 31.25, 66.0]}, ...]}

CSV (RFC 4180 with its line ends, UTF-8; bytes of a name that are not UTF-8 are written as they are) has the
columns ``CSV_COLUMNS[task]``. The release's task chooses them, since the head is written before the first
answer is there, and since a classifier's table stays as it was when there were no detectors. A classifier's
table has one row a picture; a detector's one row a box, and one with neither label nor box for a picture in
which nothing was found. A spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@`` as a formula:
such a path gets ``./`` in front, which names the same file, and any other such text an apostrophe.

Scores are rounded to six decimals, corners to two; ``accepted`` was decided before that.
"""

import csv
import io
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np

from sightline.errors import Interrupted
from sightline.infer.predictor import Answer
from sightline.storage.files import refused
from sightline.values.dataset import Task
from sightline.values.prediction import Prediction, ScoredLabel, Unanswered

TextForm = Literal["jsonl", "csv"]
CSV_COLUMNS: dict[Task, tuple[str, ...]] = {
    "classification": ("source", "width", "height", "label", "score", "accepted", "release", "error"),
    "detection": (
        *("source", "width", "height", "label", "score"),
        *("x0", "y0", "x1", "y1", "release", "error"),
    ),
}

_DECIMALS = 6
_CORNER_DECIMALS = 2
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(slots=True)
class Tally:
    """Pictures written so far."""

    answered: int = 0
    unanswered: int = 0

    def add(self, answer: Answer) -> None:
        """Count one more."""
        if isinstance(answer, Unanswered):
            self.unanswered += 1
        else:
            self.answered += 1

    @property
    def total(self) -> int:
        """All of them."""
        return self.answered + self.unanswered


def write_text(
    answers: Iterable[Answer], form: TextForm, to: IO[bytes], task: Task = "classification"
) -> Tally:
    """Write ``answers`` of a release for ``task`` as ``form``, each at once; returns how many there were.

    A reader that stops listening ends the work.

    Raises:
        Interrupted: Ctrl-C.
        StorageError: the disk refused.
    """
    tally, line = Tally(), line_of(form, task)
    try:
        to.write(head_of(form, task))
        for answer in answers:
            to.write(line(answer))
            to.flush()
            tally.add(answer)
    except BrokenPipeError:
        # Otherwise the interpreter complains when it flushes the stream at its end.
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), to.fileno())
    except OSError as error:
        raise refused("write the answers", None, error) from error
    except KeyboardInterrupt:
        raise Interrupted(f"stopped; answers written so far: {tally.total:,}") from None
    return tally


def open_special(path: Path) -> IO[bytes]:
    """What is no plain file, such as a named pipe, to be written to.

    Raises:
        StorageError: it cannot be opened.
    """
    try:
        return path.open("wb")
    except OSError as error:
        raise refused("write", path, error) from error


def head_of(form: TextForm, task: Task) -> bytes:
    """What stands before the first answer."""
    return _csv_row(CSV_COLUMNS[task]) if form == "csv" else b""


def line_of(form: TextForm, task: Task) -> Callable[[Answer], bytes]:
    """The function that makes an answer's text, its line end included."""
    return _CSV_LINES[task] if form == "csv" else _json


def as_object(answer: Answer) -> dict[str, object]:
    """One answer as a JSON object."""
    if isinstance(answer, Unanswered):
        return {"source": answer.source, "error": answer.reason}
    told: dict[str, object] = {
        "source": answer.source,
        "release": answer.release,
        "size": [answer.size.width, answer.size.height],
    }
    if answer.boxes is not None:
        return told | {"objects": [_object(*each) for each in _found(answer)]}
    return told | _label(answer.labels[0]) | {"top": [_label(each) for each in answer.labels]}


def json_line(content: dict[str, object]) -> bytes:
    """One object as one ASCII line."""
    return json.dumps(content, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n"


def _label(scored: ScoredLabel) -> dict[str, object]:
    return {"label": scored.label, "score": round(scored.score, _DECIMALS), "accepted": scored.accepted}


def _object(found: ScoredLabel, corners: list[float]) -> dict[str, object]:
    return {"label": found.label, "score": round(found.score, _DECIMALS), "box": corners}


def _found(answer: Prediction) -> list[tuple[ScoredLabel, list[float]]]:
    """What a detector found: the label with its score, and the box's corners."""
    corners = np.empty((0, 4)) if answer.boxes is None else answer.boxes.xyxy
    # The sum makes a negative nought positive, which is what a person expects to read.
    return list(zip(answer.labels, (corners.round(_CORNER_DECIMALS) + 0.0).tolist(), strict=True))


def _json(answer: Answer) -> bytes:
    return json_line(as_object(answer))


def _csv_of_classes(answer: Answer) -> bytes:
    if isinstance(answer, Unanswered):
        return _csv_row((_source(answer), "", "", "", "", "", "", _inert(answer.reason)))
    top = answer.labels[0]
    accepted = str(top.accepted).lower()
    return _csv_row((*_about(answer), _inert(top.label), _score(top), accepted, answer.release, ""))


def _csv_of_boxes(answer: Answer) -> bytes:
    if isinstance(answer, Unanswered):
        return _csv_row((_source(answer), "", "", "", "", "", "", "", "", "", _inert(answer.reason)))
    rows = [
        (_inert(label.label), _score(label), *(f"{corner:.{_CORNER_DECIMALS}f}" for corner in corners))
        for label, corners in _found(answer)
    ]
    nothing = ("", "", "", "", "", "")
    return b"".join(_csv_row((*_about(answer), *row, answer.release, "")) for row in rows or [nothing])


def _source(answer: Answer) -> str:
    return f"./{answer.source}" if answer.source.startswith(_FORMULA_STARTS) else answer.source


def _about(answer: Prediction) -> tuple[str, ...]:
    return (_source(answer), str(answer.size.width), str(answer.size.height))


def _score(scored: ScoredLabel) -> str:
    return f"{scored.score:.{_DECIMALS}f}"


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _csv_row(cells: tuple[str, ...]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue().encode("utf-8", "surrogateescape")


_CSV_LINES: dict[Task, Callable[[Answer], bytes]] = {
    "classification": _csv_of_classes,
    "detection": _csv_of_boxes,
}
