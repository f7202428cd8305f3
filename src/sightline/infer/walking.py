"""From paths that a person named to files that may be pictures."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from sightline.pixels.decode import EXTENSIONS
from sightline.values.prediction import Unanswered

PICTURE_EXTENSIONS = frozenset().union(*EXTENSIONS.values())


def find_pictures(paths: Iterable[Path]) -> Iterator[Path | Unanswered]:
    """Every file among ``paths``, in their order; folders are walked in order of names.

    A file that was named is given whatever it is called. Inside a folder only files with a picture's
    extension count; what begins with a dot is passed over, and links to folders are not followed, so
    that a walk ends. A folder that cannot be read is given as unanswered. The names of one folder and
    of those above it are in memory at a time, never the whole tree's.
    """
    for path in paths:
        if _is_folder(path):
            yield from _walk(path)
        else:
            yield path


def _walk(root: Path) -> Iterator[Path | Unanswered]:
    levels: list[Iterator[tuple[Path, bool]]] = [iter([(root, True)])]
    while levels:
        path, is_folder = next(levels[-1], (None, False))
        if path is None:
            levels.pop()
        elif not is_folder:
            yield path
        else:
            try:
                levels.append(_entries(path))
            except OSError as error:
                yield Unanswered(str(path), f"the folder cannot be read: {error.strerror}")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False  # whoever reads it says why it cannot be had


def _entries(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Pictures and folders directly in ``folder``, sorted by name; paths are made one at a time."""
    names: list[str] = []
    folders: set[str] = set()
    with os.scandir(folder) as found:
        for entry in found:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.add(entry.name)
            elif Path(entry.name).suffix.lower() not in PICTURE_EXTENSIONS:
                continue
            names.append(entry.name)
    names.sort()
    return ((folder / name, name in folders) for name in names)
