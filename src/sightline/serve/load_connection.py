"""One connection of a load test: requests that are bytes already, answers of which the status matters."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import httptools

from sightline.errors import InputError


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer; ``again`` where it says when to come again."""

    status: int
    body: bytes
    again: bool


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server listens, from its address."""

    host: str
    port: int
    secure: bool
    named: str

    @classmethod
    def of(cls, url: str) -> "Target":
        """Raises ``InputError`` for what is no address of a server."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise InputError(f"{url!r} is no address: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
            raise InputError(f"the address of a server is http://HOST:PORT or https://HOST:PORT, got {url!r}")
        secure = parts.scheme == "https"
        return cls(parts.hostname, port or (443 if secure else 80), secure, parts.netloc.rpartition("@")[2])

    def request(self, method: str, path: str, token: str = "", body: bytes = b"", kind: str = "") -> bytes:
        """A request, as it goes over the wire."""
        head = [f"{method} {path} HTTP/1.1", f"Host: {self.named}", f"Content-Length: {len(body)}"]
        head += [f"Content-Type: {kind}"] if kind else []
        head += [f"Authorization: Bearer {token}"] if token else []
        return "\r\n".join([*head, "", ""]).encode("latin-1") + body


class Connection(asyncio.Protocol):
    """Asks one thing at a time; open as long as the server leaves it so."""

    def __init__(self) -> None:
        self.open = False
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Response] | None = None
        self._body = bytearray()
        self._again = False

    @classmethod
    async def to(cls, target: Target) -> "Connection":
        """A new one. Raises ``OSError``."""
        secure = ssl.create_default_context() if target.secure else None
        made = await asyncio.get_running_loop().create_connection(cls, target.host, target.port, ssl=secure)
        return made[1]

    async def ask(self, request: bytes) -> Response:
        """The answer. Raises ``ConnectionError`` where the server hangs up before it."""
        if not self.open:
            raise ConnectionResetError("the server has closed the connection")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """End it."""
        if self.open:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's."""
        self._transport = cast("asyncio.Transport", transport)
        self.open = True

    def data_received(self, data: bytes) -> None:
        """asyncio's."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(ConnectionAbortedError("what came is no HTTP"))
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """asyncio's."""
        self.open = False
        self._fail(ConnectionResetError("the server has closed the connection"))

    def on_header(self, name: bytes, value: bytes) -> None:  # noqa: ARG002 - httptools'
        """httptools'."""
        if name.lower() == b"retry-after":
            self._again = True

    def on_body(self, body: bytes) -> None:
        """httptools'."""
        self._body += body

    def on_message_complete(self) -> None:
        """httptools'."""
        status = self._parser.get_status_code()
        if not self._parser.should_keep_alive():
            self.open = False
            self._transport.close()
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result(Response(status, bytes(self._body), self._again))
        self._body.clear()
        self._again = False

    def _fail(self, error: Exception) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(error)
