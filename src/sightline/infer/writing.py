"""Answers as text: JSON Lines and CSV, to a file that appears whole or to a stream.

JSON Lines: one object a picture, in ASCII (other characters and bytes that are not UTF-8 are escaped, and
Python's ``os.fsencode`` gets the file's exact name back), in the order of the pictures::

    {"source": "parts/a.jpg", "release": "boards@3", "size": [640, 480], "label": "short", "score": 0.971,
     "accepted": true, "top": [{"label": "short", "score": 0.971, "accepted": true}, ...]}
    {"source": "parts/b.jpg", "error": "cannot be read: Permission denied"}

CSV (RFC 4180 with its line ends, UTF-8; bytes of a name that are not UTF-8 are written as they are) has the
columns ``CSV_COLUMNS``. A spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@`` as a formula:
such a path gets ``./`` in front, which names the same file, and any other such text an apostrophe.

Scores are rounded to six decimals; ``accepted`` was decided before that.
"""

import csv
import io
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from sightline.errors import Interrupted, StorageError
from sightline.infer.predictor import Answer
from sightline.storage.files import atomic_file
from sightline.values.prediction import Prediction, ScoredLabel, Unanswered

TextForm = Literal["jsonl", "csv"]
CSV_COLUMNS = ("source", "width", "height", "label", "score", "accepted", "release", "error")

_DECIMALS = 6
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


def write_text(answers: Iterable[Answer], form: TextForm, to: Path | IO[bytes]) -> Tally:
    """Write ``answers`` as ``form`` while they come; returns how many there were.

    A file appears under its name only when it is whole, or after Ctrl-C with what was answered until
    then. On a stream every answer is written out at once; a reader that stops listening ends the work.

    Raises:
        Interrupted: Ctrl-C; says where the answers so far are.
        StorageError: the disk refused.
    """
    tally = Tally()
    if not isinstance(to, Path):
        stopped = not _write_live(answers, form, to, tally)
    elif to.exists() and not to.is_file():
        # Something like /dev/stdout or a named pipe: a new file must not take its place.
        with _opened(to) as stream:
            stopped = not _write_live(answers, form, stream, tally)
    else:
        with atomic_file(to) as file:
            stopped = not _write(answers, form, file, tally)
    if stopped:
        where = f", in {str(to)!r}" if isinstance(to, Path) else ""
        raise Interrupted(f"stopped; answers written so far: {tally.total:,}{where}")
    return tally


def as_object(answer: Answer) -> dict[str, object]:
    """One answer as a JSON object."""
    if isinstance(answer, Unanswered):
        return {"source": answer.source, "error": answer.reason}
    return {
        "source": answer.source,
        "release": answer.release,
        "size": [answer.size.width, answer.size.height],
        **_label(answer.top),
        "top": [_label(each) for each in answer.labels],
    }


def json_line(content: dict[str, object]) -> bytes:
    """One object as one ASCII line."""
    return json.dumps(content, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n"


def _label(scored: ScoredLabel) -> dict[str, object]:
    return {"label": scored.label, "score": round(scored.score, _DECIMALS), "accepted": scored.accepted}


def _write(
    answers: Iterable[Answer], form: TextForm, stream: IO[bytes], tally: Tally, live: bool = False
) -> bool:
    """False where Ctrl-C ended it."""
    head, line = _FORMS[form]
    try:
        stream.write(head)
        for answer in answers:
            stream.write(line(answer))
            if live:
                stream.flush()
            tally.add(answer)
    except KeyboardInterrupt:
        return False
    return True


def _opened(special: Path) -> IO[bytes]:
    try:
        return special.open("wb")
    except OSError as error:
        raise StorageError(f"cannot write {str(special)!r}: {error.strerror or error}") from error


def _write_live(answers: Iterable[Answer], form: TextForm, stream: IO[bytes], tally: Tally) -> bool:
    try:
        return _write(answers, form, stream, tally, live=True)
    except BrokenPipeError:
        # Otherwise the interpreter complains when it flushes the stream at its end.
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())
        return True
    except OSError as error:
        raise StorageError(f"cannot write the answers: {error.strerror}") from error


def _json(answer: Answer) -> bytes:
    return json_line(as_object(answer))


def _csv(answer: Answer) -> bytes:
    source = f"./{answer.source}" if answer.source.startswith(_FORMULA_STARTS) else answer.source
    if isinstance(answer, Unanswered):
        return _csv_row((source, "", "", "", "", "", "", _inert(answer.reason)))
    return _csv_row(_csv_cells(source, answer))


def _csv_cells(source: str, answer: Prediction) -> tuple[str, ...]:
    top = answer.top
    size = (str(answer.size.width), str(answer.size.height))
    score = f"{top.score:.{_DECIMALS}f}"
    return (source, *size, _inert(top.label), score, str(top.accepted).lower(), answer.release, "")


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _csv_row(cells: tuple[str, ...]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue().encode("utf-8", "surrogateescape")


_FORMS: dict[TextForm, tuple[bytes, Callable[[Answer], bytes]]] = {
    "jsonl": (b"", _json),
    "csv": (_csv_row(CSV_COLUMNS), _csv),
}
