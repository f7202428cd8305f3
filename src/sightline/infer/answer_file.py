"""A file of answers that a killed job leaves in a state to go on from.

While a job runs, its answers are in ``NAME.part`` and what is known to be on the disk in ``NAME.journal``:
first what decides the answers, then every second how many pictures are done and how many bytes they take. A
job that goes on cuts the part back to the last entry and passes over the pictures that are done. At the end
the part gets its name and the journal goes.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedRandom, BufferedWriter
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from pydantic import TypeAdapter, ValidationError

from sightline.errors import InputError, Interrupted
from sightline.infer.predictor import Answer
from sightline.infer.walking import find_pictures
from sightline.infer.writing import Tally, TextForm, head_of, line_of
from sightline.storage.files import make_folder, reported, sync_folder
from sightline.values.dataset import Task
from sightline.values.prediction import Unanswered

_SECONDS = 1.0
"""Between two entries of the journal: so much work is done again after a kill."""


@dataclass(frozen=True, slots=True)
class Job:
    """What decides the answers; a job goes on only where all of it is the same.

    ``release`` is the SHA-256 of the sealed file, ``pictures`` what was named, ``top`` the most labels that
    an answer lists.
    """

    release: str
    variant: str
    runtime: str
    task: Task
    form: TextForm
    top: int | None
    pictures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is on the disk: how many pictures, the bytes of their answers, and a digest of their names."""

    answered: int
    unanswered: int
    size: int
    names: str


class AnswerFile:
    """Answers on their way into a file; ``tally`` counts the pictures whose answers are on the disk."""

    def __init__(self, path: Path, job: Job, part: BinaryIO, journal: BinaryIO, done: _Entry | None) -> None:
        self.tally = Tally(done.answered, done.unanswered) if done else Tally()
        self._path, self._job, self._part, self._journal = path, job, part, journal
        self._names = hashlib.sha256()
        for name in islice(_names(job.pictures), self.tally.total):
            self._names.update(name)
        if done and self._names.hexdigest() != done.names:
            raise InputError(
                f"the first {self.tally.total:,} pictures are no longer those whose answers are in "
                f"{part.name!r}; delete that file to begin anew"
            )
        part.seek(part.truncate(done.size if done else 0))
        self._done = done
        if not done:
            self._note(_digest(job))

    def write(self, answers: Iterable[Answer]) -> Tally:
        """Write all ``answers`` that are still to come, then give the file its name.

        Raises:
            Interrupted: Ctrl-C.
            StorageError: the disk refused. After both the job can go on, as after any other error.
        """
        line = line_of(self._job.form, self._job.task)
        done = self._done or self._begin()
        try:
            noted = time.monotonic()
            for answer in answers:
                with reported(self._path):
                    self._part.write(line(answer))
                self._names.update(_name(answer.source))
                self.tally.add(answer)
                done = self._entry()
                if time.monotonic() - noted >= _SECONDS:
                    self._keep(done)
                    noted = time.monotonic()
            self._keep(done)
        except KeyboardInterrupt:
            # It may have come between an answer and its count: what was whole last is kept.
            with reported(self._path):
                self._part.truncate(done.size)
            self.tally = Tally(done.answered, done.unanswered)
            self._keep(done)
            raise Interrupted(
                f"stopped; {self.tally.total:,} answers are in {self._part.name!r}; the same command with "
                "--resume goes on"
            ) from None
        with reported(self._path):
            Path(self._part.name).replace(self._path)
            Path(self._journal.name).unlink()
            sync_folder(self._path.parent)
        return self.tally

    def _begin(self) -> _Entry:
        with reported(self._path):
            self._part.write(head_of(self._job.form, self._job.task))
        return self._entry()

    def _entry(self) -> _Entry:
        return _Entry(self.tally.answered, self.tally.unanswered, self._part.tell(), self._names.hexdigest())

    def _keep(self, done: _Entry) -> None:
        """Have what was written on the disk, and say so in the journal."""
        with reported(self._path):
            self._part.flush()
            os.fsync(self._part.fileno())
            self._note(TypeAdapter(_Entry).dump_json(done))

    def _note(self, line: bytes) -> None:
        self._journal.write(line + b"\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())


@contextmanager
def open_answers(path: Path, job: Job, *, resume: bool) -> Iterator[AnswerFile]:
    """The file for the answers of ``job``; with ``resume`` it goes on where an interrupted one stopped.

    Raises:
        InputError: an unfinished job is there that is another one, or that nobody asked to go on with; its
            pictures are no longer the same; or another process is at work on it.
        StorageError: the disk refused.
    """
    path = path.resolve() if path.is_symlink() else path  # a link stays a link
    make_folder(path.parent)
    part, journal = (path.with_name(f"{path.name}.{each}") for each in ("part", "journal"))
    with reported(path):
        noted = journal.open("ab+")
    with _ending(noted):
        _lock(noted, path)
        with reported(path):
            done = _last_entry(noted, part, job, resume=resume)
            written = part.open("ab" if done else "wb")
        with _ending(written):
            with reported(path):
                file = AnswerFile(path, job, written, noted, done)
            yield file


@contextmanager
def _ending(file: BufferedWriter | BufferedRandom) -> Iterator[None]:
    """Close the file without its buffer, which would try to write again what the disk refused."""
    try:
        yield
    finally:
        file.raw.close()


def _lock(journal: BinaryIO, path: Path) -> None:
    try:
        # The system lets go of it when the process ends, however it ends.
        fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # One that ended between the opening and the lock has removed the journal's name.
        alone = os.path.samestat(os.fstat(journal.fileno()), Path(journal.name).stat())
    except (BlockingIOError, FileNotFoundError):
        alone = False
    if not alone:
        raise InputError(f"another process is writing answers to {str(path)!r}; wait for it")


def _last_entry(journal: BinaryIO, part: Path, job: Job, *, resume: bool) -> _Entry | None:
    """What the unfinished job has done; None where there is none, and then the journal is empty."""
    journal.seek(0)
    noted = journal.read()
    journal.truncate(noted.rfind(b"\n") + 1)  # what a kill tore off must not begin the next entry
    begun, *entries = noted.split(b"\n")[:-1] or [b""]
    if not entries or not part.is_file() or part.stat().st_size == 0:
        journal.truncate(0)
        return None
    if not resume:
        raise InputError(
            f"an interrupted job has left its answers in {str(part)!r}; --resume goes on with it, deleting "
            "the file begins anew"
        )
    try:
        done = TypeAdapter(_Entry).validate_json(entries[-1])
    except ValidationError:
        done = None
    if done is None or part.stat().st_size < done.size:
        raise InputError(f"{journal.name!r} does not fit {part.name!r} any more; delete both to begin anew")
    if begun != _digest(job):
        raise InputError(
            f"the job that left its answers in {str(part)!r} had another release, other options or other "
            "pictures; give the same, or delete that file to begin anew"
        )
    return done


def _digest(job: Job) -> bytes:
    return hashlib.sha256(repr(job).encode("utf-8", "surrogateescape")).hexdigest().encode()


def _names(pictures: Sequence[str]) -> Iterator[bytes]:
    for found in find_pictures(Path(each) for each in pictures):
        yield _name(found.source if isinstance(found, Unanswered) else str(found))


def _name(source: str) -> bytes:
    return os.fsencode(source) + b"\0"
