"""Strangers' bytes to pixels in processes that may die: what every other room decodes with.

A decoder that crashes, or takes too long or too much memory, ends a worker process. The caller gets an
``Undecodable`` that says so, and the next picture a fresh worker. There are as many workers as the settings
allow processors; they are started when they are first needed, kept, and end with this process.
"""

import atexit
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from threading import BoundedSemaphore, Lock
from typing import TypeVar

from sightline.pixels.decode import MAX_PIXELS, Header
from sightline.pixels.decoding_worker import Head, limits, receive_bytes, receive_head, send
from sightline.pixels.fingerprint import Fingerprint
from sightline.pixels.model_input import ModelInput
from sightline.settings import settings
from sightline.values.contract import PixelRecipe
from sightline.values.image import Picture, Pixels, Size, Undecodable

T = TypeVar("T")

_PATIENCE = 30.0
"""Seconds that a worker is waited for, for each second of the processor that it may take."""

_ONE_PIXEL = b"P6 1 1 255 \0\0\0"

_START = "from sightline.pixels.decoding_worker import main; main()"


def fingerprint(data: bytes) -> Fingerprint | Undecodable:
    """As ``sightline.pixels.fingerprint.fingerprint``, in a worker."""
    return _decoders().ask({"do": "fingerprint"}, data, _as_fingerprint)


def decode(data: bytes, at_least: Size | None = None) -> Picture | Undecodable:
    """As ``sightline.pixels.decode.decode``, in a worker."""
    sides = None if at_least is None else [at_least.width, at_least.height]
    return _decoders().ask({"do": "decode", "at_least": sides}, data, _as_picture)


def model_input(data: bytes, recipe: PixelRecipe, most_pixels: int = MAX_PIXELS) -> ModelInput | Undecodable:
    """As ``sightline.pixels.model_input.model_input``, in a worker.

    A picture of more than ``most_pixels`` is refused from its header.
    """
    size = recipe.size

    def read(head: Head, payload: Pixels) -> ModelInput:
        return ModelInput(payload.reshape(size.height, size.width, 3), _size(head))

    wanted: Head = {"do": "model_input", "size": [size.width, size.height], "fit": recipe.fit}
    wanted |= {"crop": recipe.crop_fraction, "fill": recipe.fill, "most": most_pixels}
    return _decoders().ask(wanted, data, read)


def start_workers() -> None:
    """Start all workers and wait until each has answered, so that the first pictures need not wait."""
    _decoders().start()


class Decoders:
    """At most ``count`` worker processes, shared by any number of threads."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._free = BoundedSemaphore(count)
        self._idle: list[_Worker] = []
        self._large = Lock()

    def ask(self, wanted: Head, data: bytes, read: Callable[[Head, Pixels], T]) -> T | Undecodable:
        """What ``read`` makes of a worker's answer about the file ``data``.

        A worker that has decoded other files before may have been hurt by them: where it dies, a fresh one
        is asked once more.
        """
        with self._free:
            worker = self._idle.pop() if self._idle else _Worker()
            while True:
                answer = worker.ask(wanted, data, read, self._large)
                if not isinstance(answer, _Died):
                    worker.asked += 1
                    self._idle.append(worker)
                    return answer
                worker.end()
                if answer.exhausted or not worker.asked:
                    return Undecodable(answer.reason)
                worker = _Worker()

    def start(self) -> None:
        """Start as many workers as there may be, before anything is asked."""
        workers = [_Worker() for _ in range(self._count - len(self._idle))]
        for each in workers:
            each.ask({"do": "fingerprint"}, _ONE_PIXEL, _as_fingerprint, self._large)
        self._idle += workers

    def close(self) -> None:
        """End all workers that are not at work."""
        while self._idle:
            self._idle.pop().end()


class _Died:
    """What became of a worker; ``exhausted`` where it took all the time that it may."""

    def __init__(self, reason: str, *, exhausted: bool = False) -> None:
        self.reason = reason
        self.exhausted = exhausted


class _Worker:
    """A process and the socket to it; ``asked`` counts what it answered."""

    def __init__(self) -> None:
        self.asked = 0
        self._allowed: set[int] | None = None
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", f"import sys; sys.path[:] = {sys.path!r}; {_START}"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C is for the parent
            )

    def ask(
        self, wanted: Head, data: bytes, read: Callable[[Head, Pixels], T], large: Lock
    ) -> T | Undecodable | _Died:
        """One question and its answer; a large picture is decoded while ``large`` is held."""
        declared = 0
        self._follow_caller()
        try:
            self._wait_for(declared)
            send(self._channel, wanted, data)
            head, length = receive_head(self._channel)
            if "declared" in head:
                declared = min(int(str(head["declared"])), MAX_PIXELS)
            with large if declared else nullcontext():
                if declared:
                    self._wait_for(declared)
                    self._channel.sendall(b"!")
                    head, length = receive_head(self._channel)
                if length > 3 * MAX_PIXELS:
                    raise ValueError(length)
                payload = receive_bytes(self._channel, length)
            if "undecodable" in head:
                return Undecodable(str(head["undecodable"]))
            return read(head, payload)
        except TimeoutError:
            return _Died("decoding gave no answer in time", exhausted=True)
        except (EOFError, OSError):
            return self._fate(declared)
        except (ValueError, TypeError, KeyError):
            return _Died("decoding gave an answer that makes no sense")

    def end(self) -> None:
        """End the process, whatever it does."""
        self._channel.close()
        self._process.kill()
        self._process.wait()

    def _follow_caller(self) -> None:
        """Run where the caller may: it waits meanwhile, so its processor is free."""
        if hasattr(os, "sched_setaffinity"):
            allowed = os.sched_getaffinity(0)
            if allowed != self._allowed:
                with suppress(OSError):  # it has died, which whoever asks it notices
                    os.sched_setaffinity(self._process.pid, allowed)
                self._allowed = allowed

    def _wait_for(self, pixels: int) -> None:
        self._channel.settimeout(_PATIENCE * limits(pixels)[0])

    def _fate(self, declared: int) -> _Died:
        """Why the process closed its end."""
        code = self._process.wait()
        seconds, _ = limits(declared)
        if code == -signal.SIGPROF:
            return _Died(f"decoding took more than {seconds:.0f} s", exhausted=True)
        name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return _Died(f"decoding it ends the decoder ({name})")


_shared: list[tuple[int, Decoders]] = []
_sharing = Lock()


def _decoders() -> Decoders:
    """Those of this process; a fork of it has its own."""
    with _sharing:
        if not _shared or _shared[-1][0] != os.getpid():
            _shared[:] = [(os.getpid(), Decoders(settings().threads))]
            atexit.register(_shared[-1][1].close)
        return _shared[-1][1]


def _as_fingerprint(head: Head, payload: Pixels) -> Fingerprint:
    return Fingerprint(Header(str(head["format"]), _size(head)), payload.tobytes())


def _as_picture(head: Head, payload: Pixels) -> Picture:
    match head:
        case {"shape": [int(height), int(width), 3], "extent": None}:
            return Picture(payload.reshape(height, width, 3), _size(head))
        case {
            "shape": [int(height), int(width), 3],
            "extent": [float(left), float(top), float(right), float(bottom)],
        }:
            extent = (left, top, right, bottom)
            return Picture(payload.reshape(height, width, 3), _size(head), extent)
    raise ValueError(f"no picture: {head}")


def _size(head: Head) -> Size:
    match head:
        case {"size": [int(width), int(height)]}:
            return Size(width, height)
    raise ValueError(f"no size: {head}")
