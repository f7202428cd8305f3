"""The server's life: load, answer, follow the registry, drain, end."""

import asyncio
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path

import uvloop

from sightline.errors import InputError
from sightline.pixels.isolated import start_workers
from sightline.registry.access import Access
from sightline.serve.connection import Server, config, protocol
from sightline.serve.following import Source
from sightline.serve.gate import Gate, is_loopback
from sightline.serve.limits import Limits
from sightline.serve.logs import log, log_as_json
from sightline.serve.plane import DataPlane
from sightline.serve.recording import Keeping, open_recorder
from sightline.serve.rest.app import make_app
from sightline.serve.rest.front import Front
from sightline.serve.telemetry import Telemetry

_LOOK_SECONDS = 1.0
_DRAIN_SECONDS = 30
_BACKLOG = 2048
_log = getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens; port 0 takes a free one. ``certificate`` and ``private_key`` make it TLS."""

    host: str = "127.0.0.1"
    port: int = 8080
    certificate: Path | None = None
    private_key: Path | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.private_key is None):
            raise InputError("TLS needs both a certificate and its private key")
        for file in (self.certificate, self.private_key):
            if file is not None and not file.is_file():
                raise InputError(f"there is no file {str(file)!r}")
        if self.certificate is not None:
            try:
                # A key behind a password would wait for somebody to type it.
                ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
                    self.certificate, self.private_key, password=""
                )
            except (ssl.SSLError, OSError) as error:
                raise InputError(
                    f"{str(self.certificate)!r} and {str(self.private_key)!r} are no certificate and its key "
                    f"without a password, both PEM: {error}"
                ) from error


@dataclass(frozen=True, slots=True)
class Door:
    """Who may come in; see :class:`Gate`."""

    access: Access | None = None
    insecure: bool = False
    hosts: tuple[str, ...] = ()


def serve(address: Address, door: Door, source: Source, limits: Limits, keeping: Keeping | None) -> None:
    """Answer until SIGTERM or SIGINT, finish what was begun, and return.

    Raises:
        SightlineError: what should be served cannot be.
        InputError: nobody can listen at the address.
    """
    log_as_json()
    with _bound(address) as listening:
        loopback = is_loopback(listening.getsockname()[0])
        gate = Gate(door.access, loopback=loopback, insecure=door.insecure, hosts=door.hosts)
        uvloop.run(_serve(address, listening, gate, source, limits, keeping))


async def _serve(
    address: Address,
    listening: socket.socket,
    gate: Gate,
    source: Source,
    limits: Limits,
    keeping: Keeping | None,
) -> None:
    telemetry = Telemetry()
    plane = DataPlane(limits, telemetry, open_recorder(keeping, telemetry))
    looking: asyncio.Task[None] | None = None
    try:
        await asyncio.gather(asyncio.to_thread(start_workers), source.begin(plane))
        looking = asyncio.create_task(_look(source, plane, gate))
        tls = {}
        if address.certificate is not None:
            tls = {"ssl_certfile": str(address.certificate), "ssl_keyfile": str(address.private_key)}
        server = Server(
            config(
                Front(make_app(plane, gate), telemetry, plane.admit),
                http=protocol(limits.head_seconds),
                timeout_graceful_shutdown=_DRAIN_SECONDS,
                **tls,
            ),
            stopping=lambda: _drain(plane),
        )
        listening.listen(_BACKLOG)
        host, port = listening.getsockname()[:2]
        log(
            _log, "ready", url=f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
        )
        await server.serve(sockets=[listening])
    finally:
        if looking is not None:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
        await plane.close()
    log(_log, "stopped")


async def _look(source: Source, plane: DataPlane, gate: Gate) -> None:
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        await asyncio.to_thread(gate.refresh)
        await source.look(plane)


def _drain(plane: DataPlane) -> None:
    plane.draining = True
    log(_log, "stopping")


def _bound(address: Address) -> socket.socket:
    try:
        family, kind, number, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, number)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(place)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise InputError(
            f"cannot listen at {address.host}:{address.port}: {error.strerror or error}"
        ) from error
    return listening
