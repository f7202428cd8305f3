"""sightline's own API: pictures in, labels and boxes in the picture's own pixels out."""

from starlette.requests import Request
from starlette.responses import Response

from sightline.errors import SightlineError
from sightline.infer.writing import as_object
from sightline.serve.asked import Answered, Outcome, Picture
from sightline.serve.loaded import Loaded
from sightline.serve.plane import DataPlane
from sightline.serve.rest.body import Bodies
from sightline.serve.rest.pictures import media_type, sent
from sightline.serve.rest.refusals import Refusal, as_json
from sightline.values.prediction import Unanswered


class V1:
    """The endpoints under ``/v1``."""

    def __init__(self, plane: DataPlane, bodies: Bodies) -> None:
        self._plane, self._bodies = plane, bodies

    async def models(self, _: Request) -> Response:
        """What is served."""
        return as_json({"models": [about(each) for each in self._plane.served]})

    async def model(self, request: Request) -> Response:
        """One model."""
        return as_json(about(self._plane.find(request.path_params["name"], version_of(request))))

    async def predict(self, request: Request) -> Response:
        """Answers about one picture or several."""
        loaded = self._plane.find(request.path_params["name"], version_of(request))
        self._plane.admit()
        seconds = timeout_of(request)
        async with self._bodies.read(request) as body:
            got = await sent(media_type(request.headers), request.headers, body, self._plane.limits.queue)
            outcomes = await self._plane.ask(loaded, got.pictures, seconds)
        if got.alone:
            return _only(outcomes[0])
        return as_json({"answers": [_told(each) for each in zip(got.pictures, outcomes, strict=True)]})


def version_of(request: Request) -> int | None:
    """The ``version`` that the query names. Raises ``Refusal``."""
    return _number(request, "version", 10**9)


def timeout_of(request: Request) -> float | None:
    """The seconds that the query's ``timeout_ms`` allows. Raises ``Refusal``."""
    milliseconds = _number(request, "timeout_ms", 10**7)
    return milliseconds / 1000 if milliseconds else None


def _number(request: Request, name: str, most: int) -> int | None:
    # Most requests have no query.
    if not request.scope["query_string"] or (text := request.query_params.get(name)) is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12 and 1 <= int(text) <= most):
        raise Refusal(422, f"{name} is a whole number from 1 to {most}, got {text[:40]!r}")
    return int(text)


def about(loaded: Loaded) -> dict[str, object]:
    """What a caller needs to know of a model."""
    manifest = loaded.predictor.manifest
    contract = manifest.contract
    return {
        "name": loaded.name,
        "version": loaded.version,
        "release": loaded.predictor.release,
        "task": contract.task,
        "classes": list(contract.classes),
        "thresholds": dict(manifest.thresholds),
        "input": {
            "width": contract.pixels.size.width,
            "height": contract.pixels.size.height,
            "fit": contract.pixels.fit,
        },
        "metrics": {
            name: {"value": each.value, "low": each.low, "high": each.high}
            for name, each in manifest.metrics.items()
        },
    }


def _only(outcome: Outcome) -> Response:
    if isinstance(outcome, Unanswered):
        raise Refusal(422, outcome.reason)
    return as_json(_object(outcome))


def _told(pair: tuple[Picture, Outcome]) -> dict[str, object]:
    picture, outcome = pair
    if isinstance(outcome, Unanswered):
        return {"source": picture.source, "error": outcome.reason}
    return _object(outcome)


def _object(outcome: Answered | SightlineError) -> dict[str, object]:
    if isinstance(outcome, SightlineError):
        raise outcome
    return {"id": outcome.id} | as_object(outcome.prediction)
