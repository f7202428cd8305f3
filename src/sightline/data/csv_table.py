"""A table about pictures, written by a person or a spreadsheet."""

import csv
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import DatasetError

_KEY = "path"
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class PictureTable:
    """Rows by relative path; ``columns`` are those beside ``path``, and every row has one text for each."""

    name: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[str, ...]]

    def row(self, path: str) -> tuple[str, ...] | None:
        """The row of one picture."""
        return self.rows.get(_same_path(path))

    def without_picture(self, paths: Iterable[str]) -> list[str]:
        """Paths in the table that are not among ``paths``."""
        return sorted(self.rows.keys() - {_same_path(path) for path in paths})


def read_table(path: Path, option: str) -> PictureTable:
    """Read a CSV file whose column ``path`` names pictures relative to the root.

    UTF-8 with or without a byte-order mark; comma, semicolon or tab, whichever its first line has.
    Paths may begin with ``./`` and have backslashes. Empty lines are passed over.

    Args:
        path: the file.
        option: the command-line option that named it, for messages.

    Raises:
        DatasetError: it cannot be read, has no column ``path``, a line of another length, or two rows
            about one picture that differ.
    """
    name = f"{option} {path.name!r}"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            lines = csv.reader(file, delimiter=_delimiter(first), strict=True)
            header = [cell.strip() for cell in next(lines, [])]
            rows = _rows(name, header, lines)
    except OSError as error:
        raise DatasetError(f"{name} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{name} is not a CSV file in UTF-8: {error}") from error
    return PictureTable(name, tuple(column for column in header if column != _KEY), rows)


def _delimiter(header: str) -> str:
    for delimiter in _DELIMITERS:
        if _KEY in (cell.strip(' "\r\n') for cell in header.split(delimiter)):
            return delimiter
    return ","


def _rows(name: str, header: list[str], lines: Iterator[list[str]]) -> dict[str, tuple[str, ...]]:
    if header.count(_KEY) != 1 or "" in header or len(set(header)) != len(header):
        raise DatasetError(
            f"{name} must begin with a line of different column names, one of them 'path'; it has {header}"
        )
    key = header.index(_KEY)
    rows: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(lines, start=2):
        if not any(line):
            continue
        if len(line) != len(header):
            raise DatasetError(
                f"{name}: row {number} has {len(line)} cells, the first line has {len(header)}"
            )
        path = _same_path(line[key])
        row = tuple(cell.strip() for cell in line[:key] + line[key + 1 :])
        if rows.setdefault(path, row) != row:
            raise DatasetError(f"{name}: row {number} says something else about {path!r} than an earlier row")
    return rows


def _same_path(path: str) -> str:
    """One spelling for the ways in which people, Windows and Unicode write a path."""
    return unicodedata.normalize("NFC", path.strip().replace("\\", "/").removeprefix("./"))
