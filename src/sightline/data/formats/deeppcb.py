"""DeepPCB: ``GROUP/N/NAME_test.jpg`` with ``GROUP/N_not/NAME.txt``, lists ``trainval.txt`` and ``test.txt``.

A label's line is ``x1 y1 x2 y2 class`` in pixels, the class a number from 1 to 6. Lists name an image,
which has ``_test`` before its ending on disk, and its label. ``NAME_temp.jpg`` is the board without
defects; it is no picture of the set. Boards of one group are one design.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from sightline.data.formats._annotation import (
    LARGEST_LIST,
    BoxList,
    WrongAnnotation,
    lines_of,
    number,
    quoted,
    read_text,
)
from sightline.data.formats._files import Files, edges, picture_asked_for, plain_files
from sightline.data.formats._split_lists import LISTS, splits_by_name
from sightline.data.formats._writing import (
    annotated,
    copy_picture,
    lost_columns,
    lost_marks,
    new_names,
    objects,
    refuse_other_task,
    write_text,
)
from sightline.data.formats.base import Beside, RawSample
from sightline.errors import DatasetError, InputError
from sightline.values.dataset import Dataset, Sample, SetAside, Split, Task

TASK: Task = "detection"
GROUP_BY = "group"

CLASSES = ("open", "short", "mousebite", "spur", "copper", "pin-hole")
"""The number in a label is the place in this list, from 1."""

_BOARD, _TEMPLATE = "_test", "_temp"
_LINE = re.compile(r"(\S.*\.\w+)\s+(\S.*\.txt)")
_LONGEST_LINE = 4_096
_KEPT = re.compile(r"([^/]+)/[^/]+(?<!_not)/[^/]+" + _BOARD + r"\.\w+")
_SAME = 1e-6
"""Pixels: what another format's arithmetic leaves of a whole number is not rounding."""
_ALONE = "boards"
"""The folder of pictures that come from no group."""


def recognises(root: Path) -> bool:
    """Its lists with their two columns, or its folders."""
    for path in plain_files(root, *(f"{name}.txt" for name in LISTS)):
        first = edges(path).decode("utf-8", "replace").strip().partition("\n")[0].strip()
        if len(first) <= _LONGEST_LINE and _LINE.fullmatch(first):
            return True
    return any(True for _ in plain_files(root, "group*/*_not/*.txt"))


def read(root: Path, include: str) -> Iterator[RawSample | Beside | SetAside]:
    """The listed boards and those in no list, with their group; templates lie beside."""
    files, wanted = Files(root), picture_asked_for(include)
    lists: dict[str, set[str]] = {}
    labels: dict[str, str] = {}
    for name in LISTS:
        path = files.at(f"{name}.txt")
        if path is None:
            continue
        lists[name] = set()
        for line, text in _lines(root, path):
            picture, label = _entry(files, path, line, text)
            if picture is None:
                yield SetAside(path, f"line {line}: there is no picture {quoted(text)}")
            else:
                lists[name].add(picture)
                labels[picture] = label
    splits = splits_by_name(lists)
    boards = {p for p in files.paths if p in labels or PurePosixPath(p).stem.endswith(_BOARD)}
    for path in sorted(filter(wanted, boards)):
        own = labels.get(path) or files.at(_label_of(path))
        yield from _samples(root, path, own, splits.get(path, (None,)))
    templates = {path for path in files.paths if PurePosixPath(path).stem.endswith(_TEMPLATE)}
    yield from files.rest(boards, lambda path: wanted(path) and path not in templates)


def write(dataset: Dataset, target: Path) -> list[str]:
    """Whole pixels, DeepPCB's own six classes, and no difference between train and val."""
    refuse_other_task(dataset.task, TASK, "deeppcb")
    if strange := sorted(set(dataset.classes) - set(CLASSES)):
        raise InputError(
            f"DeepPCB has the classes {', '.join(CLASSES)} and no other; this set has {strange[0]!r}"
        )
    samples, lost = annotated(dataset)
    paths = _places(samples)
    lists: dict[str, set[str]] = {"trainval": set(), "test": set()}
    for sample in samples:
        picture = paths[sample.path]
        label = _label_of(picture)
        copy_picture(dataset, sample.path, target / picture)
        write_text(target / label, "".join(f"{line}\n" for line in _label_lines(sample)))
        lists["test" if sample.split == "test" else "trainval"].add(f"{_listed_as(picture)} {label}\n")
    for name, lines in lists.items():
        write_text(target / f"{name}.txt", "".join(sorted(lines)))
    if any(sample.split == "val" for sample in samples):
        lost.append("validation pictures are in trainval.txt, with those of training")
    lost.append(f"the boards without defects (NAME{_TEMPLATE}) that DeepPCB has beside each are not written")
    return [*lost, *_rounded(samples), *lost_marks(samples), *lost_columns(dataset, ("group",))]


def _lines(root: Path, path: str) -> list[tuple[int, str]]:
    try:
        return lines_of(read_text(root, path, LARGEST_LIST))
    except WrongAnnotation as error:
        raise DatasetError(str(error)) from error


def _entry(files: Files, file: str, line: int, text: str) -> tuple[str | None, str]:
    """The picture on disk, None where there is none, and the label of one line of a list."""
    found = _LINE.fullmatch(text) if len(text) <= _LONGEST_LINE else None
    if found is None:
        raise DatasetError(f"{file!r}, line {line}: an image and its label were wanted, got {quoted(text)}")
    listed = PurePosixPath(found[1])
    picture = files.at(str(listed.with_name(listed.stem + _BOARD + listed.suffix))) or files.at(found[1])
    return picture, files.at(found[2]) or ""


def _listed_as(picture: str) -> str:
    """``GROUP/N/NAME_test.jpg`` to ``GROUP/N/NAME.jpg``, as lists write it."""
    path = PurePosixPath(picture)
    return str(path.with_name(path.stem.removesuffix(_BOARD) + path.suffix))


def _label_of(picture: str) -> str:
    """``GROUP/N/NAME_test.jpg`` to ``GROUP/N_not/NAME.txt``."""
    path = PurePosixPath(picture)
    folder = path.parent.with_name(f"{path.parent.name}_not") if path.parent.name else path.parent
    return str(folder / f"{path.stem.removesuffix(_BOARD)}.txt")


def _samples(
    root: Path, path: str, label: str | None, splits: tuple[Split | None, ...]
) -> Iterator[RawSample | SetAside]:
    top, slash, _ = path.partition("/")
    meta = {GROUP_BY: top if slash else ""}
    if not label:
        yield from (RawSample(path, (), split, meta=meta) for split in splits)
        return
    boxes = BoxList("xyxy")
    try:
        for line, text in lines_of(read_text(root, label)):
            _add(boxes, label, line, text)
    except WrongAnnotation as error:
        yield SetAside(path, str(error))
    else:
        yield from (boxes.sample(path, split, meta) for split in splits)


def _add(boxes: BoxList, label: str, line: int, text: str) -> None:
    try:
        values = re.split(r"[\s,]+", text)
        if len(values) != 5:
            raise ValueError(f"x1 y1 x2 y2 class were wanted, got {quoted(text)}")
        text_is_number = values[4].isascii() and values[4].isdigit() and len(values[4]) < 10
        if not text_is_number or not 1 <= int(values[4]) <= len(CLASSES):
            raise ValueError(f"a class is a number from 1 to {len(CLASSES)}, not {quoted(values[4])}")
        boxes.add(CLASSES[int(values[4]) - 1], [number(value) for value in values[:4]])
    except ValueError as error:
        raise WrongAnnotation(label, str(error), line) from error


def _places(samples: list[Sample]) -> dict[str, str]:
    """Where each picture goes: where it lies if that is DeepPCB's place for it, else into its group."""
    places: dict[str, str] = {}
    labels: set[str] = set()
    loose: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        group = sample.meta.get(GROUP_BY, "")
        kept = _KEPT.fullmatch(sample.path)
        if kept and group in ("", kept[1]) and _label_of(sample.path).lower() not in labels:
            places[sample.path] = sample.path
            labels.add(_label_of(sample.path).lower())
        elif sample.path not in places:
            loose[re.sub(r"[^\w.-]+", "-", group).strip(".-") or _ALONE].append(sample)
    for group, members in loose.items():
        folder = PurePosixPath(group, group.removeprefix("group") or group)
        start = f"{folder}_not/".lower()
        taken = [label.removeprefix(start) for label in labels if label.startswith(start)]
        for path, name in new_names(members, lambda _: None, taken=taken).items():
            place = PurePosixPath(name)
            places[path] = str(folder / f"{place.stem}{_BOARD}{place.suffix}")
    return places


def _label_lines(sample: Sample) -> Iterator[str]:
    for label, row, _ in objects(sample, "xyxy"):
        yield " ".join(str(round(value)) for value in row) + f" {CLASSES.index(label) + 1}"


def _rounded(samples: list[Sample]) -> list[str]:
    moved = sum(
        any(abs(value - round(value)) > _SAME for value in row)
        for sample in samples
        for _, row, _ in objects(sample, "xyxy")
    )
    return [f"{moved:,} boxes are rounded to whole pixels"] if moved else []
