"""A detector's file: decoding and non-maximum suppression behind the network.

The network gives candidates; the suppression is appended as ONNX operators, because the exporter cannot trace
what has as many rows as are found.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from sightline.export.onnx_file import EMBEDDING, Scaled, to_onnx
from sightline.train.arch.base import Found, Network
from sightline.train.suppression import clipped
from sightline.values.contract import Normalise, PixelRecipe, Suppression
from sightline.values.image import Size

if TYPE_CHECKING:
    from onnx import ModelProto

_BOXES, _SCORES = "candidate_boxes", "candidate_scores"


class PixelsToCandidates(nn.Module):
    """``network`` behind scaling; boxes are cut to the picture."""

    def __init__(self, network: Network, normalise: Normalise, size: Size) -> None:
        super().__init__()
        self.scaled = Scaled(normalise, size)
        self.network = network
        self.size = size

    def forward(self, input: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # noqa: A002  (the tensor's name in the file)
        """Boxes ``[N, A, 4]``, scores ``[N, A, C]`` and embedding ``[N, D]`` of uint8 pictures."""
        found: Found = self.network(self.scaled(input))
        return clipped(found.boxes, self.size), found.scores, found.embedding


def detector_file(model: PixelsToCandidates, pixels: PixelRecipe, classes: int, rule: Suppression) -> bytes:
    """The ONNX file, with the outputs of ``task_outputs`` for detection, and ``embedding``."""
    return to_onnx(
        model, pixels, (_BOXES, _SCORES, EMBEDDING), lambda proto: append_suppression(proto, classes, rule)
    )


def append_suppression(proto: "ModelProto", classes: int, rule: Suppression) -> None:
    """Replace the candidates among the outputs of ``proto`` by detections.

    ``candidate_boxes`` float32 ``[N, A, 4]`` and ``candidate_scores`` float32 ``[N, A, C]`` become
    ``boxes`` ``[N, D, 4]``, ``scores`` ``[N, D]``, ``classes`` int64 ``[N, D]`` and ``count`` int64
    ``[N]``.
    """
    from onnx import TensorProto, helper

    graph = proto.graph
    places = (
        next(each for each in graph.output if each.name == _BOXES).type.tensor_type.shape.dim[1].dim_value
    )
    most = min(rule.candidates, places * classes)
    nodes = _Nodes(proto)
    flat = nodes.add("Reshape", _SCORES, nodes.whole([0, -1]))
    value, pair = nodes.add_two("TopK", flat, nodes.whole([most]), axis=1, largest=1, sorted=1)
    place = nodes.add("Div", pair, nodes.whole(classes))
    number = nodes.add("Mod", pair, nodes.whole(classes))
    boxes = nodes.picked(_BOXES, place)
    # Each candidate counts for its own class alone, so that suppression goes class by class.
    ranks = nodes.whole(np.arange(classes).reshape(1, classes, 1))
    own = nodes.add("Equal", nodes.add("Unsqueeze", number, nodes.whole([1])), ranks)
    by_class = nodes.add("Where", own, nodes.add("Unsqueeze", value, nodes.whole([1])), nodes.real(0.0))
    kept = nodes.add(
        *("NonMaxSuppression", boxes, by_class, nodes.whole([rule.detections])),
        *(nodes.real([rule.iou]), nodes.real([rule.least_score])),
    )
    # Rows of (picture, class, candidate) become a mark at each kept candidate of its picture.
    at = nodes.add("Gather", kept, nodes.whole([0, 2]), axis=1)
    ones = nodes.add("Expand", nodes.real(1.0), nodes.add("Shape", at, start=0, end=1))
    marks = nodes.add("ScatterND", nodes.add("Sub", value, value), at, ones)
    scores = nodes.add("Mul", value, marks)
    if most < rule.detections:
        lack = rule.detections - most
        scores = nodes.add("Pad", scores, nodes.whole([0, 0, 0, lack]))
        number = nodes.add("Pad", number, nodes.whole([0, 0, 0, lack]))
        boxes = nodes.add("Pad", boxes, nodes.whole([0, 0, 0, 0, lack, 0]))
    best, row = nodes.add_two("TopK", scores, nodes.whole([rule.detections]), axis=1, largest=1, sorted=1)
    real = nodes.add("Greater", best, nodes.real(rule.least_score))
    nodes.add(
        *("Where", nodes.add("Unsqueeze", real, nodes.whole([2])), nodes.picked(boxes, row), nodes.real(0.0)),
        output="boxes",
    )
    nodes.add("Where", real, best, nodes.real(0.0), output="scores")
    nodes.add(
        *("Where", real, nodes.add("GatherElements", number, row, axis=1), nodes.whole(-1)), output="classes"
    )
    counted = nodes.add("Cast", real, to=TensorProto.INT64)
    nodes.add("ReduceSum", counted, nodes.whole([1]), keepdims=0, output="count")

    rest = [each for each in graph.output if each.name not in (_BOXES, _SCORES)]
    del graph.output[:]
    real_type, whole_type = TensorProto.FLOAT, TensorProto.INT64
    graph.output.extend(
        [
            helper.make_tensor_value_info("boxes", real_type, ["N", rule.detections, 4]),
            helper.make_tensor_value_info("scores", real_type, ["N", rule.detections]),
            helper.make_tensor_value_info("classes", whole_type, ["N", rule.detections]),
            helper.make_tensor_value_info("count", whole_type, ["N"]),
            *rest,
        ]
    )


class _Nodes:
    """Adds operators to a graph, each result under a name of its own."""

    def __init__(self, proto: "ModelProto") -> None:
        self._graph = proto.graph
        self._made = 0

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: int) -> str:
        """One operator with one result, whose name is returned."""
        return self._append(operator, inputs, [output or self._name()], attributes)[0]

    def add_two(self, operator: str, *inputs: str, **attributes: int) -> tuple[str, str]:
        """One operator with two results."""
        one, other = self._append(operator, inputs, [self._name(), self._name()], attributes)
        return one, other

    def picked(self, rows: str, indices: str) -> str:
        """``rows`` ``[N, R, K]`` at ``indices`` ``[N, D]``: ``[N, D, K]``."""
        return self.add("GatherND", rows, self.add("Unsqueeze", indices, self.whole([2])), batch_dims=1)

    def whole(self, numbers: object) -> str:
        """A constant of int64."""
        return self._constant(np.asarray(numbers, np.int64))

    def real(self, numbers: object) -> str:
        """A constant of float32."""
        return self._constant(np.asarray(numbers, np.float32))

    def _constant(self, array: npt.NDArray[np.int64] | npt.NDArray[np.float32]) -> str:
        from onnx import numpy_helper

        name = self._name()
        self._graph.initializer.append(numpy_helper.from_array(array, name))
        return name

    def _append(
        self, operator: str, inputs: tuple[str, ...], outputs: list[str], attributes: dict[str, int]
    ) -> list[str]:
        from onnx import helper

        node = helper.make_node(operator, list(inputs), outputs, outputs[0])
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self._graph.node.append(node)
        return outputs

    def _name(self) -> str:
        self._made += 1
        return f"suppression_{self._made}"
