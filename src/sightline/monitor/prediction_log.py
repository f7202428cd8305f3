"""The log of predictions in a workspace as others see it: read, searched, forgotten from."""

import heapq
import itertools
import os
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sightline.errors import NotKept, StorageError
from sightline.monitor import segment
from sightline.monitor.encoding import answer_from_bytes, truth_from_bytes
from sightline.monitor.segment import Damage, Entry
from sightline.storage.files import reported
from sightline.values.captured import Captured, Truth

ANSWERS, TRUTHS = "answers", "truths"
"""What files are called, by what is in them."""
ANSWER, TRUTH = 1, 2
"""Kinds of records."""

_ID = re.compile(r"([0-9a-f]{16})-([0-9a-f]{1,15})")
_SLACK = timedelta(seconds=1)
"""A writer's records are in order but for that: several threads hand them over."""


@dataclass(frozen=True, slots=True)
class PredictionLog:
    """What lies in ``folder``, whoever wrote it and is still writing."""

    folder: Path

    def answers(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        damaged: list[Damage] | None = None,
    ) -> Iterator[Captured]:
        """The answers given at ``since`` or later and before ``until``, in the order of time, all writers'.

        What cannot be read is added to ``damaged``. One answer of each writer is in memory, and those of its
        last second.
        """
        waiting = deque(self._writers())
        streams: list[tuple[datetime, int, Captured, Iterator[Captured]]] = []
        places = itertools.count()  # so that answers of the same moment are not compared

        def go_on(stream: Iterator[Captured]) -> None:
            if (first := next(stream, None)) is not None:
                heapq.heappush(streams, (first.at, next(places), first, stream))

        while waiting or streams:
            # A file is not opened before its time has come: over the years there were many writers.
            while waiting and (not streams or _begun(waiting[0]) <= streams[0][0]):
                go_on(self._of_writer(waiting.popleft(), since, damaged))
            if not streams:
                continue
            at, _, answer, stream = heapq.heappop(streams)
            if until is not None and at >= until:
                return
            if since is None or at >= since:
                yield answer
            go_on(stream)

    def answers_with_truths(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        damaged: list[Damage] | None = None,
    ) -> Iterator[tuple[Captured, Truth | None]]:
        """``answers``, each with the truth that was told about it last; None where nobody told."""
        truths = {each.id: each for each in self.truths(damaged)}
        for answer in self.answers(since, until, damaged):
            yield answer, truths.get(answer.id)

    def truths(self, damaged: list[Damage] | None = None) -> list[Truth]:
        """All truths, as they were told; of several about one answer the last holds."""
        found = []
        for path in self._files(TRUTHS):
            for entry, data in _bodies(path, TRUTH, damaged):
                try:
                    found.append(truth_from_bytes(data))
                except ValueError as error:
                    _note(damaged, Damage(path.name, entry.offset, f"a truth cannot be read: {error}"))
        return sorted(found, key=lambda each: each.at)

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
        raise _unknown(wanted)

    def forget(self, wanted: str) -> None:
        """Remove an answer and all truths about it from the disk, for good; done twice, it is no error.

        Others may write meanwhile. What a file system or its backups keep of overwritten blocks is theirs.

        Raises:
            NotKept: there is none of that id.
            StorageError: the disk refused.
        """
        found = False
        for _, file, entry in self._places(wanted, writing=True):
            segment.forget(file, entry)
            found = True
        self.forget_truths(wanted)
        if not found:
            raise _unknown(wanted)

    def forget_truths(self, wanted: str) -> None:
        """Remove all that was told about an answer. Raises ``StorageError``."""
        for path in self._files(TRUTHS):
            with _opened(path, writing=True) as file:
                about = [
                    each
                    for each in segment.entries(file, path.name)
                    if isinstance(each, Entry) and _is_about(file, each, path.name, wanted)
                ]
                for each in about:
                    segment.forget(file, each)

    def _places(self, wanted: str, *, writing: bool = False) -> Iterator[tuple[Path, int, Entry]]:
        """Where the answer ``wanted`` stands: its file, open, and its head."""
        told = _ID.fullmatch(wanted)
        if told is None:
            return
        writer, number = told[1], int(told[2], 16)
        begun = f"{writer}-{number:012x}.{ANSWERS}"
        own = self._files(ANSWERS, writer)
        # It is in the file that was begun last before it, or, if its lane was slow, in a later one.
        first = max([n for n, path in enumerate(own) if path.name <= begun], default=0)
        for path in own[first:]:
            with _opened(path, writing=writing) as file:
                for entry in segment.entries(file, path.name):
                    if isinstance(entry, Entry) and entry.kind == ANSWER and entry.number == number:
                        yield path, file, entry
                        return

    def _of_writer(
        self, writer: str, since: datetime | None, damaged: list[Damage] | None
    ) -> Iterator[Captured]:
        """One writer's answers in the order of time, without the files that end before ``since``."""
        held: list[tuple[datetime, int, Captured]] = []
        places = itertools.count()
        for path in self._files(ANSWERS, writer):
            if since is not None and _written(path) < since - _SLACK:
                continue
            for entry, data in _bodies(path, ANSWER, damaged):
                try:
                    answer = answer_from_bytes(data)
                except ValueError as error:
                    _note(damaged, Damage(path.name, entry.offset, f"an answer cannot be read: {error}"))
                    continue
                heapq.heappush(held, (answer.at, next(places), answer))
                while held[0][0] < answer.at - _SLACK:
                    yield heapq.heappop(held)[2]
        while held:
            yield heapq.heappop(held)[2]

    def _writers(self) -> list[str]:
        """All who wrote answers, by when they began."""
        return sorted({path.name.partition("-")[0] for path in self._files(ANSWERS)})

    def _files(self, kind: str, writer: str = "?" * 16) -> list[Path]:
        return sorted(self.folder.glob(f"{writer}-*.{kind}"))


def _begun(writer: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(writer[:8], 16), UTC)
    except ValueError:  # somebody else's file, of which nothing will be read
        return datetime.fromtimestamp(0, UTC)


def _written(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:  # just deleted for its age
        return datetime.fromtimestamp(0, UTC)


def _unknown(wanted: str) -> NotKept:
    return NotKept(f"no answer {wanted[:60]!r} is kept; it was never given, or is too old")


def _bodies(path: Path, kind: int, damaged: list[Damage] | None) -> Iterator[tuple[Entry, bytes]]:
    with _opened(path) as file:
        for entry in segment.entries(file, path.name):
            if isinstance(entry, Damage):
                _note(damaged, entry)
            elif entry.kind == kind:
                data = segment.body(file, entry, path.name)
                if isinstance(data, Damage):
                    _note(damaged, data)
                elif data is not None:
                    yield entry, data


def _note(damaged: list[Damage] | None, damage: Damage) -> None:
    if damaged is not None:
        damaged.append(damage)


def _is_about(file: int, entry: Entry, name: str, wanted: str) -> bool:
    data = segment.body(file, entry, name) if entry.kind == TRUTH else None
    try:
        return isinstance(data, bytes) and truth_from_bytes(data).id == wanted
    except ValueError:
        return False


@contextmanager
def _opened(path: Path, *, writing: bool = False) -> Iterator[int]:
    """The file, or nothing of it where it was just deleted for its age; what the disk refuses is one line."""
    with reported(path, "forget what is in" if writing else "read"):
        try:
            file = os.open(path, (os.O_RDWR if writing else os.O_RDONLY) | os.O_CLOEXEC)
        except FileNotFoundError:
            file = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield file
        finally:
            os.close(file)
