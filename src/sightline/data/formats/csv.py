"""CSV: one table in the root, a row for each box, such as ``path,split,xmin,ymin,xmax,ymax,label,ignored``.

Corners are in pixels. Usual other names of these columns are understood, ``split`` and ``ignored`` may be
absent. A row with empty cells for the box is a picture without objects. Any other column is metadata of
the picture; one whose cells differ between a picture's rows is about boxes, and is passed over.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sightline.data.formats._annotation import BoxList, WrongAnnotation, number, quoted, read_text
from sightline.data.formats._files import Files, edges, picture_asked_for, plain_files
from sightline.data.formats._writing import (
    annotated,
    copy_picture,
    decimal,
    new_names,
    objects,
    refuse_other_task,
    write_text,
)
from sightline.data.formats.base import Beside, RawSample
from sightline.data.split_names import SPLIT_NAMES, split_of
from sightline.data.tree import one_line
from sightline.errors import DatasetError
from sightline.values.dataset import Dataset, Sample, SetAside, Split, Task

TASK: Task = "detection"
GROUP_BY = ""

_FILE = "boxes.csv"
_LARGEST = 1 << 30
_SIDES = ("xmin", "ymin", "xmax", "ymax")
_NEEDED = ("path", *_SIDES, "label")
_ALIASES: dict[str, tuple[str, ...]] = {
    "path": ("filename", "file_name", "image", "image_path", "image_name", "file"),
    "xmin": ("x_min", "x1", "left"),
    "ymin": ("y_min", "y1", "top"),
    "xmax": ("x_max", "x2", "right"),
    "ymax": ("y_max", "y2", "bottom"),
    "label": ("class", "class_name", "category"),
    "split": ("subset",),
    "ignored": ("difficult", "iscrowd"),
}
_OTHER = {"width", "height"}
"""Columns about the picture that reading it tells better."""
_YES, _NO = {"1", "true", "yes"}, {"", "0", "false", "no"}


def recognises(root: Path) -> bool:
    """A CSV file in the root whose first line has the columns of boxes."""
    return any(_header_of(edges(path)) is not None for path in plain_files(root, "*.csv"))


def read(root: Path, include: str) -> Iterator[RawSample | Beside | SetAside]:
    """Every picture that has a row, and those that have none."""
    files, wanted = Files(root), picture_asked_for(include)
    file = _table(files)
    table = _Table(files, file)
    try:
        table.read(read_text(root, file, _LARGEST))
    except WrongAnnotation as error:
        raise DatasetError(str(error)) from error
    yield from table.missing.values()
    used = {path for path, _ in table.pictures} | table.wrong.keys()
    yield from (SetAside(path, why) for path, why in table.wrong.items() if wanted(path))
    for (path, split), picture in table.pictures.items():
        if wanted(path) and path not in table.wrong:
            meta = {column: text for column, text in picture.meta.items() if column not in table.torn}
            yield picture.boxes.sample(path, split, meta)
    yield from files.rest(used, wanted)


def write(dataset: Dataset, target: Path) -> list[str]:
    """Pictures where they lie now, and ``boxes.csv``: it holds everything there is."""
    refuse_other_task(dataset.task, TASK, "csv")
    samples, lost = annotated(dataset)
    names = new_names(samples, lambda sample: sample.path)
    for path, name in names.items():
        copy_picture(dataset, path, target / name)
    columns = sorted({column for sample in samples for column in sample.meta})
    clashing = [column for column in columns if column.lower() in {*_ALIASES, *_OTHER, ""}]
    columns = [column for column in columns if column not in clashing]
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["path", "split", *_SIDES, "label", "ignored", *columns])
    for sample in samples:
        meta = [sample.meta.get(column, "") for column in columns]
        rows.writerows([names[sample.path], sample.split, *cells, *meta] for cells in _box_cells(sample))
    write_text(target / _FILE, text.getvalue())
    if clashing:
        lost.append(f"the metadata columns {', '.join(map(repr, clashing))} are lost: boxes have these names")
    return lost


@dataclass(frozen=True)
class _Header:
    """The places of the known columns, and of all others, which are metadata."""

    delimiter: str
    known: dict[str, int]
    others: dict[str, int]
    width: int


def _header_of(data: bytes) -> _Header | None:
    """The first line as a header, None where it lacks a column of boxes."""
    first = data.decode("utf-8-sig", "replace").partition("\n")[0].strip("\r")
    for delimiter in ",;\t":
        try:
            cells = [cell.strip() for cell in next(csv.reader([first], delimiter=delimiter), [])]
        except csv.Error:
            continue
        places = {cell.lower(): index for index, cell in reversed(list(enumerate(cells)))}
        known = {}
        for name, aliases in _ALIASES.items():
            place = next((places[each] for each in (name, *aliases) if each in places), None)
            if place is not None:
                known[name] = place
        if known.keys() >= set(_NEEDED):
            taken = set(known.values())
            others = {
                cell: index
                for index, cell in enumerate(cells)
                if index not in taken and cell and cell.lower() not in _OTHER
            }
            return _Header(delimiter, known, others, len(cells))
    return None


def _table(files: Files) -> str:
    """The one table of boxes in the root. Raises DatasetError where there is not one."""
    found = [path for path in files.paths if "/" not in path and path.lower().endswith(".csv")]
    found = [path for path in found if _header_of(edges(files.root / path)) is not None]
    if len(found) == 1:
        return found[0]
    what = f"{', '.join(map(repr, found))} could each be it" if found else "there is none"
    raise DatasetError(
        f"a CSV file with the columns {', '.join(_NEEDED)} was wanted in {files.root.name!r}; {what}"
    )


@dataclass
class _Picture:
    """The rows of one picture in one split, so far."""

    boxes: BoxList = field(default_factory=lambda: BoxList("xyxy"))
    meta: dict[str, str] = field(default_factory=dict)


class _Table:
    """``pictures`` by path and split, what is ``wrong`` by path, ``missing`` by what the table calls them.

    ``torn`` are columns whose cells differ between the rows of a picture.
    """

    def __init__(self, files: Files, file: str) -> None:
        self.file = file
        self.pictures: dict[tuple[str, Split | None], _Picture] = {}
        self.wrong: dict[str, str] = {}
        self.missing: dict[str, SetAside] = {}
        self.torn: set[str] = set()
        self._files = files
        self._paths: dict[str, str | None] = {}

    def read(self, text: str) -> None:
        """Take all rows. Raises WrongAnnotation where one cannot even be told to be of a picture."""
        header = _header_of(text.partition("\n")[0].encode())
        if header is None:
            raise WrongAnnotation(self.file, "the columns of boxes were wanted", 1)
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=header.delimiter, strict=True)
        line = 1
        try:
            next(rows)
            for cells in iter(lambda: next(rows, None), None):
                started, line = rows.line_num, rows.line_num
                if any(cell.strip() for cell in cells):
                    self._take(header, cells, started)
        except csv.Error as error:
            raise WrongAnnotation(self.file, f"not CSV: {error}", max(line, rows.line_num)) from error

    def _take(self, header: _Header, cells: list[str], line: int) -> None:
        place = header.known["path"]
        reference = cells[place].strip() if place < len(cells) else ""
        if not reference:
            raise WrongAnnotation(self.file, "a row needs a path", line)
        path = self._path(reference, line)
        if path is None:
            return
        try:
            row = _known_cells(header, cells)
            picture = self.pictures.setdefault((path, split_of(row["split"])), _Picture())
            _add_box(picture.boxes, row)
        except ValueError as error:
            self.wrong.setdefault(path, str(WrongAnnotation(self.file, str(error), line)))
            return
        for column, index in header.others.items():
            if picture.meta.setdefault(column, cells[index].strip()) != cells[index].strip():
                self.torn.add(column)

    def _path(self, reference: str, line: int) -> str | None:
        if reference not in self._paths:
            why = "there is no such picture"
            try:
                self._paths[reference] = self._files.find(reference, ("", "images"))
            except ValueError as error:
                self._paths[reference], why = None, str(error)
            if self._paths[reference] is None:
                wrong = WrongAnnotation(self.file, why, line)
                self.missing[reference] = SetAside(one_line(reference[:200]), str(wrong))
        return self._paths[reference]


def _known_cells(header: _Header, cells: list[str]) -> dict[str, str]:
    """The cells of the known columns, empty where the table lacks one. Raises ValueError with the reason."""
    if len(cells) != header.width:
        raise ValueError(f"{len(cells)} cells where the first line has {header.width}")
    row = dict.fromkeys(_ALIASES, "") | {name: cells[index].strip() for name, index in header.known.items()}
    if row["split"] and split_of(row["split"]) is None:
        raise ValueError(f"the split {quoted(row['split'])} is none of {', '.join(SPLIT_NAMES)}")
    return row


def _add_box(boxes: BoxList, row: dict[str, str]) -> None:
    cells = [row[side] for side in _SIDES]
    if not any(cells) and not row["label"]:
        return
    mark = row["ignored"].lower()
    if mark not in _YES | _NO:
        raise ValueError(f"ignored is 0 or 1, not {quoted(mark)}")
    boxes.add(row["label"], [number(cell) for cell in cells], ignored=mark in _YES)


def _box_cells(sample: Sample) -> Iterator[list[str]]:
    """The cells of each box, or empty ones where there is none."""
    for label, row, ignored in objects(sample, "xyxy"):
        yield [*map(decimal, row), label, str(int(ignored))]
    if not sample.labels:
        yield [""] * 6
