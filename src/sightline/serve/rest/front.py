"""What every request passes, whatever its route: an id, a log line, metrics, an answer even to a defect."""

import logging
import re
import time
from collections.abc import Callable
from uuid import uuid4

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sightline.errors import Overloaded
from sightline.serve.logs import ACCESS, log
from sightline.serve.rest.refusals import as_json, refused
from sightline.serve.telemetry import Telemetry

REQUEST_ID = "X-Request-ID"
_USABLE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_log = logging.getLogger(__name__)


_ANSWERING = {"/predict": "/v1/models/{name}/predict", "/infer": "/v2/models/{name}/infer"}
"""How a path ends that asks about pictures, and the route that it most likely is."""


class Front:
    """ASGI around ``app``. A caller's ``X-Request-ID`` is kept where it is harmless, and comes back.

    Where too many pictures wait, ``admit`` raises ``Overloaded``, and a request about more is sent away
    before anything else is looked at, even who asks: in an overload most requests are such, and what they
    cost is taken from those that are answered.
    """

    def __init__(self, app: ASGIApp, telemetry: Telemetry, admit: Callable[[], None]) -> None:
        self._app, self._telemetry, self._admit = app, telemetry, admit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; what is no request of HTTP goes on as it is."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        name = _request_id(scope)
        scope["state"]["fields"] = fields = {"request": name.decode()}

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (REQUEST_ID.encode(), name)]
            await send(message)

        try:
            await (self._too_much(scope) or self._app)(scope, receive, sending)
        except Exception:  # noqa: BLE001 - an edge, and it is logged
            _log.exception("a request failed", extra={"fields": fields})
            if not status:
                await as_json({"error": "the server failed; its log says why"}, 500)(scope, receive, sending)
        finally:
            self._note(scope, status, time.perf_counter() - began)

    def _too_much(self, scope: Scope) -> Response | None:
        route = _ANSWERING.get(scope["path"][scope["path"].rfind("/") :])
        if route is None:
            return None
        try:
            self._admit()
        except Overloaded as error:
            scope["state"]["route"] = route
            return refused(error)
        return None

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        # Any other text would let a caller make as many time series as it likes.
        route = scope["state"].get("route") or getattr(scope.get("route"), "path", "unknown")
        self._telemetry.requests.labels(route, status).inc()
        self._telemetry.request_seconds.labels(route).observe(seconds)
        fields = scope["state"]["fields"]
        log(
            ACCESS,
            "request",
            **fields,
            method=scope["method"][:16],
            route=route,
            status=status,
            ms=round(seconds * 1000, 2),
        )


def _request_id(scope: Scope) -> bytes:
    told = next((value for key, value in scope["headers"] if key == b"x-request-id"), b"")
    return told if _USABLE_ID.fullmatch(told) else uuid4().hex.encode()
