"""uvicorn's connection and server, with what an operator needs beside."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


def protocol(head_seconds: float) -> type[asyncio.Protocol]:
    """HTTP/1.1 in which a request's head must be there in ``head_seconds``.

    Without it a connection that sends a head byte by byte, or nothing, is kept for ever.
    """

    class Connection(HttpToolsProtocol):
        _alarm: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._set_alarm()

        def connection_lost(self, exc: Exception | None) -> None:
            self._unset_alarm()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._alarm is None and (self.cycle is None or self.cycle.response_complete):
                self._set_alarm()
            super().data_received(data)

        def on_headers_complete(self) -> None:
            self._unset_alarm()
            super().on_headers_complete()

        def _set_alarm(self) -> None:
            self._alarm = self.loop.call_later(head_seconds, self.transport.close)

        def _unset_alarm(self) -> None:
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None

    return Connection


class Server(uvicorn.Server):
    """Ends well on SIGTERM and SIGINT; ``stopping`` is called when the first comes."""

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn's own would raise the signal again at the end, before everything is closed."""
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self._stop, each)
        yield

    def _stop(self, signum: signal.Signals) -> None:
        self._stopping()
        self.handle_exit(signum, None)


def config(app: Any, **options: Any) -> uvicorn.Config:
    """uvicorn's configuration; nothing of it is logged but what goes wrong."""
    return uvicorn.Config(
        app,
        http=options.pop("http"),
        ws="none",
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        timeout_keep_alive=75,
        **options,
    )
