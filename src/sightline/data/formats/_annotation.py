"""What annotations are made of: lines, numbers and boxes, and the words for a line that is wrong.

Annotations come from anybody. Files have a largest size, numbers a form, and what does not fit is a
``WrongAnnotation`` of one line that names the file and, where there is one, the line.
"""

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sightline.data.formats.base import RawBoxes, RawSample
from sightline.data.tree import one_line
from sightline.values.boxes import BoxFormat
from sightline.values.dataset import Split

Row = tuple[float, float, float, float]

LARGEST_ANNOTATION = 1 << 23
"""Bytes of one picture's annotation: twenty thousand boxes in Pascal VOC's many words."""
LARGEST_LIST = 1 << 28
"""Bytes of a file that lists pictures."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_FARTHEST = 1e9
"""A coordinate beyond this is no mistake of a pencil; its square would still be finite."""
_LONGEST_QUOTE = 60


class WrongAnnotation(Exception):
    """A file of annotations that cannot be meant; the text names it, and the line, counted from 1."""

    def __init__(self, file: str, why: str, line: int | None = None) -> None:
        super().__init__(f"{file!r}: {why}" if line is None else f"{file!r}, line {line}: {why}")


def read_text(root: Path, path: str, largest: int = LARGEST_ANNOTATION) -> str:
    """A file's text, UTF-8 with or without a byte-order mark.

    Raises:
        WrongAnnotation: it cannot be read, is larger than ``largest`` bytes, or is not UTF-8.
    """
    data = read_data(root, path, largest)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WrongAnnotation(path, "not UTF-8 text", data.count(b"\n", 0, error.start) + 1) from error


def read_data(root: Path, path: str, largest: int = LARGEST_ANNOTATION) -> bytes:
    """A file's bytes.

    Raises:
        WrongAnnotation: it cannot be read, or is larger than ``largest`` bytes.
    """
    try:
        with (root / path).open("rb") as file:
            data = file.read(largest + 1)
    except OSError as error:
        raise WrongAnnotation(path, f"cannot be read: {error.strerror}") from error
    if len(data) > largest:
        raise WrongAnnotation(path, f"larger than {largest >> 20} MiB")
    return data


def lines_of(text: str) -> list[tuple[int, str]]:
    """The lines that are not blank, without the blanks around them, with their numbers.

    Only line feeds end a line, as in an editor; Python's own idea of a line also ends at a form feed.
    """
    return [(number, line.strip()) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]


def quoted(text: str) -> str:
    """A piece of an annotation for a message: quoted, and never long."""
    return repr(text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "…")


def number(text: str) -> float:
    """A decimal number, as every program writes it. Raises ValueError with the reason."""
    if not _NUMBER.fullmatch(text.strip()):
        raise ValueError(f"{quoted(text.strip())} is not a number")
    return float(text)


def checked_row(values: Sequence[float], form: BoxFormat) -> Row:
    """Four numbers that are a box written as ``form``. Raises ValueError with the reason."""
    if len(values) != 4:
        raise ValueError(f"a box has four numbers, here are {len(values)}")
    if not all(math.isfinite(value) and abs(value) <= _FARTHEST for value in values):
        raise ValueError(f"{', '.join(f'{value:g}' for value in values)} is no box in a picture")
    first, second, third, fourth = values
    if not form.endswith("xyxy"):
        if third < 0 or fourth < 0:
            raise ValueError(f"a box is {third:g} wide and {fourth:g} high")
    elif third < first:
        raise ValueError(f"a box has its right edge {third:g} left of its left edge {first:g}")
    elif fourth < second:
        raise ValueError(f"a box has its lower edge {fourth:g} above its upper edge {second:g}")
    return first, second, third, fourth


def class_name(text: str) -> str:
    """A class's name in one spelling. Raises ValueError where it is none."""
    name = unicodedata.normalize("NFC", text.strip())
    if not name:
        raise ValueError("a box has no class")
    if one_line(name) != name:
        raise ValueError(f"the class {quoted(name)} has a line break or a control character in its name")
    return name


@dataclass
class BoxList:
    """The boxes of one picture, as they are read; all are written as ``form``."""

    form: BoxFormat
    labels: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    ignored: list[bool] = field(default_factory=list)

    def add(self, label: str, values: Sequence[float], *, ignored: bool = False) -> None:
        """One more box. Raises ValueError with the reason why it cannot be one."""
        name, row = class_name(label), checked_row(values, self.form)
        self.labels.append(name)
        self.rows.append(row)
        self.ignored.append(ignored)

    def sample(self, path: str, split: Split | None, meta: Mapping[str, str] | None = None) -> RawSample:
        """The picture with these boxes."""
        marks = tuple(self.ignored) if any(self.ignored) else ()
        boxes = RawBoxes(tuple(self.rows), self.form, marks)
        return RawSample(path, tuple(self.labels), split, boxes, meta or {})
