"""Servers as an operator starts them, in a process of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

_PROGRAM = ("-m", "sightline")
_PATIENCE = 60.0
"""Seconds for what takes one on a machine that has nothing else to do."""


@dataclass(frozen=True)
class Answer:
    """A response, its header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


@dataclass(frozen=True)
class Running:
    """A server that said that it is ready; ``log`` is where it writes."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request on a connection of its own."""
        connection = HTTPConnection(*self.address, timeout=_PATIENCE)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            named = {key.lower(): value for key, value in response.getheaders()}
            return Answer(response.status, named, response.read())
        finally:
            connection.close()

    def predict(self, picture: bytes, model: str = "colours", query: str = "") -> Answer:
        """A raw picture."""
        return self.ask("POST", f"/v1/models/{model}/predict{query}", picture, {"Content-Type": "image/png"})

    def events(self) -> list[dict[str, object]]:
        """The whole lines of its log so far."""
        text = self.log.read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def stop(self) -> int:
        """SIGTERM, and how it ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_PATIENCE)


@contextmanager
def serving(folder: Path, *arguments: object, program: Sequence[str] = _PROGRAM) -> Iterator[Running]:
    """``sightline serve --port 0 ARGUMENTS`` in ``folder``, ended with the block at the latest."""
    command = [sys.executable, *program, "serve", "--port", "0", *map(str, arguments)]
    log = folder / f"server-{time.monotonic_ns()}.log"
    with log.open("wb") as writing:
        process = subprocess.Popen(command, cwd=folder, stderr=writing, env=dict(os.environ))
    running = Running(_url(log, process), log, process)
    try:
        yield running
    finally:
        running.stop()


def _url(log: Path, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        for line in log.read_text().splitlines():
            if line.startswith("{") and '"event": "ready"' in line:
                return str(json.loads(line)["url"])
        time.sleep(0.02)
    process.kill()
    process.wait()
    pytest.fail(f"the server did not become ready: {log.read_text()}")


def until(true: Callable[[], bool]) -> None:
    """Wait for something that happens soon."""
    end = time.monotonic() + _PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
