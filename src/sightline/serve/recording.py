"""Answers that are kept before anybody is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from sightline.errors import NotKept, StorageError
from sightline.monitor.capture import Capture, Sampling, now
from sightline.monitor.trimming import Bounds
from sightline.serve.asked import Answered, Job, Outcome
from sightline.serve.telemetry import Telemetry
from sightline.values.captured import Captured, Truth

Outcomes = Sequence[tuple[Job, Outcome]]
Told = Callable[[Outcomes], object]

_MOST_HELD = 64 * 1024**2


class Recorder(Protocol):
    """What happens to answers between the model and those who asked."""

    @property
    def ready(self) -> bool:
        """Whether answers can be given."""

    def new_id(self) -> str:
        """A name for an answer."""

    def record(self, outcomes: Outcomes, then: Told) -> None:
        """Call ``then`` with what became of ``outcomes``; called on a lane's thread."""

    def find(self, name: str) -> Captured:
        """The answer that was given under a name. Raises ``NotKept``."""

    def tell(self, truth: Truth) -> None:
        """Keep what is true. Raises ``NotKept`` or ``StorageError``."""

    def close(self) -> None:
        """Finish what was begun."""


class Forgetful:
    """Keeps nothing: answers are told at once."""

    ready = True

    def new_id(self) -> str:
        """A name that is random."""
        return uuid4().hex

    def record(self, outcomes: Outcomes, then: Told) -> None:
        """Told as they are."""
        then(outcomes)

    def find(self, name: str) -> Captured:
        """There is never one."""
        raise NotKept(f"this server keeps no answers, so none of {name[:60]!r}; see its option --capture")

    def tell(self, truth: Truth) -> None:
        """There is never one."""
        self.find(truth.id)

    def close(self) -> None:
        """There is nothing to finish."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where answers should be kept, for how long, and whether they are given only if they are."""

    folder: Path
    required: bool = True
    bounds: Bounds = field(default_factory=Bounds)
    sampling: Sampling = field(default_factory=Sampling)


def open_recorder(keeping: Keeping | None, telemetry: Telemetry) -> Recorder:
    """What does as ``keeping`` says; None keeps nothing.

    Raises:
        StorageError: nothing can be kept there.
    """
    if keeping is None:
        return Forgetful()
    capture = Capture(keeping.folder, keeping.bounds, keeping.sampling)
    return Keeper(capture, telemetry, keeping.required)


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps answers in ``capture``.

    Those that are ``required`` to be kept are told when they are on the disk, and become an error when they
    cannot be. Others are told at once; one that cannot be kept, or for which there is no room while the disk
    is slow, is counted.
    """

    capture: Capture
    telemetry: Telemetry
    required: bool

    @property
    def ready(self) -> bool:
        """Whether the disk takes answers, as far as is known."""
        return not (self.required and self.capture.error)

    def new_id(self) -> str:
        """A name by which it can be found again."""
        return self.capture.new_id()

    def record(self, outcomes: Outcomes, then: Told) -> None:
        """Told when they are kept, or at once."""
        answers = [self._captured(job, each) for job, each in outcomes if isinstance(each, Answered)]
        if not answers:
            then(outcomes)
        elif self.required:
            self.capture.keep(answers, lambda error: then(self._kept(outcomes, len(answers), error)))
        elif self.capture.held > _MOST_HELD:
            self.telemetry.uncaptured.inc(len(answers))
            then(outcomes)
        else:
            self.capture.keep(answers, lambda error: self._count(len(answers), error))
            then(outcomes)

    def find(self, name: str) -> Captured:
        """The answer that was given under a name."""
        return self.capture.log.find(name)

    def tell(self, truth: Truth) -> None:
        """Kept when this returns."""
        self.capture.tell(truth)

    def close(self) -> None:
        """Write what waits."""
        self.capture.close()

    def _captured(self, job: Job, answered: Answered) -> Captured:
        content, prediction = job.picture.content, answered.prediction
        sent = content if isinstance(content, bytes) else content.tobytes()
        small = len(sent) <= self.capture.sampling.most_bytes
        kept = isinstance(content, bytes) and small and self.capture.sampling.takes(answered.id, prediction)
        return Captured(
            id=answered.id,
            at=now(),
            prediction=prediction,
            sha256=sha256(sent).hexdigest(),
            embedding=answered.outputs.get("embedding"),  # type: ignore[arg-type]  # the contract says float32
            picture=sent if kept else None,
        )

    def _kept(self, outcomes: Outcomes, count: int, error: StorageError | None) -> Outcomes:
        self._count(count, error)
        if error is None:
            return outcomes
        return [(job, error if isinstance(each, Answered) else each) for job, each in outcomes]

    def _count(self, count: int, error: StorageError | None) -> None:
        (self.telemetry.uncaptured if error else self.telemetry.captured).inc(count)
