"""The files under a folder that may come from anybody."""

import os
import re
from collections.abc import Callable, Iterator
from fnmatch import translate
from pathlib import Path

from sightline.pixels.decode import EXTENSIONS
from sightline.values.dataset import SetAside

_ENDINGS = tuple(ending for endings in EXTENSIONS.values() for ending in endings)
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def asked_for(include: str) -> Callable[[str], bool]:
    """Whether a relative path is a picture to import.

    ``*`` means every file with a picture's ending. Any other glob takes what it matches, whatever the
    ending: against the file's name or, where the glob has a slash, against the whole relative path.
    ``*`` also crosses slashes. Case does not matter: cameras write ``.JPG``.
    """
    if include in ("", "*"):
        return lambda path: path.lower().endswith(_ENDINGS)
    matches = re.compile(translate(include.removeprefix("./")), re.IGNORECASE).match
    if "/" in include:
        return lambda path: matches(path) is not None
    return lambda path: matches(path.rpartition("/")[2]) is not None


def one_line(path: str) -> str:
    """The path with line breaks, other control characters and bytes that are no text written as escapes."""
    return _ODD.sub(lambda found: ascii(found[0])[1:-1], path)


def walk(root: Path) -> Iterator[str | SetAside]:
    """Relative paths of the regular files under ``root``, and what cannot be used with the reason.

    Hidden files and folders are passed over. A link counts as its file where that lies under ``root``
    too; links out of it, to nothing and to folders are set aside: what lies elsewhere is not part of
    the folder, and links to folders can run in circles. Names that would break a line of a table or a
    terminal, or that are not UTF-8, are set aside.
    """
    home = os.path.realpath(root)
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(os.path.join(home, folder)) as listing:  # noqa: PTH118 - a million paths
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield SetAside(one_line(folder) or ".", f"the folder cannot be read: {error.strerror}")
            continue
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                continue
            path = f"{folder}/{entry.name}" if folder else entry.name
            reason = _refusal(entry, home)
            if reason:
                yield SetAside(one_line(path), reason)
            elif entry.is_dir(follow_symlinks=False):
                folders.append(path)
            else:
                yield path


def _refusal(entry: os.DirEntry[str], home: str) -> str:
    """Why an entry cannot be used; empty where it can."""
    if _ODD.search(entry.name):
        return "its name has a line break, a control character or bytes that are not UTF-8; rename it"
    try:
        if entry.is_symlink():
            return _link_refusal(entry, home)
        if not entry.is_dir(follow_symlinks=False) and not entry.is_file():
            return "neither a file nor a folder"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return ""


def _link_refusal(entry: os.DirEntry[str], home: str) -> str:
    if entry.is_dir():
        return "a link to a folder, which is not followed"
    target = os.path.realpath(entry.path)
    if not target.startswith(home.rstrip(os.sep) + os.sep):
        return "a link that leads out of the folder; copy the file here instead"
    return "" if entry.is_file() else "a link to nothing"
