"""Files that appear whole or not at all, their hashes, and paths that stay where they should.

A file is written beside its place under another name, brought to the disk with ``fsync``, and renamed;
then the folder is brought to the disk too. After ``kill -9`` or a power cut there is the old file or the
new one, never a part (the rename is atomic by POSIX; the order is that of LWN's "A way to do atomic
writes", 2019). What a killed writer leaves is a file named ``.*.part``, which nothing reads.
"""

import errno
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast
from uuid import uuid4

from sightline.errors import StorageError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_WAYS_OUT = {
    errno.ENOSPC: "free some space and try again",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f) and try again",
    errno.EDQUOT: "free some of your quota and try again",
    errno.EROFS: "choose a folder on a disk that can be written",
    errno.EACCES: "check who may write there, or choose another folder",
    errno.EPERM: "check who may write there, or choose another folder",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def write_atomic(path: Path, data: bytes) -> None:
    """Make ``path`` hold ``data``, on disk, replacing what was there; missing folders are made.

    Raises:
        StorageError: the disk refused; what was there before still is.
    """
    with atomic_file(path) as file:
        file.write(data)


def create_atomic(path: Path, data: bytes) -> bool:
    """Like ``write_atomic``, but what is there already stays, and the answer is then ``False``.

    Of several processes that create the same file at once, one gets ``True``.
    """
    fresh = _part_beside(path)
    try:
        _write_part(fresh, data)
        os.link(fresh, path)  # unlike a rename, a link never replaces what is there
        sync_folder(path.parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise refused("write", path, error) from error
    finally:
        _remove(fresh)
    return True


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    r"""A file to write to; it appears as ``path`` when the block ends well, and not at all otherwise.

    Example:
        >>> from tempfile import mkdtemp
        >>> answers = Path(mkdtemp()) / "answers.csv"
        >>> with atomic_file(answers) as file:
        ...     _ = file.write(b"source,label\n")
        ...     answers.exists()
        False
        >>> answers.read_bytes()
        b'source,label\n'

    Raises:
        StorageError: the disk refused, also while the block writes. Other errors of the block pass
            through unchanged.
    """
    with reported(path):
        path = path.resolve() if path.is_symlink() else path  # a link stays a link
    fresh = _part_beside(path)
    raw: _Reporting | None = None
    try:
        with reported(path):
            raw = _Reporting(fresh, path)
            if path.exists():  # who may read it, as it was
                os.fchmod(raw.fileno(), stat.S_IMODE(path.stat().st_mode))
        yield cast(BinaryIO, buffered := io.BufferedWriter(raw, buffer_size=1 << 20))
        buffered.flush()
        with reported(path):
            os.fsync(raw.fileno())
            raw.close()
            fresh.replace(path)
            sync_folder(path.parent)
    finally:
        if raw is not None:
            raw.close()  # closing the buffer instead would try to write again what the disk refused
            _remove(fresh)


def make_folder(folder: Path) -> None:
    """Make ``folder`` and those above it that are missing, on disk; one that is there is fine.

    Raises:
        StorageError: the disk refused, or something else has the name.
    """
    with reported(folder, "make the folder"):
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            sync_folder(each.parent)
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def sync_folder(folder: Path) -> None:
    """Bring the folder's list of names to the disk. Raises ``OSError``."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_bytes(path: Path) -> bytes:
    """The whole file. Raises ``StorageError`` where it cannot be read."""
    with reported(path, "read"):
        return path.read_bytes()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits. Raises ``StorageError``."""
    with reported(path, "read"), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_bytes(data: bytes) -> str:
    """SHA-256 of bytes, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def confined(root: Path, relative: str) -> Path:
    """``root / relative``, resolved; refused where that is not below ``root``, also by way of links.

    Raises:
        StorageError: an absolute path, one with ``..`` that leaves, a link that leads out, a NUL byte.
    """
    base = root.resolve()
    path = base if "\0" in relative else (base / relative).resolve()
    if path == base or not path.is_relative_to(base):
        raise StorageError(f"{relative!r} leads out of {str(root)!r}; a path inside it was wanted")
    return path


def refused(doing: str, path: Path | None, error: OSError) -> StorageError:
    """The one line for an ``OSError`` met while ``doing`` something (a verb), with ``path`` where known."""
    what = doing if path is None else f"{doing} {str(path)!r}"
    way = _WAYS_OUT.get(error.errno or 0)
    return StorageError(f"cannot {what}: {error.strerror or error}{f'; {way}' if way else ''}")


@contextmanager
def reported(path: Path, doing: str = "write") -> Iterator[None]:
    """Make an ``OSError`` of the block the one line of ``refused``."""
    try:
        yield
    except OSError as error:
        raise refused(doing, path, error) from error


def _part_beside(path: Path) -> Path:
    """A free name in the folder of ``path``, which is made; refuses what a rename must not replace."""
    with reported(path):
        other = path.exists() and not path.is_file()
    if other:
        raise StorageError(f"cannot write {str(path)!r}: something that is not a plain file has this name")
    make_folder(path.parent)
    return path.with_name(f".{uuid4().hex}.part")


def _remove(fresh: Path) -> None:
    """What cannot be removed stays: nothing reads it, and why it is not wanted matters more."""
    with suppress(OSError):
        fresh.unlink(missing_ok=True)


def _write_part(fresh: Path, data: bytes) -> None:
    with fresh.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


class _Reporting(io.FileIO):
    """A new file whose refused writes become a ``StorageError`` about the place that it is meant for."""

    def __init__(self, fresh: Path, path: Path) -> None:
        super().__init__(fresh, "xb")
        self._path = path

    def write(self, data: "ReadableBuffer", /) -> int:
        with reported(self._path):
            return super().write(data)
