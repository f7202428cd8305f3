"""The data plane: pictures in, answers out, whatever the protocol. Protocols only translate."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from sightline.errors import DeadlinePassed, NotServed, Overloaded
from sightline.serve.asked import Answered, Asked, Job, Outcome, Picture
from sightline.serve.lanes import Lanes
from sightline.serve.limits import Limits
from sightline.serve.loaded import Loaded
from sightline.serve.recording import Recorder
from sightline.serve.telemetry import Telemetry
from sightline.settings import settings
from sightline.values.prediction import Unanswered

RETRY_SECONDS = 1
"""When somebody who was turned away may come again: the queue is shorter than that."""


@dataclass(slots=True)
class _Model:
    """What is served under a name: by version, and the version that a request without one gets."""

    versions: dict[int, Loaded] = field(default_factory=dict)
    usual: int | None = None


class DataPlane:
    """Everything that is served in this process; used on one event loop, in which it was made."""

    def __init__(self, limits: Limits, telemetry: Telemetry, recorder: Recorder) -> None:
        self.limits, self.telemetry, self.recorder = limits, telemetry, recorder
        self.draining = False
        self._models: dict[str, _Model] = {}
        self._waiting = 0
        self._loop = asyncio.get_running_loop()
        self._lanes = Lanes(
            settings().threads,
            self._deliver,
            recorder.new_id,
            telemetry,
            limits.pixels,
            limits.batch_wait_ms / 1000,
        )

    @property
    def ready(self) -> bool:
        """Whether a request would be answered."""
        return bool(self._models) and not self.draining and self.recorder.ready

    @property
    def served(self) -> tuple[Loaded, ...]:
        """All that is served, by name and version."""
        return tuple(
            model.versions[version]
            for _, model in sorted(self._models.items())
            for version in sorted(model.versions)
        )

    def serve(self, loaded: Loaded, *, usual: bool, instead_of: Loaded | None = None) -> None:
        """Serve ``loaded``, from the next request on; ``usual`` for requests that name no version.

        What it takes the place of finishes the requests that it has begun.
        """
        model = self._models.setdefault(loaded.name, _Model())
        if instead_of is not None:
            if model.versions.get(instead_of.version) is instead_of:
                del model.versions[instead_of.version]
            self.telemetry.serving.labels(instead_of.predictor.release).set(0)
        model.versions[loaded.version] = loaded
        if usual or model.usual not in model.versions:
            model.usual = loaded.version
        self.telemetry.serving.labels(loaded.predictor.release).set(1)

    def find(self, name: str, version: int | None = None) -> Loaded:
        """What answers requests for ``name``, or for one version of it.

        Raises:
            NotServed: nothing does; says what is served.
        """
        model = self._models.get(name)
        number = model.usual if model and version is None else version
        found = model.versions.get(number) if model and number is not None else None
        if found is None:
            wanted = name if version is None else f"{name}@{version}"
            there = ", ".join(f"{each.name}@{each.version}" for each in self.served) or "nothing yet"
            raise NotServed(f"{wanted[:100]!r} is not served here; what is: {there}")
        return found

    def admit(self, pictures: int = 1) -> None:
        """Refuse early what would be refused when its body has come in.

        Raises:
            Overloaded: so many more pictures cannot wait.
        """
        if self._waiting + pictures > self.limits.queue:
            raise Overloaded(
                f"{self._waiting} pictures are waiting, and at most {self.limits.queue} may; "
                f"try again in {RETRY_SECONDS} s"
            )

    async def ask(
        self, loaded: Loaded, pictures: Sequence[Picture], seconds: float | None = None
    ) -> list[Outcome]:
        """The outcomes for ``pictures``, in their order, within the limit's or fewer ``seconds``.

        Raises:
            Overloaded: too much waits already.
            DeadlinePassed: they were not there in time.
        """
        if not pictures:
            return []
        self.admit(len(pictures))
        asked = Asked(self._loop.create_future(), [None] * len(pictures), len(pictures))
        since = time.monotonic()
        self._count(len(pictures))
        self._lanes.put([Job(loaded, each, asked, n, since) for n, each in enumerate(pictures)])
        patience = min(self.limits.seconds, seconds or self.limits.seconds)
        alarm = self._loop.call_later(patience, _give_up, asked, patience)
        try:
            return await asked.future
        finally:
            alarm.cancel()
            asked.gone = True

    async def close(self) -> None:
        """Finish what was begun; nothing may be asked afterwards."""
        await asyncio.to_thread(self._lanes.close)
        await asyncio.to_thread(self.recorder.close)

    def _deliver(self, outcomes: Sequence[tuple[Job, Outcome]]) -> None:
        """Called by a lane: what is to be kept is, before anybody is told."""
        self.recorder.record(outcomes, lambda kept: self._loop.call_soon_threadsafe(self._finish, kept))

    def _finish(self, outcomes: Sequence[tuple[Job, Outcome]]) -> None:
        self._count(-len(outcomes))
        for job, outcome in outcomes:
            kind = "answered" if isinstance(outcome, Answered) else "failed"
            if isinstance(outcome, Unanswered):
                kind = "abandoned" if job.asked.gone else "unusable"
            self.telemetry.pictures.labels(job.loaded.predictor.release, kind).inc()
            job.asked.put(job.place, outcome)

    def _count(self, pictures: int) -> None:
        self._waiting += pictures
        self.telemetry.waiting.set(self._waiting)


def _give_up(asked: Asked, patience: float) -> None:
    if not asked.future.done():
        asked.gone = True
        asked.future.set_exception(DeadlinePassed(f"no answer within {patience:g} s; try again later"))
