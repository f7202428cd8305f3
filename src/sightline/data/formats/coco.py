"""COCO: JSON files in ``annotations/``, in the root, or ``_annotations.coco.json`` beside the pictures.

The split is that of the file's name (``instances_val2017.json``) or folder. Where files named
``instances`` lie beside others (captions, keypoints), only they are read. A picture that a file lists
without an annotation shows nothing; a file without ``annotations`` says nothing about its pictures.
Crowds are to be ignored. ``bbox`` is left, top, width and height in pixels.
"""

import json
import posixpath
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from sightline.data.formats._annotation import BoxList, WrongAnnotation, quoted
from sightline.data.formats._coco_file import CocoFile, JsonRow, read_coco_file
from sightline.data.formats._files import Files, edges, picture_asked_for, plain_files
from sightline.data.formats._writing import (
    annotated,
    copy_picture,
    inside,
    lost_columns,
    new_names,
    objects,
    refuse_other_task,
    write_text,
)
from sightline.data.formats.base import Beside, RawSample
from sightline.data.split_names import split_in
from sightline.data.tree import one_line
from sightline.errors import DatasetError
from sightline.values.dataset import SPLITS, Dataset, Sample, SetAside, Split, Task

TASK: Task = "detection"
GROUP_BY = ""

_PICTURES = "images"
_BESIDE = "_annotations.coco.json"


def recognises(root: Path) -> bool:
    """A JSON file with COCO's lists in one of the usual places."""
    places = plain_files(root, f"*/{_BESIDE}", "annotations/*.json", "Annotations/*.json", "*.json")
    return any(_looks_like_coco(path) for path in places)


def read(root: Path, include: str) -> Iterator[RawSample | Beside | SetAside]:
    """Every picture of every file, and those in none."""
    files, wanted = Files(root), picture_asked_for(include)
    used: set[str] = set()
    listed: dict[tuple[str, Split | None], str] = {}
    for path in _coco_files(files):
        split = split_in(PurePosixPath(path).stem) or split_in(PurePosixPath(path).parent.name)
        try:
            file = read_coco_file(root, path)
            for each in _samples(file, files, split):
                if isinstance(each, RawSample):
                    if not wanted(each.path):
                        continue
                    _claim(listed, each, path)
                used.add(each.path)
                yield each
        except WrongAnnotation as error:
            raise DatasetError(str(error)) from error
    yield from files.rest(used, wanted)


def write(dataset: Dataset, target: Path) -> list[str]:
    """``images`` and one file a split; metadata is what it cannot hold."""
    refuse_other_task(dataset.task, TASK, "coco")
    samples, lost = annotated(dataset)
    names = new_names(samples, inside(_PICTURES))
    for path, name in names.items():
        copy_picture(dataset, path, target / _PICTURES / name)
    numbers = {path: number for number, path in enumerate(names, start=1)}
    for split in SPLITS:
        part = [sample for sample in samples if sample.split == split]
        if part:
            file = target / "annotations" / f"instances_{split}.json"
            write_text(file, _document(part, names, numbers, dataset.classes))
    return lost + lost_columns(dataset)


def _looks_like_coco(path: Path) -> bool:
    """Two of the lists, or what stands in one: the third may lie in the middle of a large file."""
    data = edges(path)
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return False
    lists = sum(name in data for name in (b'"images"', b'"annotations"', b'"categories"'))
    return lists >= 2 and any(name in data for name in (b'"file_name"', b'"bbox"', b'"category_id"'))


def _coco_files(files: Files) -> list[str]:
    """The files to read. Raises DatasetError where there are none."""
    found = []
    for path in files.paths:
        folder, _, name = path.rpartition("/")
        usual = folder == "" or folder.lower() == "annotations" or name == _BESIDE
        if usual and name.lower().endswith(".json") and _looks_like_coco(files.root / path):
            found.append(path)
    instances = [path for path in found if PurePosixPath(path).name.startswith("instances")]
    if not found:
        raise DatasetError(
            f"there is no COCO file in {files.root.name!r}: *.json there or in 'annotations', "
            f"or {_BESIDE} beside the pictures"
        )
    return instances or found


def _claim(listed: dict[tuple[str, Split | None], str], sample: RawSample, file: str) -> None:
    """Raise DatasetError where another file has said something about the same picture of the same split."""
    splits = SPLITS if sample.split is None else (sample.split,)
    for split in (None, *splits):
        other = listed.get((sample.path, split))
        if other is not None:
            raise DatasetError(f"{other!r} and {file!r} both list {sample.path!r}; leave one of them out")
    listed[sample.path, sample.split] = file


def _samples(file: CocoFile, files: Files, split: Split | None) -> Iterator[RawSample | SetAside]:
    """The pictures of one file. Raises WrongAnnotation where that cannot go on."""
    boxes, wrong, strays = _boxes(file)
    seen: set[object] = set()
    places = _places(file.path)
    for row in file.rows["images"]:
        number, name = row.value.get("id"), row.value.get("file_name")
        if not isinstance(name, str) or not _is_number(number):
            raise file.wrong(row, "an image needs an id and a file_name")
        if number in seen:
            raise file.wrong(row, f"another image has the id {number!r} too")
        seen.add(number)
        try:
            path = files.find(name, places)
        except ValueError as error:
            yield SetAside(one_line(name), str(file.wrong(row, str(error))))
            continue
        if path is None:
            yield SetAside(one_line(name), str(file.wrong(row, "there is no such picture")))
        elif number in wrong:
            yield SetAside(path, wrong[number])
        elif boxes is None:
            yield RawSample(path, (), split)
        else:
            yield boxes.get(number, BoxList("xywh")).sample(path, split)
    for number in strays.keys() - seen:
        yield SetAside(file.path, f"line {strays[number]}: there is no image with the id {number!r}")


def _boxes(file: CocoFile) -> tuple[dict[object, BoxList] | None, dict[object, str], dict[object, int]]:
    """By image: its boxes (None where the file has no annotations), what is wrong, and the first line."""
    if "annotations" not in file.rows:
        return None, {}, {}
    classes = _classes(file)
    boxes: defaultdict[object, BoxList] = defaultdict(lambda: BoxList("xywh"))
    wrong: dict[object, str] = {}
    images = {row.value.get("id") for row in file.rows["images"] if _is_number(row.value.get("id"))}
    strays: dict[object, int] = {}
    for row in file.rows["annotations"]:
        number = row.value.get("image_id")
        if not _is_number(number):
            raise file.wrong(row, "an annotation needs an image_id")
        if number not in images:
            if number not in strays:
                strays[number] = file.line(row)
            continue
        try:
            _add(boxes[number], row, classes)
        except ValueError as error:
            wrong.setdefault(number, str(file.wrong(row, str(error))))
    return dict(boxes), wrong, strays


def _classes(file: CocoFile) -> dict[object, str]:
    classes: dict[object, str] = {}
    for row in file.rows.get("categories", ()):
        number, name = row.value.get("id"), row.value.get("name")
        if not isinstance(name, str) or not _is_number(number):
            raise file.wrong(row, "a category needs an id and a name")
        if number in classes:
            raise file.wrong(row, f"another category has the id {number!r} too")
        classes[number] = name
    return classes


def _add(boxes: BoxList, row: JsonRow, classes: dict[object, str]) -> None:
    category, sides = row.value.get("category_id"), row.value.get("bbox")
    if not _is_number(category) or category not in classes:
        raise ValueError(f"there is no category with the id {quoted(str(category))}")
    if not isinstance(sides, list) or not all(
        isinstance(side, int | float) and not isinstance(side, bool) for side in sides
    ):
        raise ValueError("an annotation needs a bbox of four numbers")
    boxes.add(classes[category], _floats(sides), ignored=row.value.get("iscrowd") in (1, True))


def _floats(sides: list[int | float]) -> list[float]:
    try:
        return [float(side) for side in sides]
    except OverflowError as error:
        raise ValueError("a number of the bbox is too large") from error


def _is_number(value: object) -> bool:
    """Whether it can be an id: COCO's are whole numbers, some programs write texts."""
    return isinstance(value, int | str) and not isinstance(value, bool)


def _places(file: str) -> tuple[str, ...]:
    """Folders that a file's pictures are usually named from, the most likely first."""
    split = PurePosixPath(file).stem.rpartition("_")[2]
    return (posixpath.dirname(file), f"{_PICTURES}/{split}", split, "", _PICTURES)


def _document(
    samples: list[Sample], names: dict[str, str], numbers: dict[str, int], classes: tuple[str, ...]
) -> str:
    """One object a line, so that a person can read it and a wrong line can be named."""
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for sample in samples:
        number, size = numbers[sample.path], {"width": sample.size.width, "height": sample.size.height}
        images.append({"id": number, "file_name": names[sample.path], **size})
        for label, sides, ignored in objects(sample, "xywh"):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": classes.index(label) + 1,
                    "bbox": sides,
                    "area": sides[2] * sides[3],
                    "iscrowd": int(ignored),
                }
            )
    categories: list[dict[str, object]] = [
        {"id": index, "name": name} for index, name in enumerate(classes, start=1)
    ]
    lists = {"images": images, "annotations": annotations, "categories": categories}
    return "{\n" + ",\n".join(f'"{key}": {_lines(rows)}' for key, rows in lists.items()) + "\n}\n"


def _lines(rows: list[dict[str, object]]) -> str:
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows) + "\n]"
