"""YOLO: ``data.yaml`` with ``names`` and ``train``, ``val``, ``test``; a label file for each picture.

An entry is a folder, a text file that lists pictures, or a list of these, relative to ``path`` or to the
file itself. Of a path from another machine the end is used, if that is here. The label of
``…/images/…/NAME.jpg`` is ``…/labels/…/NAME.txt`` with lines ``class cx cy width height``, fractions of the
picture. A picture without a label file shows nothing: that is YOLO's convention.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

from sightline.data.formats._annotation import (
    LARGEST_LIST,
    BoxList,
    WrongAnnotation,
    class_name,
    lines_of,
    number,
    quoted,
    read_text,
)
from sightline.data.formats._files import Files, clean, edges, picture_asked_for, plain_files
from sightline.data.formats._writing import (
    annotated,
    copy_picture,
    inside,
    lost_columns,
    lost_marks,
    new_names,
    objects,
    refuse_other_task,
    write_text,
)
from sightline.data.formats.base import Beside, RawSample
from sightline.data.tree import one_line
from sightline.data.yaml_nodes import Listing, Mapping, Node, Scalar, YamlRefused, parse_yaml
from sightline.errors import DatasetError
from sightline.values.dataset import SPLITS, Dataset, Sample, SetAside, Split, Task

TASK: Task = "detection"
GROUP_BY = ""

_FILE = "data.yaml"
_LARGEST_YAML = 1 << 20
_NOTHING = {"", "null", "~"}
_MOST_ENTRIES, _DEEPEST = 1_000, 64
"""Folders that a split may list, and folders in a path: each is looked for among all files."""


def recognises(root: Path) -> bool:
    """A YAML file in the root with ``names`` and one of the splits."""
    return any(_looks_like_yolo(path) for path in plain_files(root, "*.yaml", "*.yml"))


def read(root: Path, include: str) -> Iterator[RawSample | Beside | SetAside]:
    """Every picture of every split, and those in none."""
    files, wanted = Files(root), picture_asked_for(include)
    try:
        config = _config(files)
        used: set[str] = set()
        for split in SPLITS:
            for each in config.pictures(split):
                if isinstance(each, SetAside):
                    yield each
                elif wanted(each):
                    used.add(each)
                    yield _sample(files, each, split, config.names)
    except WrongAnnotation as error:
        raise DatasetError(str(error)) from error
    yield from files.rest(used, wanted)


def write(dataset: Dataset, target: Path) -> list[str]:
    """``images/SPLIT``, ``labels/SPLIT`` and ``data.yaml``; metadata and ignore marks are lost."""
    refuse_other_task(dataset.task, TASK, "yolo")
    samples, lost = annotated(dataset)
    config: dict[str, object] = {}
    for split in SPLITS:
        part = [sample for sample in samples if sample.split == split]
        names = new_names(part, inside(f"images/{split}"))
        for sample in part:
            name = PurePosixPath(split, names[sample.path])
            copy_picture(dataset, sample.path, target / "images" / name)
            lines = "".join(f"{line}\n" for line in _label_lines(sample, dataset.classes))
            write_text(target / "labels" / name.with_suffix(".txt"), lines)
        if part:
            config[split] = f"images/{split}"
    config["names"] = dict(enumerate(dataset.classes))
    write_text(target / _FILE, yaml.safe_dump(config, allow_unicode=True, sort_keys=False))
    return [*lost, *lost_marks(samples), *lost_columns(dataset)]


def _looks_like_yolo(path: Path) -> bool:
    keys = {line.partition(b":")[0].strip(b"'\" ") for line in edges(path).splitlines() if b":" in line}
    return b"names" in keys and bool(keys & {split.encode() for split in SPLITS})


@dataclass(frozen=True)
class _Config:
    """What ``data.yaml`` says: class names by number, and the entries of each split with their line."""

    files: Files
    file: str
    base: str
    names: dict[int, str]
    entries: dict[Split, list[Scalar]]

    def pictures(self, split: Split) -> Iterator[str | SetAside]:
        """The paths of a split, in order, each once; what is named and is not there is set aside.

        Raises WrongAnnotation where the training pictures are not there.
        """
        seen: set[str] = set()
        for entry in self.entries.get(split, ()):
            found = self._place(entry.text)
            if found is None and split == "train":
                raise WrongAnnotation(self.file, f"train: there is no {quoted(entry.text)}", entry.line)
            if found is None:
                yield SetAside(self.file, f"line {entry.line}: {split}: there is no {quoted(entry.text)}")
            elif self.files.at(found) is None:
                yield from _new(self.files.under(found), seen)
            else:
                yield from _new(self._listed(found), seen)

    def _place(self, entry: str) -> str | None:
        """The folder or the list below the root that an entry means."""
        wanted = clean(entry)
        candidates = [posixpath.normpath(posixpath.join(self.base, wanted)), wanted]
        # Some programs write ../train/images for what lies right beside the file.
        parts = [part for part in wanted.split("/") if part not in ("", "..")]
        if len(parts) > _DEEPEST:
            return None
        starts = range(len(parts)) if wanted.startswith(("/", "../")) or wanted[1:3] == ":/" else ()
        candidates += ["/".join(parts[start:]) for start in starts]
        for candidate in candidates:
            place = "" if candidate == "." else candidate
            if self.files.at(place) is not None or self.files.under(place):
                return place
        return None

    def _listed(self, file: str) -> Iterator[str | SetAside]:
        near = (posixpath.dirname(file), self.base, "")
        for line, text in lines_of(read_text(self.files.root, file, LARGEST_LIST)):
            try:
                path = self.files.find(text, near)
                why = "there is no such picture"
            except ValueError as error:
                path, why = None, str(error)
            yield path or SetAside(one_line(text[:200]), str(WrongAnnotation(file, why, line)))


def _new(found: "Iterator[str | SetAside] | list[str]", seen: set[str]) -> Iterator[str | SetAside]:
    for each in found:
        if isinstance(each, SetAside):
            yield each
        elif each not in seen:
            seen.add(each)
            yield each


def _config(files: Files) -> _Config:
    """Read the YAML file of the root. Raises WrongAnnotation, and DatasetError where there is not one."""
    found = [path for path in files.paths if "/" not in path and path.lower().endswith((".yaml", ".yml"))]
    if _FILE not in found:
        found = [path for path in found if _looks_like_yolo(files.root / path)]
    if not found or (len(found) > 1 and _FILE not in found):
        what = f"{', '.join(map(repr, found))} could each be it" if found else "there is none"
        raise DatasetError(f"YOLO needs {_FILE!r} in {files.root.name!r}; {what}")
    file = _FILE if _FILE in found else found[0]
    try:
        top = parse_yaml(read_text(files.root, file, _LARGEST_YAML))
    except YamlRefused as error:
        raise WrongAnnotation(file, str(error), error.line) from error
    if not isinstance(top, Mapping) or "names" not in top.items:
        raise WrongAnnotation(file, "names and train were wanted", top.line)
    entries = {split: _entries(file, top.items[split]) for split in SPLITS if split in top.items}
    if not any(entries.values()):
        raise WrongAnnotation(file, "names no pictures; train, val and test would", top.line)
    path = top.items.get("path")
    base = clean(path.text) if isinstance(path, Scalar) and path.text not in _NOTHING else "."
    inside = base if files.under(base) else ""
    return _Config(files, file, inside, _names(file, top.items["names"]), entries)


def _entries(file: str, node: Node) -> list[Scalar]:
    items: list[Node] = node.items if isinstance(node, Listing) else [node]
    if len(items) > _MOST_ENTRIES:
        raise WrongAnnotation(file, f"a split lists more than {_MOST_ENTRIES:,} folders", node.line)
    found = []
    for item in items:
        if not isinstance(item, Scalar):
            raise WrongAnnotation(file, "a folder or a list of folders was wanted", item.line)
        if item.text not in _NOTHING:
            found.append(item)
    return found


def _names(file: str, node: Node) -> dict[int, str]:
    if isinstance(node, Listing):
        pairs = [(str(index), item) for index, item in enumerate(node.items)]
    else:
        pairs = list(node.items.items()) if isinstance(node, Mapping) else []
    names: dict[int, str] = {}
    for key, item in pairs:
        if not isinstance(item, Scalar) or not _is_index(key):
            raise WrongAnnotation(file, "names must have a number and a text for each class", item.line)
        try:
            names[int(key)] = class_name(item.text)
        except ValueError as error:
            raise WrongAnnotation(file, str(error), item.line) from error
    if not names:
        raise WrongAnnotation(file, "names must be a list of class names", node.line)
    if len(set(names.values())) < len(names):
        raise WrongAnnotation(file, "names has one name twice", node.line)
    return names


def _is_index(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _label_of(picture: str) -> str:
    """The label file of a picture: the last folder ``images`` becomes ``labels``."""
    folders = list(PurePosixPath(picture).with_suffix(".txt").parts)
    for index in range(len(folders) - 2, -1, -1):
        if folders[index] == "images":
            folders[index] = "labels"
            break
    return "/".join(folders)


def _sample(files: Files, path: str, split: Split, names: dict[int, str]) -> RawSample | SetAside:
    boxes = BoxList("normalised-cxcywh")
    label = files.at(_label_of(path))
    try:
        lines = [] if label is None else lines_of(read_text(files.root, label))
        for line, text in lines:
            try:
                _add(boxes, text.split(), names)
            except ValueError as error:
                raise WrongAnnotation(label or "", str(error), line) from error
    except WrongAnnotation as error:
        return SetAside(path, str(error))
    return boxes.sample(path, split)


def _add(boxes: BoxList, values: list[str], names: dict[int, str]) -> None:
    if len(values) > 5:
        raise ValueError(
            f"{len(values)} numbers are a polygon or keypoints; a box is class cx cy width height"
        )
    if len(values) < 5:
        raise ValueError(f"class cx cy width height were wanted, got {len(values)} numbers")
    if not _is_index(values[0]) or int(values[0]) not in names:
        raise ValueError(f"there is no class {quoted(values[0])}; names has {len(names)}")
    boxes.add(names[int(values[0])], [number(value) for value in values[1:]])


def _label_lines(sample: Sample, classes: tuple[str, ...]) -> Iterator[str]:
    for label, row, _ in objects(sample, "normalised-cxcywh"):
        yield f"{classes.index(label)} " + " ".join(f"{value:.12g}" for value in row)
