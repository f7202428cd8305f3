"""What a folder holds, before any picture is read."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from pathlib import Path, PurePosixPath

from sightline.data.csv_table import read_table
from sightline.data.formats import FORMATS
from sightline.data.formats.base import Beside, Format, RawBoxes, RawSample
from sightline.data.metadata import unused_rows
from sightline.data.split_names import SPLIT_NAMES, split_of
from sightline.errors import DatasetError
from sightline.values.dataset import Finding, SetAside, Task

_FALLBACK = "folder"


@dataclass(frozen=True)
class Listing:
    """The files to read, sorted by path, and everything else that lies there.

    ``group_by`` is the format's own column of groups, empty for none. ``found`` counts the files of each
    class, 0 for a folder without a picture; ``beside`` counts the files not asked for, by ending.
    ``notes`` are findings so far.
    """

    root: Path
    task: Task
    group_by: str
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


def format_of(root: Path, name: str | None = None) -> Format:
    """The format called ``name``, or the one that recognises ``root``.

    Raises:
        DatasetError: no such folder, or several formats recognise it.
        UnknownPlugin: no format of that name.
    """
    place = _usable(root)
    if name is not None:
        return FORMATS.load(name)
    loaded = {each: FORMATS.load(each) for each in FORMATS.names() if each != _FALLBACK}
    fitting = [each for each, found in loaded.items() if found.recognises(place)]
    if len(fitting) > 1:
        raise DatasetError(
            f"{str(root)!r} looks like {' and like '.join(fitting)}; say which is meant with "
            f"--format {fitting[0]} or --format {fitting[1]} (data convert: --from)"
        )
    return loaded[fitting[0]] if fitting else FORMATS.load(_FALLBACK)


def list_pictures(root: Path, include: str, format_name: str | None = None) -> Listing:
    """List the pictures under ``root`` in whatever format they lie there, or in the one that is named.

    Raises:
        DatasetError: no such folder, no picture in it, several formats that fit, or wrong annotations.
        UnknownPlugin: no format of that name.
    """
    place = _usable(root)
    layout = format_of(root, format_name)
    samples: list[RawSample] = []
    set_aside: list[SetAside] = []
    beside: list[Beside] = []
    for each in layout.read(place, include):
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
    found |= Counter(label for sample in samples for label in set(sample.labels))
    samples.sort(key=attrgetter("path"))
    return Listing(
        place,
        layout.TASK,
        layout.GROUP_BY,
        tuple(samples),
        tuple(set_aside),
        found,
        dict(endings.most_common()),
    )


def leave_out_unlisted(listing: Listing) -> Listing:
    """The listing with what is in none of the set's own lists set aside, where it has lists.

    A folder of classes has no lists: there, pictures beside the split are without a class.
    """
    if listing.task == "classification" or not any(sample.split for sample in listing.samples):
        return listing
    return _set_aside(listing, lambda sample: sample.split is None, "in no split list")


def refuse_unlabelled(listing: Listing, root: Path) -> Listing:
    """The listing, if something is known about every picture.

    Raises:
        DatasetError: with counts, and the ways out.
    """
    without = [sample.path for sample in listing.samples if _unlabelled(listing, sample)]
    if not without:
        return listing
    counted = f"{len(without):,} of {len(listing.samples):,} pictures in {str(root)!r}"
    if listing.task == "detection":
        raise DatasetError(
            f"{counted} have no annotation, the first {without[0]!r}; annotate them, leave them out with "
            "--unlabelled ignore, or say that they show no object with --unlabelled background"
        )
    raise DatasetError(
        f"{counted} lie in no class folder, the first {without[0]!r}; sort them into one folder per class, "
        "or leave them out with --unlabelled ignore"
    )


def ignore_unlabelled(listing: Listing, root: Path) -> Listing:
    """The listing with pictures of which nothing is known set aside.

    Raises:
        DatasetError: nothing is left.
    """
    detection = listing.task == "detection"
    reason = "without annotation" if detection else "in no class folder"
    kept = _set_aside(listing, partial(_unlabelled, listing), f"{reason}, ignored as asked")
    if not kept.samples:
        has = "has an annotation" if detection else "lies in a class folder"
        way = "annotate them" if detection else "sort them into one folder per class"
        raise DatasetError(f"none of {len(listing.samples):,} pictures in {str(root)!r} {has}; {way}")
    return kept


def unlabelled_as_background(listing: Listing) -> Listing:
    """The listing where pictures without annotation show no object.

    Raises:
        DatasetError: its pictures have classes, of which none is the background.
    """
    if listing.task == "classification":
        raise DatasetError(
            "--unlabelled background is for pictures with boxes; a picture without a class folder can be "
            "left out with --unlabelled ignore"
        )
    nothing = RawBoxes((), "xyxy")
    samples = tuple(
        replace(sample, boxes=nothing) if sample.boxes is None else sample for sample in listing.samples
    )
    return replace(listing, samples=samples)


def keep_known_labels(listing: Listing, classes: Iterable[str]) -> Listing:
    """The listing with labels outside ``classes`` taken off, which a note says.

    A picture of another class becomes unlabelled; a box of another class is left out, because nobody
    asks a model for what it was never shown.
    """
    known = set(classes)
    unknown = Counter(label for s in listing.samples for label in s.labels if label not in known)
    if not unknown:
        return listing
    samples = tuple(_of_known_labels(sample, known) for sample in listing.samples)
    if listing.task == "detection":
        words = (
            f"{unknown.total():,} boxes of {len(unknown)} classes that are not in the list of classes, "
            f"such as {min(unknown)!r}, are left out"
        )
        figures = {"boxes": unknown.total()}
    else:
        words = (
            f"{unknown.total():,} pictures lie in {len(unknown)} folders that are not in the list of "
            f"classes, such as {min(unknown)!r}; they count as unlabelled"
        )
        figures = {"pictures": unknown.total()}
    note = Finding("import", "warning", words, figures=figures)
    return replace(listing, samples=samples, notes=(*listing.notes, note))


def _unlabelled(listing: Listing, sample: RawSample) -> bool:
    """Whether nothing is known about a picture. One that shows no object is known not to."""
    return sample.boxes is None if listing.task == "detection" else not sample.labels


def _set_aside(listing: Listing, unwanted: Callable[[RawSample], bool], reason: str) -> Listing:
    gone = tuple(SetAside(sample.path, reason) for sample in listing.samples if unwanted(sample))
    kept = tuple(sample for sample in listing.samples if not unwanted(sample))
    return replace(listing, samples=kept, set_aside=listing.set_aside + gone)


def _of_known_labels(sample: RawSample, known: set[str]) -> RawSample:
    if known.issuperset(sample.labels):
        return sample
    if sample.boxes is None:
        return replace(sample, labels=())
    kept = [index for index, label in enumerate(sample.labels) if label in known]
    rows, marks = sample.boxes.rows, sample.boxes.ignored
    boxes = replace(
        sample.boxes,
        rows=tuple(rows[index] for index in kept),
        ignored=tuple(marks[index] for index in kept if marks),
    )
    return replace(sample, labels=tuple(sample.labels[index] for index in kept), boxes=boxes)


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
