"""The application: every route with the permission that it takes."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from sightline import __version__
from sightline.errors import SightlineError
from sightline.serve.plane import DataPlane
from sightline.serve.rest.body import Bodies
from sightline.serve.rest.refusals import refused
from sightline.serve.rest.v1 import V1
from sightline.serve.rest.v2 import V2

Handler = Callable[[Request], Awaitable[Response]]


class GuardedRoute(APIRoute):
    """A route whose handler takes the request and gives the response, without FastAPI's own reading of it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint itself; what it raises becomes an answer."""
        handler: Handler = self.endpoint

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except SightlineError as error:
                return refused(error)

        return handle


def make_app(plane: DataPlane) -> FastAPI:
    app = FastAPI(title="sightline", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.router.route_class = GuardedRoute
    bodies = Bodies(plane.limits)
    v1, v2 = V1(plane, bodies), V2(plane, bodies)
    add = app.router.add_api_route
    add("/v1/models", v1.models, methods=["GET"])
    add("/v1/models/{name}", v1.model, methods=["GET"])
    add("/v1/models/{name}/predict", v1.predict, methods=["POST"])
    add("/v2/health/live", v2.live, methods=["GET"])
    add("/v2/health/ready", v2.ready, methods=["GET"])
    add("/v2", v2.server, methods=["GET"])
    for base in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        add(base, v2.model, methods=["GET"])
        add(f"{base}/ready", v2.model_ready, methods=["GET"])
        add(f"{base}/infer", v2.infer, methods=["POST"])
    return app
