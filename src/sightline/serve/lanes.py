"""Threads that answer pictures in batches.

Each lane takes some of the pictures that wait for one release, has them decoded by a worker process of its
own, and runs the model on its own thread. There are as many lanes as processors: while one decodes another
computes, no processor waits, and a batch costs one hand-over instead of one for each picture and step.
Batches form by themselves: what comes in while all lanes are busy is taken together.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from logging import getLogger
from threading import Condition, Thread

import numpy as np

from sightline.errors import SightlineError
from sightline.infer.predictor import Prepared
from sightline.pixels.model_input import ModelInput
from sightline.serve.asked import Answered, Job, Outcome, Picture
from sightline.serve.loaded import Loaded
from sightline.serve.telemetry import Telemetry
from sightline.settings import available_processors, work_on
from sightline.values.image import Size
from sightline.values.prediction import Unanswered

_log = getLogger(__name__)


Deliver = Callable[[Sequence[tuple[Job, Outcome]]], None]
"""Called on a lane's thread with the outcomes of a batch."""


class Lanes:
    """``count`` threads; see the module.

    A picture that declares more than ``most_pixels`` is refused. ``wait`` is how many seconds a batch that is
    not full waits for more.
    """

    def __init__(
        self,
        count: int,
        deliver: Deliver,
        new_id: Callable[[], str],
        telemetry: Telemetry,
        most_pixels: int,
        wait: float = 0.0,
    ) -> None:
        self._deliver, self._new_id, self._telemetry = deliver, new_id, telemetry
        self._most_pixels, self._wait = most_pixels, wait
        self._waiting: dict[Loaded, deque[Job]] = {}
        self._changed = Condition()
        self._idle = 0
        self._closed = False
        self._pinned = count == available_processors()
        self._threads = [
            Thread(target=self._work, args=(n,), name=f"lane {n}", daemon=True) for n in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, jobs: Sequence[Job]) -> None:
        """Take on ``jobs``, all of one release."""
        with self._changed:
            self._waiting.setdefault(jobs[0].loaded, deque()).extend(jobs)
            self._changed.notify(len(jobs))

    def close(self) -> None:
        """Finish what waits, then end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self, number: int) -> None:
        if self._pinned:
            # A lane and its decoding worker take turns, so they belong on one processor; left to itself the
            # kernel often puts both behind another lane, and a tenth of the machine stays idle.
            work_on(number)
        while jobs := self._take():
            try:
                outcomes = self._outcomes(jobs)
            except Exception as error:  # noqa: BLE001 - an edge, and it is logged
                # Whatever happens to one batch, the lane goes on, and those who wait are told.
                _log.exception("a batch of %s failed", jobs[0].loaded.predictor.release)
                failed = SightlineError(f"a batch failed: {type(error).__name__}")
                outcomes = [(job, failed) for job in jobs]
            self._deliver(outcomes)
            del jobs, outcomes  # a release that is no longer served is freed

    def _take(self) -> list[Job]:
        """The next batch; empty at the end."""
        with self._changed:
            while True:
                if self._waiting:
                    loaded = min(self._waiting, key=lambda each: self._waiting[each][0].since)
                    queue, most = self._waiting[loaded], loaded.predictor.batch_size
                    left = queue[0].since + self._wait - time.monotonic()
                    if left <= 0 or len(queue) >= most or self._closed:
                        return self._some(loaded, queue, most)
                elif self._closed:
                    return []
                else:
                    left = None
                self._idle += 1
                self._changed.wait(left)
                self._idle -= 1

    def _some(self, loaded: Loaded, queue: deque[Job], most: int) -> list[Job]:
        # Lanes that have nothing to do get their share.
        fair = -(-len(queue) // (1 + self._idle))
        jobs = [queue.popleft() for _ in range(min(most, fair))]
        if not queue:
            del self._waiting[loaded]
        return jobs

    def _outcomes(self, jobs: list[Job]) -> list[tuple[Job, Outcome]]:
        loaded = jobs[0].loaded
        outcomes: list[tuple[Job, Outcome]] = []
        ready: list[tuple[Job, Prepared]] = []
        for job in jobs:
            if job.asked.gone:
                outcomes.append((job, Unanswered(job.picture.source, "nobody waits for it any more")))
                continue
            prepared = self._prepared(job.picture, loaded)
            if isinstance(prepared, Unanswered):
                outcomes.append((job, prepared))
            else:
                ready.append((job, prepared))
        return outcomes + (self._run(loaded, ready) if ready else [])

    def _prepared(self, picture: Picture, loaded: Loaded) -> Prepared | Unanswered:
        if not isinstance(picture.content, bytes):
            height, width = picture.content.shape[:2]
            return Prepared(picture.source, ModelInput(picture.content, Size(width, height)))
        with self._telemetry.decode_seconds.time():
            return loaded.predictor.prepare(picture.source, picture.content, self._most_pixels)

    def _run(self, loaded: Loaded, ready: list[tuple[Job, Prepared]]) -> list[tuple[Job, Outcome]]:
        predictor, prepared = loaded.predictor, [each for _, each in ready]
        batch = np.stack([each.picture.pixels for each in prepared])
        try:
            with self._telemetry.run_seconds.labels(predictor.release).time():
                outputs = predictor.run(batch)
            answers = predictor.read(prepared, outputs)
        except SightlineError as error:
            if len(ready) == 1:
                return [(ready[0][0], error)]
            # One picture must not take the others of its batch with it.
            return [outcome for one in ready for outcome in self._run(loaded, [one])]
        self._telemetry.batch_size.labels(predictor.release).observe(len(ready))
        rows = [{name: array[n] for name, array in outputs.items()} for n in range(len(ready))]
        return [
            (job, answer if isinstance(answer, Unanswered) else Answered(self._new_id(), answer, row))
            for (job, _), answer, row in zip(ready, answers, rows, strict=True)
        ]
