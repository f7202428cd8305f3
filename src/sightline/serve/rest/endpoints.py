"""An endpoint: where it is, what may be done there, and how it is described."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from sightline.values.access import Action

Handler = Callable[[Request], Awaitable[Response]]
Schema = Mapping[str, object]
"""JSON Schema, as OpenAPI 3.1 has it."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route.

    ``takes`` and ``gives`` map a media type to a schema; ``query`` a parameter to its schema. ``refuses`` are
    the statuses of refusals that callers must expect, beside those for who they are.
    """

    method: Literal["GET", "POST"]
    path: str
    action: Action
    handler: Handler
    summary: str
    gives: Mapping[str, Schema]
    takes: Mapping[str, Schema] = field(default_factory=dict)
    query: Mapping[str, Schema] = field(default_factory=dict)
    refuses: tuple[int, ...] = ()
