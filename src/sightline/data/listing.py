"""What a folder holds, before any picture is read."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path, PurePosixPath

from sightline.data.csv_table import read_table
from sightline.data.formats import FORMATS
from sightline.data.formats.base import Beside, Format, RawSample
from sightline.data.metadata import unused_rows
from sightline.data.split_names import SPLIT_NAMES, split_of
from sightline.errors import DatasetError
from sightline.values.dataset import Finding, SetAside

_FALLBACK = "folder"


@dataclass(frozen=True)
class Listing:
    """The files to read, sorted by path, and everything else that lies there.

    ``found`` counts the files of each class, 0 for a folder without a picture; ``beside`` counts the
    files not asked for, by ending. ``notes`` are findings so far.
    """

    root: Path
    samples: tuple[RawSample, ...]
    set_aside: tuple[SetAside, ...]
    found: Mapping[str, int]
    beside: Mapping[str, int]
    notes: tuple[Finding, ...] = ()

    @property
    def paths(self) -> list[str]:
        """Paths of the files to read."""
        return [sample.path for sample in self.samples]

    @property
    def labels(self) -> set[str]:
        """All classes that a file to read has."""
        return {label for sample in self.samples for label in sample.labels}


def list_pictures(root: Path, include: str) -> Listing:
    """List the pictures under ``root`` in whatever format they lie there.

    Raises:
        DatasetError: no such folder, or no picture in it.
    """
    place = _usable(root)
    samples: list[RawSample] = []
    set_aside: list[SetAside] = []
    beside: list[Beside] = []
    for each in _format_of(place).read(place, include):
        if isinstance(each, RawSample):
            samples.append(each)
        elif isinstance(each, Beside):
            beside.append(each)
        else:
            set_aside.append(each)
    endings = Counter(PurePosixPath(each.path).suffix.lower() or "no ending" for each in beside)
    if not samples:
        raise DatasetError(_nothing(root, include, set_aside, endings))
    found = dict.fromkeys(sorted({label for each in beside for label in each.labels}), 0)
    found |= Counter(label for sample in samples for label in sample.labels)
    samples.sort(key=attrgetter("path"))
    return Listing(place, tuple(samples), tuple(set_aside), found, dict(endings.most_common()))


def refuse_unlabelled(listing: Listing, root: Path) -> Listing:
    """The listing, if every picture has a class.

    Raises:
        DatasetError: with counts, and the ways out.
    """
    without = [sample.path for sample in listing.samples if not sample.labels]
    if without:
        raise DatasetError(
            f"{len(without):,} of {len(listing.samples):,} pictures in {str(root)!r} lie in no class folder, "
            f"the first {without[0]!r}; sort them into one folder per class, "
            "or leave them out with --unlabelled ignore"
        )
    return listing


def ignore_unlabelled(listing: Listing, root: Path) -> Listing:
    """The listing with pictures without a class set aside.

    Raises:
        DatasetError: nothing is left.
    """
    kept = tuple(sample for sample in listing.samples if sample.labels)
    if not kept:
        raise DatasetError(
            f"none of {len(listing.samples):,} pictures in {str(root)!r} lies in a class folder; "
            "sort them into one folder per class"
        )
    ignored = tuple(
        SetAside(s.path, "in no class folder, ignored as asked") for s in listing.samples if not s.labels
    )
    return replace(listing, samples=kept, set_aside=listing.set_aside + ignored)


def keep_known_labels(listing: Listing, classes: Iterable[str]) -> Listing:
    """The listing with labels outside ``classes`` taken off, which a note says."""
    known = set(classes)
    unknown = Counter(label for s in listing.samples for label in s.labels if label not in known)
    if not unknown:
        return listing
    samples = tuple(
        sample if known.issuperset(sample.labels) else replace(sample, labels=())
        for sample in listing.samples
    )
    words = (
        f"{unknown.total():,} pictures lie in {len(unknown)} folders that are not in the list of classes, "
        f"such as {min(unknown)!r}; they count as unlabelled"
    )
    note = Finding("import", "warning", words, figures={"pictures": unknown.total()})
    return replace(listing, samples=samples, notes=(*listing.notes, note))


def split_by_table(listing: Listing, table: Path) -> Listing:
    """The listing with every picture's split from a CSV file ``path,split``.

    Raises:
        DatasetError: the file cannot be used, a split has another name, or pictures have no row.
    """
    read = read_table(table, "--split")
    if "split" not in read.columns:
        raise DatasetError(
            f"{read.name} needs the columns 'path' and 'split'; it has 'path', {', '.join(read.columns)}"
        )
    column = read.columns.index("split")
    for path, row in read.rows.items():
        if split_of(row[column]) is None:
            raise DatasetError(
                f"{read.name} puts {path!r} into {row[column]!r}; splits are {', '.join(SPLIT_NAMES)}"
            )
    rows = [read.row(sample.path) for sample in listing.samples]
    without = [sample.path for sample, row in zip(listing.samples, rows, strict=True) if row is None]
    if without:
        raise DatasetError(
            f"{read.name} has no row for {len(without):,} of {len(rows):,} pictures, the first "
            f"{without[0]!r}; add rows (paths relative to the folder) or leave pictures out with --include"
        )
    samples = tuple(
        replace(sample, split=split_of(row[column]))
        for sample, row in zip(listing.samples, rows, strict=True)
        if row
    )
    elsewhere = [*listing.paths, *(gone.path for gone in listing.set_aside)]
    notes = unused_rows(read.without_picture(elsewhere), "--split")
    return replace(listing, samples=samples, notes=(*listing.notes, *notes))


def _usable(root: Path) -> Path:
    try:
        place = root.resolve(strict=True)
        if not place.is_dir():
            raise DatasetError(f"{str(root)!r} is not a folder; give the folder that holds the pictures")
        with os.scandir(place):
            str(place).encode()
    except FileNotFoundError as error:
        raise DatasetError(f"there is no folder {str(root)!r}") from error
    except (OSError, RuntimeError) as error:
        raise DatasetError(f"the folder {str(root)!r} cannot be read: {error}") from error
    except UnicodeEncodeError as error:
        raise DatasetError(f"the folder's own path {str(root)!r} is not UTF-8; rename it") from error
    return place


def _format_of(root: Path) -> Format:
    names = [name for name in FORMATS.names() if name != _FALLBACK]
    for name in names:
        found = FORMATS.load(name)
        if found.recognises(root):
            return found
    return FORMATS.load(_FALLBACK)


def _nothing(root: Path, include: str, set_aside: list[SetAside], beside: Counter[str]) -> str:
    what = "no pictures" if include in ("", "*") else f"no files that match {include!r}"
    words = f"{what} in {str(root)!r}"
    if beside:
        endings = ", ".join(f"{count:,} {ending}" for ending, count in beside.most_common(5))
        words += f", but {beside.total():,} other files ({endings})"
    if set_aside:
        words += (
            f"; {len(set_aside):,} were set aside, the first {set_aside[0].path!r}: {set_aside[0].reason}"
        )
    return words if beside or set_aside else words + ", which is empty"
