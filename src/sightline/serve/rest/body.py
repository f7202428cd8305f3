"""A request's body, read within limits."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

from sightline.serve.limits import Limits
from sightline.serve.rest.refusals import Refusal, not_ready

_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_CLOSE = {"Connection": "close"}
"""What is left of a body that nobody wants need not be taken in."""


class Bodies:
    """Reads bodies; all that are held at a time have at most ``limits.held_bytes``."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held = 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """The body, decompressed, for the time of the block.

        Raises:
            Refusal: 400 where it is cut off or not as its head says, 408 where it takes too long, 413 where
                it is too large, 415 where its encoding is not known, 503 where there is no room for it.
        """
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        if encoding != "identity" and encoding not in _WINDOWS:
            raise Refusal(
                415, f"bodies may be encoded as gzip, deflate or identity, not {encoding[:40]!r}", _CLOSE
            )
        self._check(_declared(request))
        held = 0

        def hold(count: int) -> None:
            nonlocal held
            held += count
            self._held += count
            self._check(held)
            if self._held > self._limits.held_bytes:
                raise not_ready(f"requests of {self._held:,} bytes are being read; try again")

        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body = await _all(request, hold)
            if encoding in _WINDOWS:
                body = self._unpacked(body, _WINDOWS[encoding], hold)
            yield body
        except TimeoutError as error:
            raise Refusal(
                408, f"the body was not there in {self._limits.body_seconds:g} s", _CLOSE
            ) from error
        except ClientDisconnect as error:
            raise Refusal(400, "the body is cut off") from error
        finally:
            self._held -= held

    def _check(self, count: int) -> None:
        most = self._limits.body_bytes
        if count > most:
            raise Refusal(413, f"a body may have {most:,} bytes, this one has at least {count:,}", _CLOSE)

    def _unpacked(self, body: bytes, window: int, hold: Callable[[int], None]) -> bytes:
        unpacker = zlib.decompressobj(window)
        try:
            data = unpacker.decompress(body, self._limits.body_bytes + 1)
        except zlib.error as error:
            raise Refusal(400, f"the body cannot be unpacked: {error}") from error
        hold(len(data))
        if not unpacker.eof or unpacker.unused_data:
            raise Refusal(400, "the body cannot be unpacked: it is cut off, or more follows its end")
        return data


def _declared(request: Request) -> int:
    told = request.headers.get("content-length", "0")
    return int(told) if told.isascii() and told.isdigit() else 0


async def _all(request: Request, hold: Callable[[int], None]) -> bytes:
    parts = []
    async for part in request.stream():
        if part:
            hold(len(part))
            parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
