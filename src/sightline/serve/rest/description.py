"""The API's own description: OpenAPI 3.1, and a page of it that needs nothing from elsewhere."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from jinja2 import Environment, PackageLoader, StrictUndefined

from sightline import __version__
from sightline.registry.permissions import may
from sightline.serve.rest.endpoints import Endpoint, Schema
from sightline.serve.rest.schemas import ERROR, JSON
from sightline.values.access import CALLERS

_PARAMETER = re.compile(r"\{(\w+)\}")


def document(endpoints: Sequence[Endpoint]) -> dict[str, object]:
    """``openapi.json``."""
    paths: dict[str, dict[str, object]] = {}
    for each in endpoints:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {"title": "sightline", "version": __version__},
        "paths": paths,
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}, {}],
    }


def page(endpoints: Sequence[Endpoint]) -> str:
    """The same for people."""
    pages = Environment(
        loader=PackageLoader("sightline.serve.rest"), autoescape=True, undefined=StrictUndefined
    )
    pages.globals["roles"] = lambda action: [each for each in CALLERS if may(each, action)]
    return pages.get_template("api.html.j2").render(endpoints=endpoints, version=__version__)


def _operation(endpoint: Endpoint) -> dict[str, object]:
    told: dict[str, object] = {
        "summary": endpoint.summary,
        "operationId": f"{endpoint.method.lower()} {endpoint.path}",
        "parameters": [
            *(_parameter(name, "path", {"type": "string"}) for name in _PARAMETER.findall(endpoint.path)),
            *(_parameter(name, "query", schema) for name, schema in endpoint.query.items()),
        ],
        "responses": {
            "200": {"description": "OK", "content": _content(endpoint.gives)},
            **{
                str(status): {
                    "description": HTTPStatus(status).phrase,
                    "content": _content({JSON: ERROR}),
                    **_headers(status),
                }
                for status in sorted({400, 401, 403, 503, *endpoint.refuses})
            },
        },
    }
    if endpoint.takes:
        told["requestBody"] = {"required": True, "content": _content(endpoint.takes)}
    return told


def _parameter(name: str, place: str, schema: Schema) -> dict[str, object]:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _content(schemas: Mapping[str, Schema]) -> dict[str, object]:
    return {kind: {"schema": schema} for kind, schema in schemas.items()}


def _headers(status: int) -> dict[str, object]:
    if status not in (429, 503):
        return {}
    return {"headers": {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}}
