"""A set of pictures from one format into another, whole or not at all."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sightline.data.formats import FORMATS
from sightline.data.formats._writing import refuse_other_task
from sightline.data.importing import ImportOptions, import_folder
from sightline.data.listing import format_of
from sightline.data.tree import asked_for
from sightline.errors import InputError
from sightline.storage.files import make_folder, refused, sync_folder
from sightline.values.dataset import Dataset


@dataclass(frozen=True)
class Converted:
    """What was written: the dataset as it was read, and sentences about what the target does not hold."""

    dataset: Dataset
    losses: tuple[str, ...]


def convert(
    source: Path,
    target: Path,
    format_name: str,
    options: ImportOptions,
    progress: Callable[[int, int], None] | None = None,
) -> Converted:
    """Read the set in ``source`` and write it into the new folder ``target`` in another format.

    Pictures are copied as they are. What has no split of its own gets the one that every command would
    make of it. The target is written beside its place and appears when it is whole.

    Args:
        source: the folder to read.
        target: a folder that is not there yet, or empty.
        format_name: the format to write.
        options: how to read ``source``.
        progress: told how many files are read and how many there are.

    Raises:
        UnknownPlugin: no format of that name.
        DatasetError: ``source`` cannot become a dataset.
        InputError: ``target`` is in use or lies in ``source``, or the format cannot hold the set.
        StorageError: the disk refused.
    """
    layout = FORMATS.load(format_name)
    place = _free_place(source, target)
    # Before every picture is read; the format asks again.
    refuse_other_task(format_of(source, options.format).TASK, layout.TASK, format_name)
    dataset = import_folder(source, options, progress).dataset
    make_folder(place.parent)
    fresh = place.with_name(f".{uuid4().hex}.part")
    try:
        fresh.mkdir()
        losses = [*layout.write(dataset, fresh), *_odd_endings(dataset)]
        fresh.rename(place)
        sync_folder(place.parent)
    except OSError as error:
        raise refused("write", place, error) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Converted(dataset, tuple(losses))


def _free_place(source: Path, target: Path) -> Path:
    """The target, resolved. Raises InputError where something is in the way."""
    place = target.resolve()
    if place.is_relative_to(source.resolve()):
        raise InputError(f"{str(target)!r} lies in the folder that is read; write beside it")
    try:
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise InputError(f"{str(target)!r} is there already; give a folder that is not, or an empty one")
    except OSError as error:
        raise refused("use", place, error) from error
    return place


def _odd_endings(dataset: Dataset) -> list[str]:
    """A sentence about pictures that nobody takes for pictures by their name."""
    is_picture = asked_for("*")
    odd = [sample.path for sample in dataset.samples if not is_picture(sample.path)]
    if not odd:
        return []
    return [f"{len(odd):,} pictures such as {odd[0]!r} have an odd ending; reading them needs --include"]
