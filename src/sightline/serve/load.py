"""Load on a server, and what its answers take.

In the *open* loop requests are due at random moments of a given rate, whatever the server does, and a latency
counts from the moment that the request was due. A generator that waits for one answer before it sends the
next asks a stalled server fewer questions, and its percentiles leave out what all who came meanwhile had to
wait ("coordinated omission"; Tene, "How NOT to Measure Latency", 2013). In the *closed* loop a number of
clients do just that: it shows what a server can do, not what its users see.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.serve.load_connection import Connection, Response, Target

_MOST_OPEN = 4_000
_FAILED = 0


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: ``pictures`` in turn, to ``model`` (default: the only one that is served).

    Each is a body of ``media_type``, so it may be another form than a picture's own bytes.

    ``rate`` is how many pictures are due a second; None lets ``clients`` ask as fast as they are answered.
    A request that gets no answer in ``patience`` seconds failed.
    """

    url: str
    pictures: Sequence[bytes]
    model: str = ""
    rate: float | None = None
    clients: int = 16
    seconds: float = 10.0
    token: str = field(default="", repr=False)
    patience: float = 30.0
    media_type: str = "application/octet-stream"
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.pictures:
            raise InputError("there is no picture to send")
        if (self.rate is not None and self.rate <= 0) or self.clients < 1 or self.seconds <= 0:
            raise InputError("a load has a rate or clients, and seconds, above 0")


@dataclass(frozen=True, slots=True, eq=False)
class LoadResult:
    """One row a request, in the order in which they were due, times in seconds from the start.

    ``due`` and ``latency`` are float64 ``[N]``, ``status`` int64 ``[N]`` with 0 where none came; of the
    refused ``again`` said when to come again; ``failures`` counts what happened in place of an answer.
    ``seconds`` is how long it took from the first request to the last answer.
    """

    due: npt.NDArray[np.float64]
    latency: npt.NDArray[np.float64]
    status: npt.NDArray[np.int64]
    again: int
    failures: Mapping[str, int]
    seconds: float

    @property
    def answered(self) -> npt.NDArray[np.bool_]:
        """Which requests got an answer about their picture."""
        return np.asarray(self.status == 200)

    @property
    def refused(self) -> npt.NDArray[np.bool_]:
        """Which were sent away for the time being."""
        return np.isin(self.status, (429, 503))

    @property
    def throughput(self) -> float:
        """Answers a second."""
        return float(self.answered.sum()) / self.seconds

    def percentile(self, *percents: float, since: float = 0.0, until: float = float("inf")) -> list[float]:
        """Latencies of answers, for those due in a part of the time; NaN where there were none."""
        some = self.latency[self.answered & (self.due >= since) & (self.due < until)]
        return [float(np.percentile(some, each)) if len(some) else float("nan") for each in percents]


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one request; ``status`` 0 where nothing came."""

    due: float
    latency: float
    status: int
    again: bool = False
    failure: str = ""


Watch = Callable[[int, Sequence[Reply]], object]
"""Called every second with its number and the requests that ended in it."""


def run_load(load: Load, watch: Watch | None = None) -> LoadResult:
    """Put ``load`` on a server.

    Raises:
        InputError: there is no server, or it does not answer the first picture; says its reason.
    """
    try:
        import uvloop
    except ModuleNotFoundError:
        return asyncio.run(_run(load, watch))
    return uvloop.run(_run(load, watch))


async def _run(load: Load, watch: Watch | None) -> LoadResult:
    target = Target.of(load.url)
    path = f"/v1/models/{load.model or await _only_model(target, load.token)}/predict"
    requests = [target.request("POST", path, load.token, each, load.media_type) for each in load.pictures]
    first = await _first(target, requests[0])
    if first.status != 200:
        raise InputError(f"{load.url} does not answer the first picture: {first.status} {_reason(first)}")
    test = _Test(load, target, requests)
    watching = asyncio.create_task(test.watch(watch)) if watch else None
    try:
        await (test.open_loop(load.rate) if load.rate is not None else test.closed_loop())
    finally:
        if watching is not None:
            watching.cancel()
        test.close()
    return test.result()


class _Test:
    """A running test."""

    def __init__(self, load: Load, target: Target, requests: Sequence[bytes]) -> None:
        self._load, self._target, self._requests = load, target, requests
        self._idle: list[Connection] = []
        self._open = 0
        self._sent = 0
        self._replies: list[Reply] = []
        self._began = time.perf_counter()

    async def open_loop(self, rate: float) -> None:
        dice = np.random.default_rng(self._load.seed)
        tasks: set[asyncio.Task[None]] = set()
        due = float(dice.exponential(1 / rate))
        while due < self._load.seconds:
            await asyncio.sleep(max(0.0, due - self._now()))
            task = asyncio.create_task(self._one(due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            due += float(dice.exponential(1 / rate))
        await asyncio.gather(*tasks)

    async def closed_loop(self) -> None:
        async def client() -> None:
            while (now := self._now()) < self._load.seconds:
                await self._one(now)

        await asyncio.gather(*(client() for _ in range(self._load.clients)))

    async def watch(self, watch: Watch) -> None:
        seen = second = 0
        while True:
            second += 1
            await asyncio.sleep(max(0.0, second - self._now()))
            watch(second, self._replies[seen:])
            seen = len(self._replies)

    def close(self) -> None:
        for each in self._idle:
            each.close()

    def result(self) -> LoadResult:
        replies = sorted(self._replies, key=lambda each: each.due)
        last = max((each.due + each.latency for each in replies), default=0.0)
        return LoadResult(
            np.array([each.due for each in replies]),
            np.array([each.latency for each in replies]),
            np.array([each.status for each in replies], dtype=np.int64),
            sum(each.again for each in replies if each.status in (429, 503)),
            Counter(each.failure for each in replies if each.failure),
            max(last, 1e-9),
        )

    def _now(self) -> float:
        return time.perf_counter() - self._began

    async def _one(self, due: float) -> None:
        request = self._requests[self._sent % len(self._requests)]
        self._sent += 1
        try:
            async with asyncio.timeout(self._load.patience):
                response = await self._ask(request)
        except TimeoutError:
            reply = Reply(due, self._now() - due, _FAILED, failure="no answer in time")
        except (OSError, _TooMany) as error:
            reply = Reply(due, self._now() - due, _FAILED, failure=str(error) or type(error).__name__)
        else:
            reply = Reply(due, self._now() - due, response.status, response.again)
        self._replies.append(reply)

    async def _ask(self, request: bytes) -> Response:
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                break
        else:
            if self._open >= _MOST_OPEN:
                raise _TooMany(f"{_MOST_OPEN} requests are waiting for an answer")
            connection = await Connection.to(self._target)
        self._open += 1
        try:
            response = await connection.ask(request)
        except BaseException:
            connection.close()
            raise
        finally:
            self._open -= 1
        self._idle.append(connection)
        return response


class _TooMany(Exception):
    pass


async def _only_model(target: Target, token: str) -> str:
    response = await _first(target, target.request("GET", "/v1/models", token))
    if response.status != 200:
        raise InputError(f"{target.named} does not tell its models: {response.status} {_reason(response)}")
    names = sorted({str(each["name"]) for each in json.loads(response.body)["models"]})
    if len(names) != 1:
        raise InputError(f"{target.named} serves {', '.join(names) or 'nothing'}; say which should be asked")
    return names[0]


async def _first(target: Target, request: bytes) -> Response:
    try:
        connection = await Connection.to(target)
        try:
            return await connection.ask(request)
        finally:
            connection.close()
    except OSError as error:
        raise InputError(f"{target.named} cannot be asked: {error.strerror or error}") from error


def _reason(response: Response) -> str:
    try:
        return str(json.loads(response.body)["error"])[:500]
    except (ValueError, KeyError, TypeError):
        return response.body[:200].decode("utf-8", "replace")
