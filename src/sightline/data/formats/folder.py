"""One folder per class: ``CLASS/…/picture`` or ``SPLIT/CLASS/…/picture``."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from sightline.data.formats._writing import (
    annotated,
    copy_picture,
    inside,
    lost_columns,
    new_names,
    refuse_other_task,
)
from sightline.data.formats.base import Beside, RawSample
from sightline.data.split_names import split_of
from sightline.data.tree import asked_for, walk
from sightline.errors import InputError
from sightline.values.dataset import Dataset, Sample, SetAside, Split, Task

TASK: Task = "classification"
GROUP_BY = ""


def recognises(root: Path) -> bool:
    """Any folder can be read so; other formats are asked first."""
    return root.is_dir()


def read(root: Path, include: str) -> Iterator[RawSample | Beside | SetAside]:
    """The class is the first folder under the root or, in a set that brings its split, under the split.

    Deeper folders are walked and name nothing. Pictures outside a class folder have no labels.
    """
    wanted = asked_for(include)
    paths: list[str] = []
    for found in walk(root):
        if isinstance(found, SetAside):
            yield found
        else:
            paths.append(found)
    tops = {path.partition("/")[0] for path in paths if "/" in path and wanted(path)}
    splits = split_folders(tops)
    for path in paths:
        top, _, rest = path.partition("/")
        label = _first_folder(rest if top in splits else "" if splits else path)
        if wanted(path):
            yield RawSample(path, label, splits.get(top) if rest else None)
        else:
            yield Beside(path, label)


def write(dataset: Dataset, target: Path) -> list[str]:
    """``SPLIT/CLASS/picture``; metadata is what it cannot hold."""
    refuse_other_task(dataset.task, TASK, "folder")
    samples, lost = annotated(dataset)
    parts: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        parts[_class_folder(sample)].append(sample)
    for folder, members in parts.items():
        names = new_names(members, inside(folder))
        for path, name in names.items():
            copy_picture(dataset, path, target / folder / name)
    return lost + lost_columns(dataset)


def split_folders(names: set[str]) -> dict[str, Split]:
    """The folders right under the root that are splits, empty where those folders are classes.

    They are splits where every one of them has a split's name, or where ``train`` and one more have;
    a lone ``train`` among other names is a class like any other (trains beside cars).
    """
    splits = {name: split for name in names if (split := split_of(name))}
    if len(splits) == len(names) or {"train"} < set(splits.values()):
        return splits
    return {}


def _first_folder(path: str) -> tuple[str, ...]:
    """The class in ``CLASS/…/file``, composed: one name written in two ways of Unicode is one class."""
    folder, slash, _ = path.partition("/")
    return (unicodedata.normalize("NFC", folder),) if slash else ()


def _class_folder(sample: Sample) -> str:
    [label] = sample.labels
    if "/" in label or label.startswith(".") or label == "__MACOSX":
        raise InputError(f"the class {label!r} cannot be the name of a folder")
    return f"{sample.split}/{label}"
