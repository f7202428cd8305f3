"""Files that decide whom to believe: only their owner may read or change them."""

import errno
import os
import stat
from pathlib import Path
from uuid import uuid4

from sightline.errors import InputError
from sightline.storage.files import refused, sync_folder


def read_private(path: Path, forbidden: int, limit: int = 1 << 20) -> bytes | None:
    """The bytes of ``path``, or ``None`` where there is no such file.

    Refused with an ``InputError``: a link or anything else that is not a plain file, a file of
    another user, one with any mode bit of ``forbidden``, one of more than ``limit`` bytes. The checks
    are made on the opened file, so nothing can be exchanged in between.
    """
    try:
        # O_NONBLOCK: opening a pipe must not wait for a writer.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InputError(f"{str(path)!r} is a link; put the file itself there") from error
        raise refused("read", path, error) from error
    try:
        _refuse_unless_private(path, os.fstat(handle), forbidden, limit)
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(limit)
    except OSError as error:
        raise refused("read", path, error) from error
    finally:
        os.close(handle)


def write_private(path: Path, data: bytes, *, replace: bool) -> bool:
    """Write ``path`` whole or not at all, readable by its owner only, and wait until it is on disk.

    Without ``replace`` a file that exists already is kept, and the answer is ``False``.

    Raises:
        StorageError: the disk refused.
    """
    fresh = path.with_name(f".{path.name}.{uuid4().hex}")
    written = True
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            written = _put_in_place(fresh, path, replace)
        finally:
            fresh.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise refused("write", path, error) from error
    return written


def _put_in_place(fresh: Path, path: Path, replace: bool) -> bool:
    if replace:
        fresh.replace(path)
        return True
    try:
        path.hardlink_to(fresh)  # unlike a rename, a link never replaces what is there
    except FileExistsError:
        return False
    return True


def _refuse_unless_private(path: Path, facts: os.stat_result, forbidden: int, limit: int) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise InputError(f"{str(path)!r} is not a plain file")
    if facts.st_uid not in (0, os.geteuid()):
        raise InputError(f"{str(path)!r} belongs to another user (number {facts.st_uid})")
    if facts.st_mode & forbidden:
        mode = stat.S_IMODE(facts.st_mode)
        raise InputError(f"{str(path)!r} is open to others (mode {mode:o}); close it with: chmod 600")
    if facts.st_size > limit:
        raise InputError(f"{str(path)!r} has {facts.st_size} bytes; at most {limit} are allowed")
