"""One thread that makes records durable: whatever waits is written together, and ``fsync`` is called once."""

import fcntl
import itertools
import os
import queue
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from logging import getLogger
from pathlib import Path

from sightline.errors import StorageError
from sightline.monitor.segment import MAGIC, pack
from sightline.monitor.trimming import Bounds, trim
from sightline.storage.files import refused, sync_folder

Then = Callable[[StorageError | None], object]
"""Told whether the records are on the disk; called on the writer's thread."""

PADDING = 0
"""The kind of a record that only tries whether the disk takes one again."""

_TOGETHER = 8 * 1024**2
_RETRY = 1.0
_TRIM = 600.0
_log = getLogger(__name__)


class Writer:
    """Appends to files ``WRITER-NUMBER.KIND`` in ``folder``, which no other writer uses.

    ``WRITER`` is the time of its start and random digits; ``NUMBER`` was the next record's when the file was
    begun, but a few with lower ones may follow. A write that fails is taken back; after a failed ``fsync``
    the file is given up, for nobody knows what of it is on the disk, and the next record begins another.
    """

    def __init__(self, folder: Path, kind: str, bounds: Bounds) -> None:
        self.name = f"{int(time.time()):08x}{secrets.token_hex(4)}"
        self.error: StorageError | None = None
        self._folder, self._kind, self._bounds = folder, kind, bounds
        self._numbers = itertools.count(1)
        self._queue: queue.SimpleQueue[tuple[bytes, Then] | None] = queue.SimpleQueue()
        self._held = 0
        self._lock = threading.Lock()
        self._file = -1
        self._size = 0
        self._begun = 0.0
        self._tick = min(_TRIM, bounds.span)
        self._trimmed = 0.0
        self._thread = threading.Thread(target=self._work, name=f"log of {kind}", daemon=True)
        self._thread.start()

    def number(self) -> int:
        """The next record's number."""
        return next(self._numbers)

    def append(self, records: Sequence[tuple[int, int, bytes]], then: Then) -> None:
        """Write ``records``, each a kind, a number and a body, and call ``then``."""
        data = b"".join(pack(*each) for each in records)
        with self._lock:
            self._held += len(data)
        self._queue.put((data, then))

    @property
    def held(self) -> int:
        """Bytes that wait to be written."""
        return self._held

    def close(self) -> None:
        """Write what waits and end."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        ended = False
        while not ended:
            items: list[tuple[bytes, Then]] = []
            ended = self._take(items)
            if items or self.error:
                data = b"".join(each for each, _ in items) or pack(PADDING, 0, b"")
                error = self._write(data)
                with self._lock:
                    self._held -= sum(len(each) for each, _ in items)
                for _, then in items:
                    _tell(then, error)
            if time.monotonic() - self._trimmed >= self._tick:
                self._trimmed = time.monotonic()
                if self._old():
                    self._leave()  # what is not open can be deleted when its time comes
                trim(self._folder, self._kind, self._bounds)
        self._leave()

    def _take(self, items: list[tuple[bytes, Then]]) -> bool:
        """Wait for something to write and take all that is there; whether the end has come."""
        try:
            item = self._queue.get(timeout=_RETRY if self.error else self._tick)
            while item is not None:
                items.append(item)
                if sum(len(each) for each, _ in items) > _TOGETHER:
                    return False
                item = self._queue.get_nowait()
        except queue.Empty:
            return False
        return True

    def _write(self, data: bytes) -> StorageError | None:
        error = self._try(data)
        if error and not self.error:
            _log.error("answers cannot be kept: %s", error)
        if self.error and not error:
            _log.warning("answers are kept again")
        self.error = error
        return error

    def _try(self, data: bytes) -> StorageError | None:
        try:
            if self._file < 0 or self._size + len(data) > self._bounds.segment or self._old():
                self._begin()
            _write_all(self._file, data)
        except OSError as error:
            self._take_back()
            return refused("keep an answer in", self._folder, error)
        try:
            os.fdatasync(self._file)
        except OSError as error:
            self._take_back()
            self._leave()
            return refused("keep an answer in", self._folder, error)
        self._size += len(data)
        return None

    def _begin(self) -> None:
        self._leave()
        number = next(self._numbers)
        path = self._folder / f"{self.name}-{number:012x}.{self._kind}"
        self._file, self._size, self._begun = _created(path), len(MAGIC), time.monotonic()
        trim(self._folder, self._kind, self._bounds)

    def _old(self) -> bool:
        return time.monotonic() - self._begun > self._bounds.span

    def _take_back(self) -> None:
        if self._file >= 0:
            try:
                os.ftruncate(self._file, self._size)
            except OSError:
                self._leave()

    def _leave(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _created(path: Path) -> int:
    """A new file, locked, with nothing in it but its beginning, on the disk."""
    while True:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)  # it waits where another looks whether the file is in use
            if os.fstat(file).st_nlink:
                _write_all(file, MAGIC)
                os.fsync(file)
                sync_folder(path.parent)
                return file
        except OSError:
            os.close(file)
            path.unlink(missing_ok=True)
            raise
        os.close(file)  # another found it unused and deleted it before it was locked


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _tell(then: Then, error: StorageError | None) -> None:
    try:
        then(error)
    except Exception:  # noqa: BLE001 - one caller's defect must not end the log of all, and it is logged
        _log.exception("what waited for a record failed")
