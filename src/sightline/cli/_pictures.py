"""The options of every command that reads a folder of labelled pictures."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sightline.data.formats import FORMATS
from sightline.errors import InputError

if TYPE_CHECKING:
    from sightline.data.importing import ImportOptions

Include = Annotated[str, typer.Option(help="Only files whose path matches this pattern.")]
Meta = Annotated[
    Path | None, typer.Option(help="CSV of metadata columns; its column path names the picture.")
]
MetaFromName = Annotated[str, typer.Option(help="Regular expression whose named groups become columns.")]
GroupBy = Annotated[str, typer.Option(help="Column whose values must not be split over train, val and test.")]
StratifyBy = Annotated[str, typer.Option(help="Column to spread evenly, beside the class.")]
Split = Annotated[Path | None, typer.Option(help="CSV of path,split that decides the split.")]
UnlabelledPictures = Literal["refuse", "ignore", "background"]
Unlabelled = Annotated[
    UnlabelledPictures,
    typer.Option(help="Pictures without a class or annotation; background: they show no object."),
]
FORMAT_NAMES = ", ".join(FORMATS.names())
Format = Annotated[
    str, typer.Option("--format", help=f"How pictures and annotations lie: auto, {FORMAT_NAMES}.")
]

Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Decides every random choice.")]

_LARGEST_LIST = 10_000_000


def import_options(
    include: str,
    meta: Path | None,
    meta_from_name: str,
    group_by: str,
    stratify_by: str,
    split: Path | None,
    unlabelled: UnlabelledPictures,
    classes: Path | None = None,
    seed: int = 0,
    form: str = "auto",
) -> "ImportOptions":
    """The command line's options as one value."""
    from sightline.data.importing import ImportOptions

    return ImportOptions(
        include=include,
        meta_csv=meta,
        meta_from_name=meta_from_name or None,
        group_by=group_by or None,
        stratify_by=stratify_by or None,
        split_csv=split,
        unlabelled=unlabelled,
        classes=read_classes(classes) if classes else None,
        seed=seed,
        format=None if form == "auto" else form,
    )


def read_classes(path: Path) -> tuple[str, ...]:
    """Class names, one a line.

    Raises:
        InputError: no such file, not text, empty, or a name twice.
    """
    try:
        if path.stat().st_size > _LARGEST_LIST:
            raise InputError(f"--classes {path.name!r} is too large for a list of names")
        names = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except OSError as error:
        raise InputError(f"--classes: cannot read {str(path)!r}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"--classes {path.name!r} is not UTF-8 text") from error
    twice, count = Counter(names).most_common(1)[0] if names else ("", 0)
    if count > 1:
        raise InputError(f"--classes {path.name!r} names {twice!r} twice; names must differ")
    if not names:
        raise InputError(f"--classes {path.name!r} must name the classes, one a line")
    return tuple(names)
