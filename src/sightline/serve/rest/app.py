"""The application: all endpoints, each behind the permission that it takes."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from sightline.errors import SightlineError
from sightline.serve.gate import Gate
from sightline.serve.plane import DataPlane
from sightline.serve.rest import schemas
from sightline.serve.rest.body import Bodies
from sightline.serve.rest.description import document, page
from sightline.serve.rest.endpoints import Endpoint
from sightline.serve.rest.feedback import Feedback
from sightline.serve.rest.refusals import as_json, refused
from sightline.serve.rest.schemas import JSON
from sightline.serve.rest.v1 import V1
from sightline.serve.rest.v2 import V2

_HTML, _PROMETHEUS, _BINARY = "text/html", "text/plain", "application/octet-stream"
_ANY_TEXT = {"type": "string"}
_BODY_REFUSALS = (404, 408, 413, 415, 422, 429, 500, 507)


def make_app(plane: DataPlane, gate: Gate) -> Router:
    """The application that answers for ``plane`` to those whom ``gate`` lets pass."""
    # An application of Starlette wraps every request in five handlers of exceptions; none is raised here.
    return Router(
        [Route(each.path, _Guarded(each, gate), methods=None) for each in all_endpoints(plane)],
        redirect_slashes=False,
        default=_no_route,
    )


def all_endpoints(plane: DataPlane) -> tuple[Endpoint, ...]:
    """Every endpoint, in the order in which the description has them."""
    bodies = Bodies(plane.limits)
    found: list[Endpoint] = [*_own(V1(plane, bodies), Feedback(plane, bodies)), *_protocol(V2(plane, bodies))]
    found += _about(plane, tuple(found))
    return tuple(found)


def _own(v1: V1, feedback: Feedback) -> list[Endpoint]:
    return [
        Endpoint(
            "POST",
            "/v1/models/{name}/predict",
            "predict",
            v1.predict,
            "Answers about a picture, or several",
            gives={JSON: {"anyOf": [schemas.ANSWER, schemas.ANSWERS]}},
            takes={
                "image/*": schemas.FILE,
                _BINARY: schemas.FILE,
                "multipart/form-data": schemas.FILES,
                JSON: schemas.PICTURES,
            },
            query={"version": schemas.VERSION, "timeout_ms": schemas.TIMEOUT},
            refuses=_BODY_REFUSALS,
        ),
        Endpoint("GET", "/v1/models", "models", v1.models, "What is served", gives={JSON: schemas.MODELS}),
        Endpoint(
            "GET",
            "/v1/models/{name}",
            "models",
            v1.model,
            "A model: its classes, thresholds and figures",
            gives={JSON: schemas.MODEL},
            query={"version": schemas.VERSION},
            refuses=(404, 422),
        ),
        Endpoint(
            "POST",
            "/v1/feedback",
            "feedback",
            feedback.tell,
            "What is true about a picture that was answered",
            gives={JSON: schemas.NOTED},
            takes={JSON: schemas.TRUTH},
            refuses=_BODY_REFUSALS,
        ),
    ]


def _protocol(v2: V2) -> list[Endpoint]:
    """The Open Inference Protocol."""
    live, ready = {JSON: schemas.LIVE}, {JSON: schemas.READY}
    found = [
        Endpoint("GET", "/v2/health/live", "health", v2.live, "Whether the process answers", gives=live),
        Endpoint("GET", "/v2/health/ready", "health", v2.ready, "Whether it would infer", gives=ready),
        Endpoint("GET", "/v2", "models", v2.server, "What the server is", gives={JSON: schemas.SERVER}),
    ]
    for path in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        found += [
            Endpoint(
                "GET",
                path,
                "models",
                v2.model,
                "A model's inputs and outputs",
                gives={JSON: schemas.METADATA},
                refuses=(404,),
            ),
            Endpoint(
                "GET",
                f"{path}/ready",
                "models",
                v2.model_ready,
                "Whether a model would infer",
                gives=ready,
                refuses=(404,),
            ),
            Endpoint(
                "POST",
                f"{path}/infer",
                "predict",
                v2.infer,
                "A model's outputs for pictures or tensors",
                gives={JSON: schemas.INFERRED, _BINARY: schemas.FILE},
                takes={JSON: schemas.INFER, _BINARY: schemas.FILE},
                refuses=_BODY_REFUSALS,
            ),
        ]
    return found


def _about(plane: DataPlane, others: Sequence[Endpoint]) -> list[Endpoint]:
    """What tells of the server itself."""
    found: list[Endpoint] = []

    async def metrics(_: Request) -> Response:
        return Response(plane.telemetry.text(), media_type=f"{_PROMETHEUS}; version=0.0.4; charset=utf-8")

    async def openapi(_: Request) -> Response:
        return as_json(document([*others, *found]))

    async def docs(_: Request) -> Response:
        return HTMLResponse(page([*others, *found]))

    found += [
        Endpoint(
            "GET", "/metrics", "metrics", metrics, "Metrics for Prometheus", gives={_PROMETHEUS: _ANY_TEXT}
        ),
        Endpoint(
            "GET", "/openapi.json", "describe", openapi, "This description", gives={JSON: {"type": "object"}}
        ),
        Endpoint("GET", "/docs", "describe", docs, "This description as a page", gives={_HTML: _ANY_TEXT}),
    ]
    return found


class _Guarded:
    """ASGI: the endpoint's handler, for those who may; what it raises becomes an answer."""

    def __init__(self, endpoint: Endpoint, gate: Gate) -> None:
        self.endpoint = endpoint
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        method = self.endpoint.method
        if request.method != method and not (method == "GET" and request.method == "HEAD"):
            return as_json({"error": f"only {method} is known here"}, 405, {"Allow": method})
        try:
            request.scope["state"]["fields"]["who"] = self._gate.check(request.headers, self.endpoint.action)
            return await self.endpoint.handler(request)
        except SightlineError as error:
            return refused(error)


async def _no_route(scope: Scope, receive: Receive, send: Send) -> None:
    await as_json({"error": "there is nothing here; see /docs"}, 404)(scope, receive, send)
