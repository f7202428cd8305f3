"""What is too much or too old in the log of predictions is deleted, a whole file at a time."""

import fcntl
import os
import time
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path

_PARTS = 8
_log = getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is kept: ``total`` bytes over all files of a kind, nothing older than ``age`` seconds.

    Whole files are deleted, so a file is an eighth of either at most.
    """

    total: int = 10 * 1024**3
    age: float = 90 * 86_400.0

    @property
    def segment(self) -> int:
        """Bytes after which a new file is begun."""
        return max(64 * 1024, min(64 * 1024**2, self.total // _PARTS))

    @property
    def span(self) -> float:
        """Seconds after which a new file is begun."""
        return self.age / _PARTS


def trim(folder: Path, kind: str, bounds: Bounds) -> None:
    """Delete files until ``bounds`` hold, first those that were not written to for longest.

    Never one that a living writer has open. What cannot be deleted stays, and that is logged: answers that
    are to be kept now matter more.
    """
    try:
        found = sorted((told.st_mtime, told.st_size, path) for path, told in _files(folder, kind))
    except OSError as error:
        _log.error("old answers cannot be deleted: %s", error)
        return
    total = sum(size for _, size, _ in found)
    for written, size, path in found:
        if total <= bounds.total and time.time() - written <= bounds.age - bounds.span:
            continue
        try:
            total -= size if _deleted(path) else 0
        except OSError as error:
            _log.error("old answers cannot be deleted: %s", error)


def _files(folder: Path, kind: str) -> list[tuple[Path, os.stat_result]]:
    found = []
    for path in folder.glob(f"*.{kind}"):
        try:
            found.append((path, path.stat()))
        except FileNotFoundError:
            continue  # another trimmed it
    return found


def _deleted(path: Path) -> bool:
    """Whether it is gone; not where a writer holds it."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # While it is still locked: a writer that has just made it will see that it is gone.
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True
