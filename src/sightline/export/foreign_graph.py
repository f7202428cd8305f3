"""A strange ONNX file rewritten so that it takes pixels and gives what its task must; needs no torch.

In front comes all that its maker did to pixels: uint8 ``[N, H, W, 3]`` RGB to the file's own input. Behind it
outputs get their names, types and shapes. The number of pictures becomes free; whether the file takes more
than it was made for only shows when it runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper, numpy_helper, shape_inference
from pydantic import TypeAdapter

from sightline.errors import BundleError
from sightline.export.bare import bare
from sightline.values.contract import TensorSpec, task_outputs
from sightline.values.foreign import ForeignModel
from sightline.values.image import Size

INPUT = "input"
_PREFIX = "model/"
_OLDEST = 11
"""Operator set from which on all that is added here means the same."""
_FLOATS = {TensorProto.FLOAT: "float32", TensorProto.FLOAT16: "float16"}
_TYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What is done to a file: its description, with the real name of its input, and the size of pictures."""

    model: ForeignModel
    size: Size


def rewriting_to_json(rewriting: Rewriting) -> object:
    """What ``rewrite`` is told."""
    return TypeAdapter(Rewriting).dump_python(rewriting, mode="json")


def rewrite(told: object, file: bytes) -> bytes:
    """``file`` rewritten as ``rewriting_to_json`` told; to be called in a process that may die.

    Raises:
        BundleError: it cannot be; says why and what to do.
    """
    asked = TypeAdapter(Rewriting).validate_python(told)
    proto = _parsed(file)
    graph = proto.graph
    taken = next(each for each in graph.input if each.name == asked.model.input.name)
    kind = taken.type.tensor_type.elem_type
    shapes = {each.name: (each.type.tensor_type.elem_type, _dims(each)) for each in graph.output}
    _rename(graph)
    del graph.input[:]
    del graph.output[:]
    del graph.value_info[:]  # the shapes there are those of the old number of pictures
    front = _Part(graph)
    _add_front(front, asked, kind)
    back = _Part(graph)
    given = _add_back(back, asked.model, shapes)
    nodes = [*front.nodes, *graph.node, *back.nodes]
    del graph.node[:]
    graph.node.extend(nodes)
    size = asked.size
    graph.input.append(
        helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["N", size.height, size.width, 3])
    )
    for spec in given:
        graph.output.append(helper.make_tensor_value_info(spec.name, _TYPES[spec.dtype], list(spec.shape)))
    try:
        return bare(proto)
    except onnx.checker.ValidationError as error:
        raise BundleError(f"the file is no sound ONNX graph: {_line(error)}") from error


class _Part:
    """Nodes that are added to a graph, one after the other."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._count = len(graph.initializer)
        self.nodes: list[onnx.NodeProto] = []

    def add(self, kind: str, *inputs: str, **attributes: int | list[int]) -> str:
        """A node; the name of what it gives."""
        name = f"sightline/{self._count + len(self.nodes)}/{kind}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], None, None, None, None, **attributes))
        return name

    def constant(self, value: npt.NDArray[np.generic]) -> str:
        """A constant's name."""
        name = f"sightline/constant/{len(self._graph.initializer)}"
        self._graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def name(self, made: str, name: str) -> None:
        """Give what was made a name."""
        self.nodes.append(helper.make_node("Identity", [made], [name]))


def _parsed(file: bytes) -> onnx.ModelProto:
    try:
        proto = onnx.load_model_from_string(file)
        oldest = min(
            (each.version for each in proto.opset_import if each.domain in ("", "ai.onnx")), default=0
        )
        if oldest < _OLDEST:
            raise BundleError(
                f"the file uses operator set {oldest} of ONNX; {_OLDEST} or newer is needed: export it "
                "again, or raise it with onnx.version_converter"
            )
        return shape_inference.infer_shapes(proto)
    except DecodeError as error:
        raise BundleError(f"the file cannot be read as ONNX: {_line(error)}") from error
    except shape_inference.InferenceError as error:
        raise BundleError(f"the file's shapes contradict each other: {_line(error)}") from error


def _rename(graph: onnx.GraphProto) -> None:
    """Put the prefix before every name, also inside of loops and branches, which see the names around them.

    ``onnx.compose.add_prefix`` leaves the names of outer constants in them as they were.
    """
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        value.name = _PREFIX + value.name
    for sparse in graph.sparse_initializer:
        sparse.values.name = _PREFIX + sparse.values.name
    del graph.quantization_annotation[:]
    for node in graph.node:
        node.input[:] = [_PREFIX + each if each else each for each in node.input]
        node.output[:] = [_PREFIX + each if each else each for each in node.output]
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                _rename(inner)


def _add_front(part: _Part, asked: Rewriting, kind: int) -> None:
    taken, size = asked.model.input, asked.size
    made = INPUT
    if taken.channels == "BGR":
        made = part.add("Gather", made, part.constant(np.array([2, 1, 0], np.int64)), axis=3)
    if kind in _FLOATS:
        made = part.add("Cast", made, to=TensorProto.FLOAT)
        scale, shift = _scale_and_shift(asked.model)
        # As long as a row of the picture: where channels lie innermost, ONNX Runtime would work on three
        # numbers at a time, which takes many times as long.
        row = part.constant(np.array([0, size.height, size.width * 3], np.int64))
        made = part.add("Reshape", made, row)
        made = part.add("Mul", made, part.constant(np.tile(scale, size.width)))
        made = part.add("Add", made, part.constant(np.tile(shift, size.width)))
        back = part.constant(np.array([0, size.height, size.width, 3], np.int64))
        made = part.add("Reshape", made, back)
    elif kind != TensorProto.UINT8:
        raise BundleError(
            f"the file's input {taken.name!r} has elements of type {TensorProto.DataType.Name(kind)}; "
            "float32, float16 or uint8 can be imported"
        )
    if taken.layout == "NCHW":
        made = part.add("Transpose", made, perm=[0, 3, 1, 2])
    if kind == TensorProto.FLOAT16:
        made = part.add("Cast", made, to=kind)
    part.name(made, _PREFIX + taken.name)


def _scale_and_shift(model: ForeignModel) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """``(value * scale - mean) / std`` as one multiplication and one addition for each channel."""
    taken = model.input
    std = np.array(taken.std)
    return (
        (cast(float, taken.scale) / std).astype(np.float32),
        (-np.array(taken.mean) / std).astype(np.float32),
    )


Shapes = dict[str, tuple[int, list[int | None]]]


def _add_back(part: _Part, model: ForeignModel, shapes: Shapes) -> list[TensorSpec]:
    for ours, theirs in model.outputs.items():
        if theirs not in shapes:
            raise BundleError(
                f"the file has no output {theirs!r}, which the description calls {ours}; "
                f"it has: {', '.join(shapes) or 'none'}"
            )
    given = (
        _add_probabilities(part, model, shapes)
        if model.task == "classification"
        else _add_detections(part, model, shapes)
    )
    if "embedding" in model.outputs:
        made, shape = _flat(part, model, shapes, "embedding")
        part.name(made, "embedding")
        given.append(TensorSpec("embedding", "float32", ("N", _known(shape[-1], model, "embedding"))))
    return given


def _add_probabilities(part: _Part, model: ForeignModel, shapes: Shapes) -> list[TensorSpec]:
    which = "logits" if "logits" in model.outputs else "probabilities"
    made, shape = _flat(part, model, shapes, which)
    classes = _known(shape[-1], model, which)
    if classes != len(model.classes):
        raise BundleError(
            f"the file's output {model.outputs[which]!r} has {classes:,} numbers for each picture, the "
            f"description names {len(model.classes):,} classes"
        )
    if which == "logits":
        made = part.add("Softmax", made, axis=1)
    part.name(made, "probabilities")
    return list(task_outputs("classification", model.classes))


def _add_detections(part: _Part, model: ForeignModel, shapes: Shapes) -> list[TensorSpec]:
    """Rows from ``count`` on become zero, and their class -1, whatever the file has there."""
    wanted = {"boxes": 3, "scores": 2, "classes": 2}
    for ours, rank in wanted.items():
        found = shapes[model.outputs[ours]][1]
        if len(found) != rank or (ours == "boxes" and found[2] != 4):
            need = "[N, D, 4]" if ours == "boxes" else "[N, D]"
            raise BundleError(
                f"the file's output {model.outputs[ours]!r} has the shape {_words(found)}; {ours} must be "
                f"{need}: a detector must end in its detections after suppression"
            )
    rows = {_known(shapes[model.outputs[ours]][1][1], model, ours) for ours in wanted}
    if len(rows) != 1:
        raise BundleError(f"the file's boxes, scores and classes have {rows} rows; they must have as many")
    (most,) = rows
    count = part.add("Cast", _PREFIX + model.outputs["count"], to=TensorProto.INT64)
    count = part.add("Reshape", count, part.constant(np.array([-1], np.int64)))
    column = part.add("Reshape", count, part.constant(np.array([-1, 1], np.int64)))
    there = part.add("Less", part.constant(np.arange(most, dtype=np.int64)[None]), column)
    of_sides = part.add("Reshape", there, part.constant(np.array([-1, most, 1], np.int64)))
    zero = part.constant(np.array(0, np.float32))
    boxes = part.add("Cast", _PREFIX + model.outputs["boxes"], to=TensorProto.FLOAT)
    part.name(part.add("Where", of_sides, boxes, zero), "boxes")
    scores = part.add("Cast", _PREFIX + model.outputs["scores"], to=TensorProto.FLOAT)
    part.name(part.add("Where", there, scores, zero), "scores")
    classes = part.add("Cast", _PREFIX + model.outputs["classes"], to=TensorProto.INT64)
    part.name(part.add("Where", there, classes, part.constant(np.array(-1, np.int64))), "classes")
    part.name(count, "count")
    return [
        TensorSpec("boxes", "float32", ("N", most, 4)),
        TensorSpec("scores", "float32", ("N", most)),
        TensorSpec("classes", "int64", ("N", most)),
        TensorSpec("count", "int64", ("N",)),
    ]


def _flat(part: _Part, model: ForeignModel, shapes: Shapes, ours: str) -> tuple[str, list[int | None]]:
    """An output as float32 ``[N, D]``; also one that comes as ``[N, D, 1, 1]``."""
    theirs = model.outputs[ours]
    _, shape = shapes[theirs]
    if len(shape) < 2 or any(each != 1 for each in shape[2:]):
        raise BundleError(
            f"the file's output {theirs!r} has the shape {_words(shape)}; {ours} must be [N, D]"
        )
    made = part.add("Cast", _PREFIX + theirs, to=TensorProto.FLOAT)
    return (part.add("Flatten", made, axis=1) if len(shape) > 2 else made), shape[:2]


def _known(length: int | None, model: ForeignModel, ours: str) -> int:
    if length is None:
        raise BundleError(
            f"the file does not say how long its output {model.outputs[ours]!r} is; export it with that "
            "dimension fixed"
        )
    return length


def _dims(value: onnx.ValueInfoProto) -> list[int | None]:
    dims = value.type.tensor_type.shape.dim
    return [each.dim_value if each.HasField("dim_value") else None for each in dims]


def _words(shape: Sequence[int | None]) -> str:
    return f"[{', '.join('?' if each is None else str(each) for each in shape)}]"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
