"""From a folder of pictures to a dataset, and what the audit wants to know beside it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from operator import attrgetter
from pathlib import Path
from typing import Literal

from sightline.data.formats.base import RawSample
from sightline.data.inspecting import FileFacts, inspect_files
from sightline.data.listing import (
    Listing,
    ignore_unlabelled,
    keep_known_labels,
    leave_out_unlisted,
    list_pictures,
    refuse_unlabelled,
    split_by_table,
    unlabelled_as_background,
)
from sightline.data.manifest import fingerprint
from sightline.data.metadata import Metadata, gather_metadata
from sightline.data.split import Card, Divided, divide
from sightline.errors import DatasetError
from sightline.settings import settings
from sightline.values.boxes import Boxes
from sightline.values.dataset import SPLITS, Dataset, Finding, Sample, SetAside, Split, Task
from sightline.values.objects import Objects

LEAST_GROUPS = 4
"""A set's own groups bind a split that is made here where there are so many; with fewer, a part would be
one group or two, and stand for nothing but them."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ImportOptions:
    """How a folder is read.

    ``include`` is a glob (``*``: every file with a picture's ending). ``meta_csv`` and ``meta_from_name``
    give metadata columns; ``group_by`` and ``stratify_by`` name some of them, with commas between.
    ``split_csv`` decides the split. ``fractions`` are those of train, val and test, adding up to 1; None
    is 0.70, 0.15 and 0.15 with val and test held to what they need in a large set. ``classes`` fixes the
    classes and their order; else they are those found, sorted. ``held_out`` is for weights that are not
    trained here: pictures without a split of their own are all in ``test``, and labels may be missing.
    ``format`` names how the pictures lie; None recognises it. ``unlabelled`` pictures are those without
    a class, or without an annotation where there are boxes; ``background`` takes them to show nothing.
    """

    include: str = "*"
    meta_csv: Path | None = None
    meta_from_name: str | None = None
    group_by: str | None = None
    stratify_by: str | None = None
    split_csv: Path | None = None
    unlabelled: Literal["refuse", "ignore", "background"] = "refuse"
    fractions: tuple[float, float, float] | None = None
    seed: int = 0
    classes: tuple[str, ...] | None = None
    held_out: bool = False
    format: str | None = None

    def __post_init__(self) -> None:
        shares = self.fractions
        if shares is not None and (min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6):
            raise DatasetError(
                f"the fractions of train, val and test must be above 0 and add up to 1, got {shares}"
            )
        if self.classes is not None and len(set(self.classes)) != len(self.classes):
            twice, _ = Counter(self.classes).most_common(1)[0]
            raise DatasetError(f"the list of classes names {twice!r} twice; names must differ")


@dataclass(frozen=True)
class Imported:
    """A dataset, and what only reading the folder could tell.

    ``facts`` are those of ``dataset.samples``, in the same order. ``found`` counts the files of each
    class before any was read, 0 for a folder without a picture; ``beside`` counts files that are not
    pictures or not included, by ending. ``group_by`` are the columns of groups, the user's or the set's
    own, whether or not the split could keep to them. ``own_splits`` is what the set itself says, in the
    order of the samples. ``notes`` are findings of the import itself.
    """

    dataset: Dataset
    facts: tuple[FileFacts, ...] = ()
    found: Mapping[str, int] = field(default_factory=dict)
    beside: Mapping[str, int] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    own_splits: tuple[Split | None, ...] = ()
    notes: tuple[Finding, ...] = ()


def import_folder(root: Path | None, options: ImportOptions, progress: Progress | None = None) -> Imported:
    """Read a folder of labelled pictures, referenced in place.

    Every file is read once and decoded to its end; what is no usable picture is set aside with its
    reason. The same folder and options give the same dataset, wherever the folder lies. Without a
    ``root``, which needs ``held_out`` and ``classes``, the dataset has no pictures.

    Args:
        root: the folder.
        options: how to read it.
        progress: told how many files are read and how many there are.

    Raises:
        DatasetError: no dataset can be made of it: no pictures, unlabelled ones, a single class, wrong
            annotations, options that do not fit.
        UnknownPlugin: no format of that name.
    """
    if root is None:
        classes = _classes((), "classification", options)
        return Imported(_dataset("classification", Path.cwd(), classes, (), (), "there are no pictures"))
    listing = _listing(root, options)
    metadata = gather_metadata(
        listing.paths, options.meta_csv, options.meta_from_name, [each.meta for each in listing.samples]
    )
    own_group = listing.group_by if listing.group_by in metadata.columns else None
    group_by = _named(metadata, options.group_by or own_group)
    stratify_by = _named(metadata, options.stratify_by)

    kept, broken = _read(listing, progress)
    if not kept:
        first = f"the first is {broken[0].path!r}: {broken[0].reason}"
        raise DatasetError(f"none of {len(broken):,} files in {str(root)!r} is a usable picture; {first}")
    raw = [listing.samples[index] for index, _ in kept]
    meta = [metadata.rows[index] for index, _ in kept]
    facts = tuple(fact for _, fact in kept)
    classes = _classes(raw, listing.task, options)

    cards = [
        Card(
            content=fact.sha256,
            label=label,
            pixels=fact.pixels,
            group=_group(row, group_by),
            cell=_texts(row, stratify_by),
            split=each.split,
        )
        for each, label, fact, row in zip(raw, _rarest_labels(raw), facts, meta, strict=True)
    ]
    divided = _divided(cards, listing.task, options)
    samples = tuple(
        _sample(each, fact, split, row)
        for each, fact, split, row in zip(raw, facts, divided.splits, meta, strict=True)
    )
    if listing.task == "detection" and not options.held_out:
        _require_objects(samples, classes, divided.origin)
    set_aside = (*listing.set_aside, *broken)
    return Imported(
        _dataset(listing.task, listing.root, classes, samples, set_aside, divided.origin),
        facts,
        listing.found,
        listing.beside,
        metadata.columns,
        group_by,
        tuple(each.split for each in raw),
        (*listing.notes, *metadata.notes),
    )


def _listing(root: Path, options: ImportOptions) -> Listing:
    """The pictures to read, each with the labels and the split that it is to have."""
    listing = list_pictures(root, options.include, options.format)
    if options.split_csv is None:
        listing = leave_out_unlisted(listing)
    if options.held_out and options.classes is not None:
        listing = keep_known_labels(listing, options.classes)
    if options.unlabelled == "ignore":
        listing = ignore_unlabelled(listing, root)
    elif options.unlabelled == "background":
        listing = unlabelled_as_background(listing)
    elif not options.held_out:
        listing = refuse_unlabelled(listing, root)
    _classes(listing.samples, listing.task, options)
    return split_by_table(listing, options.split_csv) if options.split_csv is not None else listing


def _read(listing: Listing, progress: Progress | None) -> tuple[list[tuple[int, FileFacts]], list[SetAside]]:
    """The facts of every usable picture with its place in the listing, and the others."""
    kept: list[tuple[int, FileFacts]] = []
    broken: list[SetAside] = []
    for index, facts in enumerate(inspect_files(listing.root, listing.paths, settings().threads, progress)):
        if isinstance(facts, SetAside):
            broken.append(facts)
        else:
            kept.append((index, facts))
    return kept, broken


def _classes(samples: Sequence[RawSample], task: Task, options: ImportOptions) -> tuple[str, ...]:
    """The classes in order, checked against the labels that pictures have."""
    labels = {label for sample in samples for label in sample.labels}
    classes = tuple(sorted(labels)) if options.classes is None else options.classes
    unknown = sorted(labels.difference(classes))
    if unknown:
        near = get_close_matches(unknown[0], classes, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        what = "class folders" if task == "classification" else "classes of boxes"
        raise DatasetError(
            f"{len(unknown)} {what} are not in the list of classes, such as {unknown[0]!r}{hint}"
        )
    trained = set(classes) if options.held_out else labels
    if len(trained) > 1 or (trained and task == "detection"):
        return classes
    if not trained:
        raise DatasetError("there are no labelled pictures and no list of classes; give one with --classes")
    only = min(trained)
    inner = {parts[1] for s in samples if (parts := s.path.split("/"))[0] == only and len(parts) > 2}
    hint = f"; if the classes are the folders inside {only!r}, give that folder" if len(inner) > 1 else ""
    raise DatasetError(f"only one class, {only!r}; at least two are needed to tell apart{hint}")


def _named(metadata: Metadata, names: str | None) -> tuple[str, ...]:
    """Column names with commas between, checked."""
    wanted = tuple(name.strip() for name in names.split(",")) if names else ()
    for name in wanted:
        if name not in metadata.columns:
            there = f"there are: {', '.join(metadata.columns)}" if metadata.columns else "there are none"
            raise DatasetError(
                f"no metadata column {name!r} to group or stratify by; {there} "
                "(--meta and --meta-from-name give them)"
            )
    return wanted


def _texts(row: Mapping[str, str], columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(row[column] for column in columns)


def _group(row: Mapping[str, str], columns: Sequence[str]) -> tuple[str, ...] | None:
    """A picture of which no column is known belongs to no group; one big group of them would be wrong."""
    texts = _texts(row, columns)
    return texts if any(texts) else None


def _rarest_labels(samples: Sequence[RawSample]) -> list[str]:
    """For each picture the class that the fewest pictures show, of those that it shows; empty for none.

    The split spreads one label a picture evenly. Where a picture shows several classes, spreading the
    rarest is what keeps every class in every part: the frequent ones are everywhere anyway.
    """
    pictures = Counter(label for sample in samples for label in set(sample.labels))
    return [min(set(s.labels), key=lambda label: (pictures[label], label), default="") for s in samples]


def _divided(cards: Sequence[Card], task: Task, options: ImportOptions) -> Divided:
    if options.held_out:
        return Divided(tuple(card.split or "test" for card in cards), "nothing is trained here")
    fractions = None if options.fractions is None else dict(zip(SPLITS, options.fractions, strict=True))
    # The user's groups always bind; those that the format knows of bind where there are enough.
    divided = divide(cards, fractions, options.seed, 0 if options.group_by else LEAST_GROUPS)
    learned = {card.label for card, split in zip(cards, divided.splits, strict=True) if split == "train"}
    if task == "classification" and len(learned) < 2:
        raise DatasetError(
            f"the training pictures ({divided.origin}) are all of class {min(learned)!r}; "
            "at least two classes are needed"
        )
    return divided


def _require_objects(samples: Sequence[Sample], classes: tuple[str, ...], origin: str) -> None:
    """Objects that are ignored, or have no area, teach nothing."""
    objects = (Objects.of(each, classes) for each in samples if each.split == "train")
    if all(each.ignored.all() for each in objects):
        raise DatasetError(f"the training pictures ({origin}) show no object to learn from")


def _sample(raw: RawSample, facts: FileFacts, split: Split, meta: Mapping[str, str]) -> Sample:
    """A picture whose size is known now, and so what its boxes are in pixels."""
    if raw.boxes is None:
        return Sample(raw.path, facts.sha256, facts.size, raw.labels, split, meta)
    boxes = Boxes.of(raw.boxes.rows, facts.size, raw.boxes.form)
    ignored = raw.boxes.ignored if any(raw.boxes.ignored) else ()
    return Sample(raw.path, facts.sha256, facts.size, raw.labels, split, meta, boxes, ignored)


def _dataset(
    task: Task,
    root: Path,
    classes: tuple[str, ...],
    samples: tuple[Sample, ...],
    set_aside: Sequence[SetAside],
    origin: str,
) -> Dataset:
    aside = tuple(sorted(set_aside, key=attrgetter("path")))
    mark = fingerprint(task, classes, samples)
    return Dataset(root, task, classes, samples, aside, origin, mark)
