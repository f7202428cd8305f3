"""How long models take, measured so that they can be compared on a machine that others use too."""

import time
from collections.abc import Mapping

from sightline.infer.runtimes.base import Session
from sightline.values.image import Pixels

_UNTIMED = 2


def latencies(sessions: Mapping[str, Session], batch: Pixels, seconds: float) -> dict[str, list[float]]:
    """Seconds of each run of each session on ``batch``, for ``seconds`` in all and at least three rounds.

    The sessions take turns, so that whatever else the machine does meets all of them alike. The first runs,
    in which memory is allocated, do not count.
    """
    for session in sessions.values():
        for _ in range(_UNTIMED):
            session.run(batch)
    taken: dict[str, list[float]] = {name: [] for name in sessions}
    started = time.perf_counter()
    rounds = 0
    while rounds < 3 or time.perf_counter() - started < seconds:
        for name, session in sessions.items():
            before = time.perf_counter()
            session.run(batch)
            taken[name].append(time.perf_counter() - before)
        rounds += 1
    return taken
