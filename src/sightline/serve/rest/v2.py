"""The Open Inference Protocol, version 2.

Pictures come in two ways: ``image``, ``BYTES`` with files (then boxes are in the picture's own pixels), or
``input``, ``UINT8 [N, H, W, 3]`` of the model's size (then boxes are in its pixels). What comes out are the
model's own outputs; operating thresholds are not applied to them.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from starlette.requests import Request
from starlette.responses import Response

from sightline import __version__
from sightline.errors import SightlineError
from sightline.pixels.model_input import lifted
from sightline.serve.asked import Answered, Outcome, Picture, Row
from sightline.serve.loaded import Loaded
from sightline.serve.plane import DataPlane
from sightline.serve.rest import tensors
from sightline.serve.rest.body import Bodies
from sightline.serve.rest.refusals import Refusal, as_json, not_ready
from sightline.serve.rest.tensors import HEADER_LENGTH, Asking, Wanted
from sightline.values.boxes import Boxes
from sightline.values.contract import ModelContract
from sightline.values.prediction import Unanswered


class V2:
    """The endpoints under ``/v2``."""

    def __init__(self, plane: DataPlane, bodies: Bodies) -> None:
        self._plane, self._bodies = plane, bodies

    async def live(self, _: Request) -> Response:
        """Whether the process answers."""
        return as_json({"live": True})

    async def ready(self, _: Request) -> Response:
        """Whether inference requests would be answered."""
        if not self._plane.ready:
            raise not_ready("the server is not ready, or stopping")
        return as_json({"ready": True})

    async def server(self, _: Request) -> Response:
        """What the server is."""
        return as_json({"name": "sightline", "version": __version__, "extensions": ["binary_tensor_data"]})

    async def model(self, request: Request) -> Response:
        """A model's inputs and outputs."""
        loaded = self._found(request)
        versions = [str(each.version) for each in self._plane.served if each.name == loaded.name]
        contract = loaded.predictor.manifest.contract
        size = contract.pixels.size
        return as_json(
            {
                "name": loaded.name,
                "versions": versions,
                "platform": "sightline",
                "inputs": [
                    {"name": "image", "datatype": "BYTES", "shape": [-1]},
                    {"name": "input", "datatype": "UINT8", "shape": [-1, size.height, size.width, 3]},
                ],
                "outputs": [
                    {
                        "name": each.name,
                        "datatype": tensors.DATATYPES[each.dtype],
                        "shape": [side if isinstance(side, int) else -1 for side in each.shape],
                    }
                    for each in contract.outputs
                ],
            }
        )

    async def model_ready(self, request: Request) -> Response:
        """Whether a model would answer."""
        loaded = self._found(request)
        if not self._plane.ready:
            raise not_ready("the server is not ready, or stopping")
        return as_json({"name": loaded.name, "ready": True})

    async def infer(self, request: Request) -> Response:
        """A model's outputs."""
        loaded = self._found(request)
        self._plane.admit()
        contract = loaded.predictor.manifest.contract
        async with self._bodies.read(request) as body:
            length = request.headers.get(HEADER_LENGTH)
            asking = tensors.read(body, length, contract.pixels.size, self._plane.limits.queue)
            wanted = _outputs(asking, contract)
            pictures = [Picture(str(n), content) for n, content in enumerate(asking.contents)]
            outcomes = await self._plane.ask(loaded, pictures, asking.seconds)
        return _response(loaded, asking, wanted, _answered(outcomes))

    def _found(self, request: Request) -> Loaded:
        version = request.path_params.get("version")
        if version is not None and not (version.isascii() and version.isdigit() and len(version) < 10):
            raise Refusal(404, f"a version is a number, got {version[:40]!r}")
        return self._plane.find(request.path_params["name"], None if version is None else int(version))


def _outputs(asking: Asking, contract: ModelContract) -> tuple[Wanted, ...]:
    names = [each.name for each in contract.outputs]
    if asking.outputs is None:
        return tuple(Wanted(name, asking.binary) for name in names)
    for each in asking.outputs:
        if each.name not in names:
            raise Refusal(400, f"there is no output {each.name[:40]!r}; there are: {', '.join(names)}")
    if len({each.name for each in asking.outputs}) != len(asking.outputs):
        raise Refusal(400, "an output is asked for twice")
    return asking.outputs


def _answered(outcomes: Sequence[Outcome]) -> list[Answered]:
    found = []
    for number, outcome in enumerate(outcomes):
        if isinstance(outcome, SightlineError):
            raise outcome
        if isinstance(outcome, Unanswered):
            raise Refusal(422, f"picture {number}: {outcome.reason}")
        found.append(outcome)
    return found


def _response(
    loaded: Loaded, asking: Asking, wanted: Sequence[Wanted], answered: Sequence[Answered]
) -> Response:
    contract = loaded.predictor.manifest.contract
    files = isinstance(asking.contents[0], bytes)
    rows = [_in_picture(each, contract) if files else each.outputs for each in answered]
    arrays: dict[str, npt.NDArray[np.generic]] = {
        each.name: np.stack([row[each.name] for row in rows]) for each in wanted
    }
    head: dict[str, object] = {
        "model_name": loaded.name,
        "model_version": str(loaded.version),
        # Parameters are single values in the protocol, so the names are one text.
        "parameters": {"prediction_ids": ",".join(each.id for each in answered)},
    }
    if asking.id is not None:
        head["id"] = asking.id
    body, length = tensors.write(head, arrays, wanted)
    if length is None:
        return Response(body, media_type="application/json")
    return Response(body, headers={HEADER_LENGTH: str(length)}, media_type="application/octet-stream")


def _in_picture(answered: Answered, contract: ModelContract) -> Row:
    """The outputs with boxes in pixels of the upright picture."""
    if contract.task != "detection":
        return answered.outputs
    boxes, count = answered.outputs["boxes"], int(answered.outputs["count"])
    inside = Boxes(boxes[:count].astype(np.float64), contract.pixels.size)
    found = lifted(inside, contract.pixels, answered.prediction.size)
    moved = np.zeros_like(boxes)
    moved[:count] = found.xyxy
    return {**answered.outputs, "boxes": moved}
