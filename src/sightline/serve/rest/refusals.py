"""Why a request is not answered, as a status and one line of JSON."""

import json
from collections.abc import Mapping
from types import MappingProxyType

from starlette.responses import Response

from sightline.errors import (
    DeadlinePassed,
    InputError,
    NotKept,
    NotServed,
    Overloaded,
    SightlineError,
    StorageError,
)
from sightline.serve.plane import RETRY_SECONDS

_AGAIN = MappingProxyType({"Retry-After": str(RETRY_SECONDS)})
_STATUS: tuple[tuple[type[SightlineError], int, Mapping[str, str]], ...] = (
    (NotServed, 404, {}),
    (NotKept, 404, {}),
    (Overloaded, 429, _AGAIN),
    (DeadlinePassed, 503, _AGAIN),
    (InputError, 422, {}),
    (StorageError, 507, {}),
    (SightlineError, 500, {}),
)


class Refusal(SightlineError):
    """A request that is refused with ``status``; its text is for the caller."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(text)
        self.status = status
        self.headers = headers


def not_ready(text: str) -> Refusal:
    """A deliberate 503: the same request may be answered later."""
    return Refusal(503, text, _AGAIN)


def refused(error: SightlineError) -> Response:
    """The answer that tells of ``error``."""
    if isinstance(error, Refusal):
        return as_json({"error": str(error)}, error.status, error.headers)
    status, headers = next((s, h) for kind, s, h in _STATUS if isinstance(error, kind))
    return as_json({"error": str(error)}, status, headers)


def as_json(
    content: object, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})
) -> Response:
    """``content`` as ASCII JSON."""
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Response(text.encode("ascii"), status, dict(headers), media_type="application/json")
