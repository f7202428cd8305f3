"""What a format file gives."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sightline.values.boxes import BoxFormat
from sightline.values.dataset import Dataset, SetAside, Split, Task


@dataclass(frozen=True, slots=True)
class RawBoxes:
    """Boxes as a format has them: rows of four finite numbers in ``form``, corners in the right order.

    ``ignored`` marks those that count neither for nor against a detector; empty where none is.
    """

    rows: tuple[tuple[float, float, float, float], ...]
    form: BoxFormat
    ignored: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class RawSample:
    """A file that should be a picture, as the format names and labels it; nobody has read it yet.

    ``path`` is relative to the root with forward slashes; ``labels`` is empty where the picture has no
    class, and has one entry for each of ``boxes`` in detection; ``boxes`` is None where nothing is known
    about the picture; ``split`` is None where the format says nothing about it. ``meta`` are columns that
    the format itself gives.
    """

    path: str
    labels: tuple[str, ...]
    split: Split | None = None
    boxes: RawBoxes | None = None
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Beside:
    """A file that lies beside the pictures and is not asked for; ``labels`` as a picture there would have."""

    path: str
    labels: tuple[str, ...]


class Format(Protocol):
    """One way in which labelled pictures lie on disk."""

    TASK: Task

    GROUP_BY: str
    """The column of ``meta`` whose values must not be split over train and val; empty for none."""

    def recognises(self, root: Path) -> bool:
        """Whether ``root`` looks like this format; cheap, reads no picture."""

    def read(self, root: Path, include: str) -> Iterator[RawSample | Beside | SetAside]:
        """Every file under ``root``, in any order: a picture, a file beside them, or why it cannot be used.

        ``include`` is a glob; ``*`` means every file with a picture's ending. A picture whose annotation
        has a wrong line is set aside with a reason that names the annotation's file and line. Raises
        DatasetError where the whole set cannot be read, also naming file and line.
        """

    def write(self, dataset: Dataset, target: Path) -> Sequence[str]:
        """Write the pictures and their truth into the empty folder ``target``.

        Returns sentences that say what the format could not hold. Raises InputError where it cannot hold
        the dataset at all.
        """
