"""What a format file gives."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sightline.values.dataset import SetAside, Split


@dataclass(frozen=True, slots=True)
class RawSample:
    """A file that should be a picture, as the format names and labels it; nobody has read it yet.

    ``path`` is relative to the root with forward slashes; ``labels`` is empty where the picture has no
    class; ``split`` is None where the format says nothing about it.
    """

    path: str
    labels: tuple[str, ...]
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """A file that lies beside the pictures and is not asked for; ``labels`` as a picture there would have."""

    path: str
    labels: tuple[str, ...]


class Format(Protocol):
    """One way in which labelled pictures lie on disk."""

    def recognises(self, root: Path) -> bool:
        """Whether ``root`` looks like this format; cheap, reads no picture."""

    def read(self, root: Path, include: str) -> Iterator[RawSample | Beside | SetAside]:
        """Every file under ``root``, in any order: a picture, a file beside them, or why it cannot be used.

        ``include`` is a glob; ``*`` means every file with a picture's ending.
        """
