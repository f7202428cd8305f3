"""``POST /v1/feedback``: what is true about a picture that was answered."""

import asyncio
from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked
from starlette.requests import Request
from starlette.responses import Response

from sightline.errors import NotServed
from sightline.monitor.capture import now
from sightline.serve.plane import DataPlane
from sightline.serve.rest.body import Bodies
from sightline.serve.rest.refusals import Refusal, as_json
from sightline.values.boxes import Boxes
from sightline.values.captured import Captured, Truth

_STRICT = ConfigDict(extra="forbid", strict=True)
_MOST_OBJECTS = 1_000
_Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]


@checked(config=_STRICT, frozen=True, slots=True)
class _Object:
    label: str
    box: Annotated[list[_Number], Field(min_length=4, max_length=4)]


@checked(config=_STRICT, frozen=True, slots=True)
class _Told:
    id: str
    label: str | None = None
    objects: Annotated[list[_Object], Field(max_length=_MOST_OBJECTS)] | None = None


_TOLD = TypeAdapter(_Told)


class Feedback:
    """The endpoint; what it is told is on the disk before it says so."""

    def __init__(self, plane: DataPlane, bodies: Bodies) -> None:
        self._plane, self._bodies = plane, bodies

    async def tell(self, request: Request) -> Response:
        """Keep the truth about one answer."""
        async with self._bodies.read(request) as body:
            told = _read(body)
        recorder = self._plane.recorder
        answer = await asyncio.to_thread(recorder.find, told.id)
        truth = _truth(told, answer, str(request.state.fields["who"]))
        self._check(truth, answer.prediction.release)
        await asyncio.to_thread(recorder.tell, truth)
        return as_json({"id": told.id, "release": answer.prediction.release})

    def _check(self, truth: Truth, release: str) -> None:
        """A label that is misspelt would be counted as a mistake of the model ever after."""
        name = release.partition("@")[0]
        manifests = [each.predictor.manifest for each in self._plane.served if each.name == name]
        if not manifests:
            raise NotServed(f"no version of {name} is served here, so its classes are not known")
        own = [each for each in manifests if f"{name}@{each.version}" == release.partition("/")[0]]
        classes = (own or manifests)[0].contract.classes
        for label in truth.labels:
            if label not in classes:
                raise Refusal(
                    422, f"{name} has no class {label[:100]!r}; it has: {', '.join(classes)}"[:1000]
                )


def _read(body: bytes) -> _Told:
    try:
        told = _TOLD.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Refusal(422, f"the body is not as it should be: {where}: {first['msg']}"[:500]) from error
    if (told.label is None) == (told.objects is None):
        raise Refusal(422, "the truth is either a label or a list of objects")
    return told


def _truth(told: _Told, answer: Captured, who: str) -> Truth:
    boxes = answer.prediction.boxes
    if (boxes is None) != (told.objects is None):
        wanted = "a label" if boxes is None else "objects, of which there may be none"
        raise Refusal(422, f"the truth about an answer of {answer.prediction.release} is {wanted}")
    if told.objects is None:
        return Truth(told.id, now(), who, (str(told.label),))
    corners = np.array([each.box for each in told.objects], dtype=np.float64).reshape(-1, 4)
    try:
        true = Boxes(corners, answer.prediction.size)
    except ValueError as error:
        raise Refusal(422, str(error)) from error
    return Truth(told.id, now(), who, tuple(each.label for each in told.objects), true)
