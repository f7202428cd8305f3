"""Pictures and texts into a new folder, and what a format could not hold of them."""

import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath

from sightline.errors import InputError
from sightline.storage.files import refused
from sightline.values.boxes import BoxFormat
from sightline.values.dataset import Dataset, Sample, Task

_UNSAFE = re.compile(r"[^\w.+-]+")


def refuse_other_task(found: Task, task: Task, format_name: str) -> None:
    """Raise InputError where a set has another task than the format that is to hold it."""
    has = {"classification": "one class for each picture", "detection": "boxes in each picture"}
    if found != task:
        raise InputError(f"the format {format_name!r} holds {has[task]}, and this set has {has[found]}")


def annotated(dataset: Dataset) -> tuple[list[Sample], list[str]]:
    """The samples of which something is known, and a sentence about the others."""
    known = [
        sample
        for sample in dataset.samples
        if (sample.labels if dataset.task == "classification" else sample.boxes is not None)
    ]
    without = len(dataset.samples) - len(known)
    return known, [f"{without:,} pictures without annotation are left out"] if without else []


def lost_columns(dataset: Dataset, kept: Sequence[str] = ()) -> list[str]:
    """A sentence about the metadata columns that are not among ``kept``."""
    columns = sorted({column for sample in dataset.samples for column in sample.meta} - set(kept))
    listed = ", ".join(map(repr, columns))
    if len(columns) > 1:
        return [f"the metadata columns {listed} are lost"]
    return [f"the metadata column {listed} is lost"] if columns else []


def lost_marks(samples: Iterable[Sample]) -> list[str]:
    """A sentence about boxes that were to be ignored and become ordinary ones."""
    marked = sum(sum(sample.ignored) for sample in samples)
    return [f"{marked:,} boxes lose the mark that they are to be ignored"] if marked else []


def new_names(
    samples: Iterable[Sample], kept: Callable[[Sample], str | None], *, taken: Iterable[str] = ()
) -> dict[str, str]:
    """For each sample's path the name of its picture in a new place, with the picture's ending.

    What ``kept`` gives is kept. Other paths become one name: the file's own where no other picture has
    it, else with its folders before it, else with a number behind. No two names differ in their ending
    or in case only, because annotations are named after pictures, and some disks ignore case.
    """
    names: dict[str, str] = {}
    used = {_stem(name) for name in taken}
    loose: list[Sample] = []
    for sample in samples:
        own = kept(sample)
        if sample.path in names:
            continue
        if own is not None and _stem(own) not in used:
            names[sample.path] = own
            used.add(_stem(own))
        else:
            loose.append(sample)
    for sample in loose:
        if sample.path in names:
            continue
        names[sample.path] = name = _free(PurePosixPath(sample.path), used)
        used.add(_stem(name))
    return names


def inside(folder: str) -> Callable[[Sample], str | None]:
    """For ``new_names``: pictures that lie in ``folder`` already keep their names there."""
    start = f"{folder}/"
    return lambda sample: sample.path.removeprefix(start) if sample.path.startswith(start) else None


def objects(sample: Sample, form: BoxFormat) -> list[tuple[str, list[float], bool]]:
    """Label, four numbers written as ``form``, and mark to ignore, of each box."""
    if sample.boxes is None:
        return []
    marks = sample.ignored or (False,) * len(sample.labels)
    return list(zip(sample.labels, sample.boxes.to(form).tolist(), marks, strict=True))


def copy_picture(dataset: Dataset, path: str, target: Path) -> None:
    """Copy a picture's bytes to ``target``, whose folders are made. Raises StorageError."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(dataset.root / path, target)
    except OSError as error:
        raise refused("copy", dataset.root / path, error) from error


def write_text(target: Path, text: str) -> None:
    """Write an annotation, UTF-8, lines ended by a line feed; folders are made. Raises StorageError."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
    except OSError as error:
        raise refused("write", target, error) from error


def decimal(value: float) -> str:
    """The shortest text that reads back as the same number; whole numbers without a point."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix("")).lower()


def _free(path: PurePosixPath, used: set[str]) -> str:
    ending = path.suffix
    parts = [_UNSAFE.sub("-", part).strip(".-") for part in path.with_suffix("").parts]
    candidates = [parts[-1], "-".join(parts)]
    for name in filter(None, candidates):
        if name.lower() not in used:
            return name + ending
    number = 2
    while f"{candidates[1]}-{number}".lower() in used:
        number += 1
    return f"{candidates[1]}-{number}{ending}"
