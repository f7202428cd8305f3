"""The files under a folder, by the names that annotations give them.

Only what ``walk`` found can be named: whatever an annotation says, a path that leads out of the folder,
directly, by ``..`` or by a link, is the name of nothing.
"""

import posixpath
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from sightline.data.formats.base import Beside, RawSample
from sightline.data.tree import asked_for, walk
from sightline.values.dataset import SetAside

_ABSOLUTE = re.compile(r"/|[A-Za-z]:/")
_LONGEST = 4_096
_SNIFFED = 1 << 16
_ANNOTATIONS = (".xml", ".txt", ".json", ".csv", ".yaml", ".yml")


class Files:
    """Everything under ``root``: ``paths`` of regular files in order, and what was ``refused``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.paths: list[str] = []
        self.refused: list[SetAside] = []
        for found in walk(root):
            if isinstance(found, str):
                self.paths.append(found)
            else:
                self.refused.append(found)

    def at(self, path: str) -> str | None:
        """The file that ``path``, relative to the root, names."""
        return self._spelled.get(clean(path))

    def under(self, folder: str) -> list[str]:
        """Paths of the files below ``folder``, all of them for an empty one."""
        start = f"{folder}/" if folder else ""
        return [path for path in self.paths if path.startswith(start)]

    def find(self, reference: str, near: Sequence[str] = ("",)) -> str | None:
        """The file that an annotation means: relative to one of ``near``, else by how its path ends.

        An absolute path is one of another machine, so its beginning may be wrong; a relative one must
        be the whole end of the file's path. Raises ValueError where several files fit.
        """
        if len(reference) > _LONGEST:
            return None
        wanted = clean(reference)
        for folder in near:
            found = self._spelled.get(posixpath.join(folder, wanted))
            if found is not None:
                return found
        parts = wanted.split("/")
        starts = range(1, len(parts)) if _ABSOLUTE.match(wanted) else range(1)
        for start in starts:
            tail = "/".join(parts[start:])
            fitting = [p for p in self._named.get(parts[-1], ()) if p == tail or p.endswith("/" + tail)]
            if len(fitting) > 1:
                raise ValueError(f"{len(fitting)} files have the name {tail!r}, such as {fitting[0]!r}")
            if fitting:
                return self._spelled[fitting[0]]
        return None

    def rest(
        self, used: Collection[str], wanted: Callable[[str], bool]
    ) -> Iterator[RawSample | Beside | SetAside]:
        """What no annotation named: pictures of which nothing is known, other files, what is refused."""
        yield from self.refused
        for path in self.paths:
            if not wanted(path):
                yield Beside(path, ())
            elif path not in used:
                yield RawSample(path, ())

    @cached_property
    def _spelled(self) -> dict[str, str]:
        """Composed spelling to the spelling on disk: both ways of Unicode name one file."""
        return {unicodedata.normalize("NFC", path): path for path in self.paths}

    @cached_property
    def _named(self) -> dict[str, list[str]]:
        """Composed paths by the file's own name."""
        named: dict[str, list[str]] = {}
        for path in self._spelled:
            named.setdefault(path.rpartition("/")[2], []).append(path)
        return named


def picture_asked_for(include: str) -> Callable[[str], bool]:
    """Like ``asked_for``, less the annotations: ``0001*`` means the picture, not its label of that name."""
    wanted = asked_for(include)
    return lambda path: wanted(path) and not path.lower().endswith(_ANNOTATIONS)


def clean(path: str) -> str:
    """One spelling for the ways in which programs, Windows and Unicode write a path."""
    return unicodedata.normalize("NFC", posixpath.normpath(path.strip().replace("\\", "/")))


def plain_files(root: Path, *patterns: str) -> Iterator[Path]:
    """Regular files right where ``patterns`` (globs) say, in order; hidden ones and links out left out."""
    if not root.is_dir():
        return
    home = root.resolve()
    for pattern in patterns:
        for path in sorted(root.glob(pattern)):
            hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
            if not hidden and path.is_file() and path.resolve().is_relative_to(home):
                yield path


def edges(path: Path) -> bytes:
    """The beginning and the end of a file, enough to tell what it is; nothing where it cannot be read."""
    try:
        with path.open("rb") as file:
            start = file.read(_SNIFFED)
            file.seek(max(_SNIFFED, file.seek(0, 2) - _SNIFFED))
            return start + file.read(_SNIFFED)
    except OSError:
        return b""
