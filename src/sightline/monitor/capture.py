"""Answers and truths are kept in the log of predictions."""

import threading
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sightline.errors import InputError, NotKept, StorageError
from sightline.monitor.encoding import answer_to_bytes, truth_to_bytes
from sightline.monitor.prediction_log import ANSWER, ANSWERS, TRUTH, TRUTHS, PredictionLog
from sightline.monitor.trimming import Bounds
from sightline.monitor.writer import Then, Writer
from sightline.storage.files import make_folder, refused
from sightline.values.captured import Captured, Truth
from sightline.values.prediction import Prediction


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
        try:
            self._answers.append(
                [(ANSWER, int(each.id.partition("-")[2], 16), answer_to_bytes(each)) for each in answers],
                then,
            )
        except ValueError as error:
            then(StorageError(f"cannot keep an answer: {error}"))

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

        self._truths.append([(TRUTH, self._truths.number(), truth_to_bytes(truth))], note)
        done.wait()
        if failed:
            raise failed[0]
        try:
            self.log.find(truth.id)
        except NotKept:
            # It was forgotten meanwhile, perhaps after all truths about it were looked for.
            self.log.forget_truths(truth.id)
            raise

    def close(self) -> None:
        """Write what waits and end."""
        self._answers.close()
        self._truths.close()


def now() -> datetime:
    """The time, as records have it."""
    return datetime.now(UTC)
