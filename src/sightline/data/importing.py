"""From a folder of pictures to a dataset, and what the audit wants to know beside it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from operator import attrgetter
from pathlib import Path
from typing import Literal

from sightline.data.inspecting import FileFacts, inspect_files
from sightline.data.listing import (
    Listing,
    ignore_unlabelled,
    keep_known_labels,
    list_pictures,
    refuse_unlabelled,
    split_by_table,
)
from sightline.data.manifest import fingerprint
from sightline.data.metadata import Metadata, gather_metadata
from sightline.data.split import Card, Divided, divide
from sightline.errors import DatasetError
from sightline.settings import settings
from sightline.values.dataset import SPLITS, Dataset, Finding, Sample, SetAside

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
    """

    include: str = "*"
    meta_csv: Path | None = None
    meta_from_name: str | None = None
    group_by: str | None = None
    stratify_by: str | None = None
    split_csv: Path | None = None
    unlabelled: Literal["refuse", "ignore"] = "refuse"
    fractions: tuple[float, float, float] | None = None
    seed: int = 0
    classes: tuple[str, ...] | None = None
    held_out: bool = False

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
    pictures or not included, by ending. ``notes`` are findings of the import itself.
    """

    dataset: Dataset
    facts: tuple[FileFacts, ...] = ()
    found: Mapping[str, int] = field(default_factory=dict)
    beside: Mapping[str, int] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
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
        DatasetError: no dataset can be made of it: no pictures, unlabelled ones, a single class, options
            that do not fit.
    """
    if root is None:
        classes = _classes(set(), (), options)
        return Imported(_dataset(Path.cwd(), classes, (), (), "there are no pictures"))
    listing = _listing(root, options)
    metadata = gather_metadata(listing.paths, options.meta_csv, options.meta_from_name)
    group_by, stratify_by = (_named(metadata, names) for names in (options.group_by, options.stratify_by))

    kept, broken = _read(listing, progress)
    if not kept:
        first = f"the first is {broken[0].path!r}: {broken[0].reason}"
        raise DatasetError(f"none of {len(broken):,} files in {str(root)!r} is a usable picture; {first}")
    raw = [listing.samples[index] for index, _ in kept]
    meta = [metadata.rows[index] for index, _ in kept]
    facts = tuple(fact for _, fact in kept)
    classes = _classes({label for each in raw for label in each.labels}, [each.path for each in raw], options)

    cards = [
        Card(
            content=fact.sha256,
            label="".join(each.labels),
            pixels=fact.pixels,
            group=_group(row, group_by),
            cell=_texts(row, stratify_by),
            split=each.split,
        )
        for each, fact, row in zip(raw, facts, meta, strict=True)
    ]
    divided = _divided(cards, options)
    samples = tuple(
        Sample(each.path, fact.sha256, fact.size, each.labels, split, row)
        for each, fact, row, split in zip(raw, facts, meta, divided.splits, strict=True)
    )
    dataset = _dataset(listing.root, classes, samples, (*listing.set_aside, *broken), divided.origin)
    notes = (*listing.notes, *metadata.notes)
    return Imported(dataset, facts, listing.found, listing.beside, metadata.columns, group_by, notes)


def _listing(root: Path, options: ImportOptions) -> Listing:
    """The pictures to read, each with the labels and the split that it is to have."""
    listing = list_pictures(root, options.include)
    if options.held_out and options.classes is not None:
        listing = keep_known_labels(listing, options.classes)
    if options.unlabelled == "ignore":
        listing = ignore_unlabelled(listing, root)
    elif not options.held_out:
        listing = refuse_unlabelled(listing, root)
    _classes(listing.labels, listing.paths, options)
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


def _classes(labels: set[str], paths: Sequence[str], options: ImportOptions) -> tuple[str, ...]:
    """The classes in order, checked against the labels that pictures have."""
    classes = tuple(sorted(labels)) if options.classes is None else options.classes
    unknown = sorted(labels.difference(classes))
    if unknown:
        near = get_close_matches(unknown[0], classes, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DatasetError(
            f"{len(unknown)} class folders are not in the list of classes, such as {unknown[0]!r}{hint}"
        )
    trained = set(classes) if options.held_out else labels
    if len(trained) > 1:
        return classes
    if not trained:
        raise DatasetError("there are no labelled pictures and no list of classes; give one with --classes")
    only = min(trained)
    inner = {parts[1] for path in paths if (parts := path.split("/"))[0] == only and len(parts) > 2}
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


def _divided(cards: Sequence[Card], options: ImportOptions) -> Divided:
    if options.held_out:
        return Divided(tuple(card.split or "test" for card in cards), "nothing is trained here")
    fractions = None if options.fractions is None else dict(zip(SPLITS, options.fractions, strict=True))
    divided = divide(cards, fractions, options.seed)
    learned = {card.label for card, split in zip(cards, divided.splits, strict=True) if split == "train"}
    if len(learned) < 2:
        raise DatasetError(
            f"the training pictures ({divided.origin}) are all of class {min(learned)!r}; "
            "at least two classes are needed"
        )
    return divided


def _dataset(
    root: Path,
    classes: tuple[str, ...],
    samples: tuple[Sample, ...],
    set_aside: Sequence[SetAside],
    origin: str,
) -> Dataset:
    aside = tuple(sorted(set_aside, key=attrgetter("path")))
    return Dataset(
        root,
        "classification",
        classes,
        samples,
        aside,
        origin,
        fingerprint("classification", classes, samples),
    )
