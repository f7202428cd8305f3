"""Small ONNX files as others make them, and their descriptions."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper

CLASSES = ("red", "green", "blue")
SIDE = 8
MEAN, STD = (0.2, 0.3, 0.4), (0.5, 0.25, 0.125)
SCALE = 1 / 255


def serialised(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: dict[str, npt.NDArray[Any]],
    opset: int = 17,
) -> bytes:
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "theirs", inputs, outputs, weights)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    data: bytes = proto.SerializeToString()
    return data


def classifier(
    layout: str = "NCHW",
    kind: int = TensorProto.FLOAT,
    batch: int | str = "batch",
    ends: str = "logits",
    mixing: bool = False,
    opset: int = 17,
) -> bytes:
    """Logits: ten times the mean of each channel of the input ``input``; ``features`` are those means.

    Its tensors are called as sightline calls its own, to see that nothing is mixed up.
    """
    shape = [batch, 3, SIDE, SIDE] if layout == "NCHW" else [batch, SIDE, SIDE, 3]
    space = [2, 3] if layout == "NCHW" else [1, 2]
    nodes = [
        helper.make_node("Cast", ["input"], ["sightline/0/Cast"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["sightline/0/Cast"], ["mean"], axes=space, keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "two"], ["features"]),
        helper.make_node("Mul", ["mean", "ten"], ["scaled"]),
    ]
    if mixing:
        nodes.append(helper.make_node("ReduceMean", ["scaled"], ["of all"], axes=[0], keepdims=1))
        nodes.append(helper.make_node("Sub", ["scaled", "of all"], ["probabilities"]))
    else:
        nodes.append(helper.make_node("Identity", ["scaled"], ["probabilities"]))
    last = "probabilities"
    if ends == "probabilities":
        nodes.append(helper.make_node("Softmax", ["probabilities"], ["output"], axis=1))
        last = "output"
    return serialised(
        nodes,
        [helper.make_tensor_value_info("input", kind, shape)],
        [
            helper.make_tensor_value_info(last, TensorProto.FLOAT, [batch, 3]),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, [batch, 3, 1, 1]),
        ],
        {"ten": np.array(10, np.float32), "two": np.array([2, 3], np.int64)},
        opset,
    )


def detector(rank: int = 2, rows: int = 5, scores: tuple[float, float] = (0.75, 0.5)) -> bytes:
    """Two halves in every picture; what stands in rows beyond is rubbish, ``count`` is ``[N, 1]`` int32."""
    boxes = np.full((1, rows, 4), 3, np.float32)
    boxes[0, :2] = [[0, 2, 4, 6], [4, 2, 8, 6]]
    told = np.full((1, rows), 0.4, np.float32)
    told[0, :2] = scores
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "nothing"], ["zero"]),
        helper.make_node("Reshape", ["zero", "row"], ["zeros"]),
        helper.make_node("Reshape", ["zero", "table"], ["table of zeros"]),
        helper.make_node("Add", ["table of zeros", "the boxes"], ["det_boxes"]),
        helper.make_node("Add", ["zeros", "the scores"], ["det_scores"]),
        helper.make_node("Add", ["zeros", "the classes"], ["float classes"]),
        helper.make_node("Cast", ["float classes"], ["det_classes"], to=TensorProto.INT32),
        helper.make_node("Add", ["zeros", "found"], ["float count"]),
        helper.make_node("Cast", ["float count"], ["num_dets"], to=TensorProto.INT32),
    ]
    return serialised(
        nodes,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [
            helper.make_tensor_value_info("num_dets", TensorProto.INT32, ["n", 1]),
            helper.make_tensor_value_info(
                "det_boxes", TensorProto.FLOAT, ["n", rows, 4] if rank == 2 else ["n", rows * 4]
            ),
            helper.make_tensor_value_info("det_scores", TensorProto.FLOAT, ["n", rows]),
            helper.make_tensor_value_info("det_classes", TensorProto.INT32, ["n", rows]),
        ],
        {
            "nothing": np.array(0, np.float32),
            "row": np.array([-1, 1], np.int64),
            "table": np.array([-1, 1, 1], np.int64),
            "the boxes": boxes,
            "the scores": told,
            "the classes": np.array([[0, 1, *[7] * (rows - 2)]], np.float32),
            "found": np.array(2, np.float32),
        },
    )


def description(**changes: Any) -> dict[str, Any]:
    """Of ``classifier()``; a change of None leaves a field out, one of a mapping changes fields of it."""
    told: dict[str, Any] = {
        "task": "classification",
        "classes": list(CLASSES),
        "input": {"layout": "NCHW", "fit": "stretch", "scale": SCALE, "mean": [*MEAN], "std": [*STD]},
        "outputs": {"logits": "probabilities", "embedding": "features"},
        "source": "a workshop",
        "licence": "MIT",
    }
    return _changed(told, changes)


def of_detector(**changes: Any) -> dict[str, Any]:
    """Of ``detector()``."""
    told: dict[str, Any] = {
        "task": "detection",
        "classes": ["left", "right"],
        "input": {"layout": "NCHW", "fit": "letterbox", "scale": SCALE},
        "outputs": {
            "boxes": "det_boxes",
            "scores": "det_scores",
            "classes": "det_classes",
            "count": "num_dets",
        },
        "suppression": {"iou": 0.45, "least_score": 0.1},
    }
    return _changed(told, changes)


def _changed(told: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    for key, value in changes.items():
        if value is None:
            del told[key]
        elif isinstance(value, dict) and isinstance(told.get(key), dict):
            told[key] = _changed(told[key], value)
        else:
            told[key] = value
    return told


def written(folder: Path, model: bytes, told: dict[str, Any], name: str = "theirs") -> tuple[Path, Path]:
    """The file and its description."""
    file, words = folder / f"{name}.onnx", folder / f"{name}.yaml"
    file.write_bytes(model)
    words.write_text(yaml.safe_dump(told))
    return file, words
