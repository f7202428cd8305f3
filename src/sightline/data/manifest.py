"""A dataset written down: one immutable file, and the fingerprint that names it.

The file is JSON with one sample a line, so that two versions can be compared by eye. The fingerprint is
the SHA-256 of the canonical lines themselves: what the dataset is, and not where it lies, where its
split came from or what was set aside.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from sightline.errors import DatasetError
from sightline.storage.files import atomic_file
from sightline.values.boxes import Boxes
from sightline.values.dataset import Dataset, Sample, SetAside, Split, Task
from sightline.values.image import Size

SCHEMA = 1
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def fingerprint(task: Task, classes: tuple[str, ...], samples: Iterable[Sample]) -> str:
    """SHA-256, hexadecimal, of the task, the classes in order, and the samples in order."""
    digest = hashlib.sha256(_head(task, classes))
    for sample in samples:
        digest.update(_line(sample))
    return digest.hexdigest()


def write_manifest(dataset: Dataset, path: Path) -> None:
    """Write ``dataset`` to ``path``, whole or not at all.

    The same dataset may be written again, from another place too.

    Raises:
        DatasetError: ``path`` is the manifest of another dataset; a manifest never changes.
        StorageError: the disk refuses.
    """
    if path.exists() and read_manifest(path).fingerprint != dataset.fingerprint:
        raise DatasetError(f"{path.name!r} is the manifest of another dataset, and manifests never change")
    with atomic_file(path) as file:
        for text in _document(dataset):
            file.write(text.encode())


def read_manifest(path: Path, root: Path | None = None) -> Dataset:
    """Read a dataset back, under ``root`` if its pictures have moved.

    Raises:
        DatasetError: it cannot be read, is not a manifest, or is not what was written.
    """
    try:
        stored = TypeAdapter(_Document).validate_json(path.read_bytes())
        samples = tuple(_sample(each) for each in stored.samples)
    except OSError as error:
        raise DatasetError(
            f"the dataset's manifest {path.name!r} cannot be read: {error.strerror}"
        ) from error
    except ValueError as error:
        why = _reason(error)
        raise DatasetError(f"{path.name!r} is not a dataset's manifest of schema {SCHEMA}: {why}") from error
    found = fingerprint(stored.task, stored.classes, samples)
    if found != stored.fingerprint:
        raise DatasetError(
            f"{path.name!r} was changed: it says fingerprint {stored.fingerprint!r} and has {found!r}"
        )
    place = Path(stored.root) if root is None else root
    return Dataset(
        place, stored.task, stored.classes, samples, stored.set_aside, stored.split_origin, stored.fingerprint
    )


@dataclass(frozen=True, slots=True)
class _Boxes:
    xyxy: tuple[tuple[float, float, float, float], ...]
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Sample:
    path: str
    sha256: str
    size: tuple[int, int]
    labels: tuple[str, ...]
    split: Split
    meta: dict[str, str]
    boxes: _Boxes | None = None
    ignored: tuple[bool, ...] = ()


@dataclass(frozen=True)
class _Document:
    schema: Literal[1]
    fingerprint: str
    root: str
    split_origin: str
    task: Task
    classes: tuple[str, ...]
    set_aside: tuple[SetAside, ...]
    samples: tuple[_Sample, ...]


def _document(dataset: Dataset) -> Iterator[str]:
    yield "{" + f'"schema":{SCHEMA},\n"fingerprint":{_encode(dataset.fingerprint)},\n'
    yield f'"root":{_encode(str(dataset.root))},\n"split_origin":{_encode(dataset.split_origin)},\n'
    yield f'"task":{_encode(dataset.task)},\n"classes":{_encode(dataset.classes)},\n"set_aside":['
    yield from _array(_encode({"path": gone.path, "reason": gone.reason}) for gone in dataset.set_aside)
    yield '],\n"samples":['
    yield from _array(_line(sample).decode().rstrip("\n") for sample in dataset.samples)
    yield "]}\n"


def _array(items: Iterable[str]) -> Iterator[str]:
    for number, item in enumerate(items):
        yield (",\n" if number else "\n") + item


def _head(task: Task, classes: tuple[str, ...]) -> bytes:
    return (_encode({"schema": SCHEMA, "task": task, "classes": classes}) + "\n").encode()


def _line(sample: Sample) -> bytes:
    fields: dict[str, object] = {
        "path": sample.path,
        "sha256": sample.sha256,
        "size": (sample.size.width, sample.size.height),
        "labels": sample.labels,
        "split": sample.split,
        "meta": dict(sample.meta),
    }
    if sample.boxes is not None:
        size = sample.boxes.size
        fields["boxes"] = {"xyxy": sample.boxes.xyxy.tolist(), "size": (size.width, size.height)}
    if any(sample.ignored):
        fields["ignored"] = sample.ignored
    return (_encode(fields) + "\n").encode()


def _sample(stored: _Sample) -> Sample:
    path = PurePosixPath(stored.path)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in stored.path:
        raise ValueError(f"{stored.path!r} is not a path below the root")
    boxes = None
    if stored.boxes is not None:
        boxes = Boxes.of(stored.boxes.xyxy, Size(*stored.boxes.size), "xyxy")
    return Sample(
        stored.path,
        stored.sha256,
        Size(*stored.size),
        stored.labels,
        stored.split,
        stored.meta,
        boxes,
        stored.ignored,
    )


def _reason(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{first['msg']} at {'.'.join(map(str, first['loc'])) or 'its beginning'}"
    return str(error)
