"""Small sets of drawn pictures with boxes, and what a format makes of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from sightline.data.formats import FORMATS
from sightline.data.formats.base import Beside, RawSample
from sightline.data.importing import ImportOptions, import_folder
from sightline.data.manifest import fingerprint
from sightline.storage.files import sha256_file
from sightline.values.boxes import Boxes
from sightline.values.dataset import Dataset, Sample, SetAside, Split, Task
from sightline.values.image import Size

SIZE = Size(40, 30)
Corners = tuple[float, float, float, float]
Labelled = tuple[str, Corners, bool]
"""Class, corners, and the mark to ignore."""


def paint(path: Path, seed: int, size: Size = SIZE) -> Path:
    """One noisy picture, different for each seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size.height, size.width, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return path


def write(root: Path, files: Mapping[str, str]) -> Path:
    """Text files under ``root``."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def boxed(
    root: Path, pictures: Sequence[Sequence[Labelled]], splits: Sequence[Split], meta: Mapping[str, str]
) -> Dataset:
    """A detection dataset of drawn pictures."""
    samples = []
    for number, (objects, split) in enumerate(zip(pictures, splits, strict=True)):
        path = paint(root / f"drawn/{number % 3}/{number:02d}.png", number)
        marks = tuple(ignored for _, _, ignored in objects)
        samples.append(
            Sample(
                path.relative_to(root).as_posix(),
                sha256_file(path),
                SIZE,
                tuple(label for label, _, _ in objects),
                split,
                meta,
                Boxes(np.array([corners for _, corners, _ in objects]), SIZE),
                marks if any(marks) else (),
            )
        )
    return dataset("detection", root, samples)


def labelled(root: Path, labels: Sequence[str], splits: Sequence[Split], meta: Mapping[str, str]) -> Dataset:
    """A classification dataset of drawn pictures."""
    samples = []
    for number, (label, split) in enumerate(zip(labels, splits, strict=True)):
        path = paint(root / f"drawn/{number % 3}/{number:02d}.png", number)
        name = path.relative_to(root).as_posix()
        samples.append(Sample(name, sha256_file(path), SIZE, (label,), split, meta))
    return dataset("classification", root, samples)


def dataset(task: Task, root: Path, samples: Sequence[Sample]) -> Dataset:
    classes = tuple(sorted({label for sample in samples for label in sample.labels}))
    mark = fingerprint(task, classes, samples)
    return Dataset(root, task, classes, tuple(samples), (), "made", mark)


def reread(root: Path, name: str) -> dict[str, Sample]:
    """The samples by content, as the format has them: no split is made for those without."""
    options = ImportOptions(format=name, held_out=True)
    return {sample.sha256: sample for sample in import_folder(root, options).dataset.samples}


def raw(root: Path, name: str) -> dict[str, RawSample]:
    """The pictures that a format gives, by path."""
    return {each.path: each for each in FORMATS.load(name).read(root, "*") if isinstance(each, RawSample)}


def aside(root: Path, name: str) -> list[str]:
    """What a format sets aside, as ``path: reason``."""
    found = FORMATS.load(name).read(root, "*")
    return [f"{each.path}: {each.reason}" for each in found if isinstance(each, SetAside)]


def beside(root: Path, name: str) -> set[str]:
    """The files that a format passes over."""
    return {each.path for each in FORMATS.load(name).read(root, "*") if isinstance(each, Beside)}
