"""Static 8-bit integers: uint8 activations, int8 weights with a scale a channel, as QDQ operators.

Jacob et al. 2018 for the arithmetic, Krishnamoorthi 2018 for a scale a channel; ONNX Runtime's own
quantiser does the work.

Only what lies between the first and the last layers with weights is compressed. Before them pixels are
scaled; the last ones, after which no other comes, give logits and distances, from which probabilities are
made and boxes decoded. There a step of 8 bits would cost more than it saves.

ONNX Runtime from 1.21 on compresses a layer that was left in floating point by itself where its neighbours
are in 8 bits, with one scale for all its weights (its optimiser ``WeightBiasQuantization``). On a
MobileNetV2 detector whose first depthwise layer is kept, that took AP50 from 0.77 to 0.05. Such a layer's
input therefore goes through an operator that changes nothing and that no optimiser takes away.
"""

import math
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QDQQuantizer,
    QuantType,
    create_calibrator,
)

from sightline.errors import BundleError
from sightline.export.bare import bare
from sightline.export.compress.base import Compressible
from sightline.export.onnx_file import INPUT
from sightline.values.image import Pixels

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto
    from onnxruntime.quantization import TensorsData

TITLE = "8-bit integers"

_LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
_BETWEEN = frozenset(
    {
        *("Add", "AveragePool", "Clip", "Concat", "Flatten", "GlobalAveragePool", "MaxPool", "Pad", "Relu"),
        *("Reshape", "Resize", "Squeeze", "Transpose", "Unsqueeze"),
    }
)
"""What can stay in 8 bits between two layers; anything else there works in floating point."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """A model with the range of every tensor in it; ``outside`` are the nodes that are never compressed."""

    proto: "ModelProto"
    ranges: "TensorsData"
    layers: tuple[str, ...]
    sizes: Mapping[str, int]
    outside: tuple[str, ...]

    def compressed(self, kept: Collection[str]) -> bytes:
        """As ``Compressible``."""
        import onnx

        copy = onnx.ModelProto()
        copy.CopyFrom(self.proto)
        quantiser = QDQQuantizer(
            copy,
            per_channel=True,
            reduce_range=False,
            weight_qType=QuantType.QInt8,
            activation_qType=QuantType.QUInt8,
            tensors_range=self.ranges,
            nodes_to_quantize=[],
            nodes_to_exclude=[*self.outside, *kept],
            op_types_to_quantize=sorted(_LAYERS | _BETWEEN),
            extra_options={},
        )
        quantiser.quantize_model()
        _guard(quantiser.model.model.graph, {*self.outside, *kept})
        quantiser.model.topological_sort()
        return bare(quantiser.model.model)


def prepare(model: bytes, calibration: Iterable[Pixels]) -> Compressible:
    """Find the least and the greatest value of every tensor over all ``calibration`` pictures."""
    import onnx

    proto = onnx.load_model_from_string(model)
    last = set(_last(proto.graph))
    layers = tuple(
        node.name for node in proto.graph.node if node.op_type in _LAYERS and node.name not in last
    )
    names = {node.name for node in proto.graph.node}
    if not layers or len(names) != len(proto.graph.node):
        raise BundleError(
            "there is no layer with weights to compress before the last one, or two nodes have the same name"
        )
    with tempfile.TemporaryDirectory(prefix="sightline-int8-") as folder:
        plain, marked = Path(folder, "model.onnx"), Path(folder, "marked.onnx")
        plain.write_bytes(model)
        calibrator = create_calibrator(
            plain,
            sorted(_LAYERS | _BETWEEN),
            augmented_model_path=str(marked),
            calibrate_method=CalibrationMethod.MinMax,
        )
        calibrator.collect_data(_Reader(calibration))
        ranges = calibrator.compute_data()
    outside = tuple(_outside(proto.graph, set(layers)))
    return Calibrated(proto, ranges, layers, dict(_sizes(proto, layers)), outside)


def _sizes(proto: "ModelProto", layers: Collection[str]) -> Iterator[tuple[str, int]]:
    """The numbers that each layer reads and writes for one picture; a free dimension counts as one."""
    import onnx

    graph = onnx.shape_inference.infer_shapes(proto).graph
    numbers = {
        value.name: math.prod(max(1, each.dim_value) for each in value.type.tensor_type.shape.dim)
        for value in (*graph.value_info, *graph.input, *graph.output)
    }
    for node in graph.node:
        if node.name in layers:
            yield node.name, numbers.get(node.input[0], 1) + numbers.get(node.output[0], 1)


def _guard(graph: "GraphProto", kept: Collection[str]) -> None:
    """Keep ONNX Runtime from compressing the layers that were left as they are."""
    from onnx import helper, numpy_helper

    restored = {node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    guarded = [
        node
        for node in graph.node
        if node.op_type in _LAYERS and node.name in kept and node.input[0] in restored
    ]
    if not guarded:
        return
    lowest = numpy_helper.from_array(np.array(np.finfo(np.float32).min), "lowest")
    graph.initializer.append(lowest)
    for node in guarded:
        same = f"{node.name}_input"
        graph.node.append(helper.make_node("Clip", [node.input[0], lowest.name], [same], same))
        node.input[0] = same


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # the library has no types
    """Batches in the form that ONNX Runtime's calibrators ask for."""

    def __init__(self, batches: Iterable[Pixels]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> dict[str, Pixels] | None:
        """The next batch; None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: np.ascontiguousarray(batch)}


def _last(graph: "GraphProto") -> Iterator[str]:
    """Layers behind which no other comes."""
    above = set[str]()
    for node in reversed(graph.node):
        if above.intersection(node.output):
            above.update(node.input)
        elif node.op_type in _LAYERS:
            above.update(node.input)
            yield node.name


def _outside(graph: "GraphProto", layers: Collection[str]) -> Iterator[str]:
    """Nodes that do not lie on a way from one of ``layers`` to another, and are none themselves."""
    below, above = set[str](), set[str]()
    for node in graph.node:
        if node.name in layers or below.intersection(node.input):
            below.update(node.output)
    for node in reversed(graph.node):
        if node.name in layers or above.intersection(node.output):
            above.update(node.input)
    for node in graph.node:
        between = below.intersection(node.input) and above.intersection(node.output)
        if node.name not in layers and not between:
            yield node.name
