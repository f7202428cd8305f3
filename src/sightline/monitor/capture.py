"""The log of predictions in a workspace: kept, found, corrected by people, forgotten."""

import os
import re
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sightline.errors import InputError, NotKept, StorageError
from sightline.monitor import segment
from sightline.monitor.encoding import answer_from_bytes, answer_to_bytes, truth_from_bytes, truth_to_bytes
from sightline.monitor.segment import Damage, Entry
from sightline.monitor.writer import Bounds, Then, Writer
from sightline.storage.files import make_folder, refused
from sightline.values.captured import Captured, Truth
from sightline.values.prediction import Prediction

ANSWERS, TRUTHS = "answers", "truths"
_ANSWER, _TRUTH = 1, 2
_ID = re.compile(r"([0-9a-f]{16})-([0-9a-f]{1,15})")


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which pictures are kept with their answers: a ``share`` of all, and another of those ``unsure``.

    An answer is unsure where its best label's score is below ``below``. Which pictures they are is decided by
    the answer's id, so it can be said afterwards why one was or was not kept. A picture of more than
    ``most_bytes`` is not.
    """

    share: float = 0.0
    unsure: float = 0.0
    below: float = 0.6
    most_bytes: int = 16 * 1024**2

    def __post_init__(self) -> None:
        for name in ("share", "unsure", "below"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} lies between 0 and 1, got {getattr(self, name)}")

    def takes(self, name: str, prediction: Prediction) -> bool:
        """Whether the picture of the answer with the id ``name`` is kept."""
        top = prediction.top
        unsure = top is not None and top.score < self.below
        share = max(self.share, self.unsure) if unsure else self.share
        return zlib.crc32(name.encode()) < share * 2**32


class Capture:
    """Keeps answers and truths, durably, as one of any number of writers into the log in ``folder``.

    Raises:
        StorageError: the folder cannot be made.
    """

    def __init__(self, folder: Path, bounds: Bounds | None = None, sampling: Sampling | None = None) -> None:
        make_folder(folder)
        try:
            folder.chmod(0o700)
        except OSError as error:
            raise refused("keep to yourself", folder, error) from error
        self.log = PredictionLog(folder)
        self.sampling = sampling or Sampling()
        bounds = bounds or Bounds()
        self._answers, self._truths = Writer(folder, ANSWERS, bounds), Writer(folder, TRUTHS, bounds)

    @property
    def error(self) -> StorageError | None:
        """Why the last answers could not be kept, where they could not."""
        return self._answers.error

    @property
    def held(self) -> int:
        """Bytes of answers that wait to be written."""
        return self._answers.held

    def new_id(self) -> str:
        """An id that no answer has yet, in any process."""
        return f"{self._answers.name}-{self._answers.number():x}"

    def keep(self, answers: list[Captured], then: Then) -> None:
        """Call ``then`` when ``answers`` are on the disk, or cannot be; each has an id from ``new_id``."""
        records = [(_ANSWER, int(each.id.partition("-")[2], 16), answer_to_bytes(each)) for each in answers]
        self._answers.append(records, then)

    def tell(self, truth: Truth) -> None:
        """Keep what is true about an answer; of several truths the last holds.

        Raises:
            NotKept: there is no such answer, or not any more.
            StorageError: the disk refused.
        """
        self.log.find(truth.id)
        done = threading.Event()
        failed: list[StorageError] = []

        def note(error: StorageError | None) -> None:
            if error:
                failed.append(error)
            done.set()

        self._truths.append([(_TRUTH, self._truths.number(), truth_to_bytes(truth))], note)
        done.wait()
        if failed:
            raise failed[0]

    def close(self) -> None:
        """Write what waits and end."""
        self._answers.close()
        self._truths.close()


@dataclass(frozen=True, slots=True)
class PredictionLog:
    """What lies in ``folder``, whoever wrote it and is still writing."""

    folder: Path

    def answers(self, damaged: list[Damage] | None = None) -> Iterator[Captured]:
        """All answers, oldest writer first; what cannot be read is added to ``damaged``."""
        for name, data in self._bodies(ANSWERS, _ANSWER, damaged):
            try:
                yield answer_from_bytes(data)
            except ValueError as error:
                _note(damaged, Damage(name, -1, f"an answer cannot be read: {error}"))

    def truths(self, damaged: list[Damage] | None = None) -> Iterator[Truth]:
        """All truths; of several about one answer the last told holds."""
        for name, data in self._bodies(TRUTHS, _TRUTH, damaged):
            try:
                yield truth_from_bytes(data)
            except ValueError as error:
                _note(damaged, Damage(name, -1, f"a truth cannot be read: {error}"))

    def find(self, wanted: str) -> Captured:
        """The answer with an id.

        Raises:
            NotKept: there is none, or not any more.
            StorageError: it cannot be read, or is damaged.
        """
        for path, file, entry in self._places(wanted):
            data = segment.body(file, entry, path.name)
            if data is None:
                raise NotKept(f"{wanted} was forgotten")
            try:
                if isinstance(data, Damage):
                    raise ValueError(data.reason)
                return answer_from_bytes(data)
            except ValueError as error:
                raise StorageError(f"{path.name} is damaged at {entry.offset}: {error}") from error
        raise NotKept(f"no answer {wanted[:60]!r} is kept; it was never given, or is too old")

    def forget(self, wanted: str) -> None:
        """Remove an answer and all truths about it from the disk, for good; done twice, it is no error.

        Others may write meanwhile. What a file system or its backups keep of overwritten blocks is theirs.

        Raises:
            NotKept: there is none of that id.
            StorageError: the disk refused.
        """
        found = False
        try:
            for _, file, entry in self._places(wanted, writing=True):
                segment.forget(file, entry)
                found = True
            for path in self._files(TRUTHS):
                with _opened(path, writing=True) as file:
                    about = [
                        each
                        for each in segment.entries(file, path.name)
                        if isinstance(each, Entry) and _is_about(file, each, path.name, wanted)
                    ]
                    for each in about:
                        segment.forget(file, each)
        except OSError as error:
            raise refused("forget an answer in", self.folder, error) from error
        if not found:
            raise NotKept(f"no answer {wanted[:60]!r} is kept; it was never given, or is too old")

    def _places(self, wanted: str, *, writing: bool = False) -> Iterator[tuple[Path, int, Entry]]:
        """Where the answer ``wanted`` stands: its file, open, and its head."""
        told = _ID.fullmatch(wanted)
        if told is None:
            return
        writer, number = told[1], int(told[2], 16)
        begun = f"{writer}-{number:012x}.{ANSWERS}"
        own = [path for path in self._files(ANSWERS) if path.name.startswith(f"{writer}-")]
        # It is in the file that was begun last before it, or, if its lane was slow, in a later one.
        first = max([n for n, path in enumerate(own) if path.name <= begun], default=0)
        for path in own[first:]:
            with _opened(path, writing=writing) as file:
                for entry in segment.entries(file, path.name):
                    if isinstance(entry, Entry) and entry.kind == _ANSWER and entry.number == number:
                        yield path, file, entry
                        return

    def _bodies(self, kind: str, wanted: int, damaged: list[Damage] | None) -> Iterator[tuple[str, bytes]]:
        for path in self._files(kind):
            with _opened(path) as file:
                for entry in segment.entries(file, path.name):
                    if isinstance(entry, Damage):
                        _note(damaged, entry)
                    elif entry.kind == wanted:
                        data = segment.body(file, entry, path.name)
                        if isinstance(data, Damage):
                            _note(damaged, data)
                        elif data is not None:
                            yield path.name, data

    def _files(self, kind: str) -> list[Path]:
        return sorted(self.folder.glob(f"*.{kind}"))


def now() -> datetime:
    """The time, as records have it."""
    return datetime.now(UTC)


def _note(damaged: list[Damage] | None, damage: Damage) -> None:
    if damaged is not None:
        damaged.append(damage)


def _is_about(file: int, entry: Entry, name: str, wanted: str) -> bool:
    data = segment.body(file, entry, name) if entry.kind == _TRUTH else None
    try:
        return isinstance(data, bytes) and truth_from_bytes(data).id == wanted
    except ValueError:
        return False


@contextmanager
def _opened(path: Path, *, writing: bool = False) -> Iterator[int]:
    """The file, or nothing of it where it was just deleted for its age."""
    try:
        file = os.open(path, (os.O_RDWR if writing else os.O_RDONLY) | os.O_CLOEXEC)
    except FileNotFoundError:
        file = os.open(os.devnull, os.O_RDONLY)
    except OSError as error:
        raise refused("read", path, error) from error
    try:
        yield file
    finally:
        os.close(file)
