"""The rows of a COCO file, each with the place that it stands at, so that a wrong one can be named.

Rows are decoded one after the other. What a file of half a gigabyte mostly consists of, the outlines
of objects, is let go at once.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from json import JSONDecodeError
from pathlib import Path

from sightline.data.formats._annotation import WrongAnnotation, read_text

LARGEST = 1 << 30
KEYS = ("images", "annotations", "categories")

_BLANKS = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class JsonRow:
    """One object of a list, and where it begins in the text."""

    value: dict[str, object]
    offset: int


@dataclass(frozen=True)
class CocoFile:
    """``rows`` by the list that they stand in; a list that is absent has no entry."""

    path: str
    text: str
    rows: dict[str, list[JsonRow]]

    def wrong(self, row: JsonRow, why: str) -> WrongAnnotation:
        """The error about a row."""
        return WrongAnnotation(self.path, why, self.line(row))

    def line(self, row: JsonRow) -> int:
        """The line in which a row begins, from 1."""
        return bisect_left(self._line_ends, row.offset) + 1

    @cached_property
    def _line_ends(self) -> list[int]:
        """Where the lines end, looked for once: every row of a large file may be wrong."""
        return [found.start() for found in re.finditer("\n", self.text)]


def read_coco_file(root: Path, path: str) -> CocoFile:
    """The lists ``KEYS`` of a file; everything else in it is passed over.

    Raises:
        WrongAnnotation: too large, not JSON, nested too deep, or not COCO's lists of objects.
    """
    text = read_text(root, path, LARGEST)
    rows: dict[str, list[JsonRow]] = {}
    try:
        for key, row in _rows(text):
            listed = rows.setdefault(key, [])
            if row is not None:
                listed.append(row)
    except JSONDecodeError as error:
        raise WrongAnnotation(path, f"not as COCO writes it: {error.msg}", error.lineno) from error
    except RecursionError as error:
        raise WrongAnnotation(path, "values lie too deep inside each other") from error
    except ValueError as error:
        raise WrongAnnotation(path, f"not JSON: {error}") from error
    if "images" not in rows:
        raise WrongAnnotation(path, "has no list of images")
    return CocoFile(path, text, rows)


def _rows(text: str) -> Iterator[tuple[str, JsonRow | None]]:
    """Every row with the name of its list; None once for each list, so that an empty one is known."""
    scan = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode
    at = _expect(text, 0, "{")
    while text[at : at + 1] != "}":
        key, at = scan(text, at)
        at = _expect(text, at, ":")
        if isinstance(key, str) and key in KEYS:
            yield key, None
            at = _expect(text, at, "[")
            while text[at : at + 1] != "]":
                start = at
                value, at = scan(text, at)
                if not isinstance(value, dict):
                    raise JSONDecodeError(f"an object was wanted in {key!r}", text, start)
                value.pop("segmentation", None)
                yield key, JsonRow(value, start)
                at = _separator(text, at, "]")
            at += 1
        else:
            _, at = scan(text, at)
        at = _separator(text, at, "}")
    if _blanks(text, at + 1) != len(text):
        raise JSONDecodeError("something follows the end", text, at + 1)


def _separator(text: str, at: int, closing: str) -> int:
    """Behind a comma, or at the closing bracket."""
    at = _blanks(text, at)
    if text[at : at + 1] == closing:
        return at
    at = _expect(text, at, ",")
    if text[at : at + 1] == closing:
        raise JSONDecodeError("a comma has nothing behind it", text, at)
    return at


def _expect(text: str, at: int, mark: str) -> int:
    at = _blanks(text, at)
    if text[at : at + 1] != mark:
        raise JSONDecodeError(f"{mark!r} was wanted", text, at)
    return _blanks(text, at + 1)


def _blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
