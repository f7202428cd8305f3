"""Ways to compress: what each must give, and what int8 is careful about."""

from functools import cache

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from sightline.errors import BundleError
from sightline.export.classifier import PixelsToProbabilities, classifier_file
from sightline.export.compress import COMPRESSORS
from sightline.export.compress.base import Compressible
from sightline.export.detector import PixelsToCandidates, detector_file
from sightline.export.disagreement import disagreement
from sightline.export.onnx_file import contract
from sightline.infer.runtimes import RUNTIMES
from sightline.infer.runtimes.base import Arrays
from sightline.train.arch import ARCHITECTURES
from sightline.values.contract import Normalise, PixelRecipe, Suppression
from sightline.values.image import Pixels, Size

SIZE = Size(64, 64)
NORMALISE = Normalise((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
CLASSES = ("a", "b", "c")


def pictures(count: int, seed: int = 0) -> Pixels:
    """Smooth pictures: noise alone drives every activation to the same values."""
    dice = np.random.default_rng(seed)
    coarse = dice.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return np.ascontiguousarray(coarse.repeat(8, axis=1).repeat(8, axis=2))


@cache
def classifier(arch: str = "mobilenet_v2") -> bytes:
    """Untrained, but normalised to the pictures: else nothing of them would reach the end."""
    torch.manual_seed(0)
    network = ARCHITECTURES.load(arch).build("", len(CLASSES)).train()
    images = torch.from_numpy(pictures(32, seed=9)).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        for _ in range(30):
            network(images)
    return classifier_file(PixelsToProbabilities(network, NORMALISE, SIZE, 1.0), PixelRecipe(SIZE))


def answers(model: bytes, pixels: Pixels) -> Arrays:
    return RUNTIMES.load("onnxruntime").load(model, 1).run(pixels)


@pytest.fixture(scope="module", params=COMPRESSORS.names())
def prepared(request: pytest.FixtureRequest) -> tuple[bytes, Compressible]:
    full = classifier("small_resnet")
    return full, COMPRESSORS.load(request.param).prepare(full, [pictures(4), pictures(3, seed=1)])


def test_a_variant_takes_and_gives_the_same_tensors(prepared: tuple[bytes, Compressible]) -> None:
    full, compressible = prepared
    engine = RUNTIMES.load("onnxruntime")
    variant = compressible.compressed(())
    one, other = engine.load(full, 1), engine.load(variant, 1)
    assert (one.inputs, one.outputs) == (other.inputs, other.outputs)
    assert len(variant) < len(full)
    for count in (1, 5):
        assert other.run(pictures(count))["probabilities"].shape == (count, len(CLASSES))


def test_the_same_call_gives_the_same_bytes(prepared: tuple[bytes, Compressible]) -> None:
    _, compressible = prepared
    some = compressible.layers[1:3]
    assert compressible.compressed(some) == compressible.compressed(some)
    assert compressible.compressed(some) != compressible.compressed(())


def test_layers_are_the_graphs_and_keeping_all_changes_nothing(prepared: tuple[bytes, Compressible]) -> None:
    full, compressible = prepared
    names = [node.name for node in onnx.load_model_from_string(full).graph.node]
    assert [name for name in names if name in compressible.layers] == list(compressible.layers)
    whole = compressible.compressed(compressible.layers)
    one, other = (answers(file, pictures(6, seed=2)) for file in (full, whole))
    assert np.allclose(one["probabilities"], other["probabilities"], atol=0.05)


def test_a_model_without_layers_is_refused() -> None:
    same = onnx.helper.make_node("Identity", ["pixels"], ["out"], "same")
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [same], "g", [value("pixels", 2, ["N", 64, 64, 3])], [value("out", 2, ["N", 64, 64, 3])]
    )
    model = onnx.helper.make_model(graph, ir_version=10, opset_imports=[onnx.helper.make_opsetid("", 20)])
    for name in COMPRESSORS.names():
        with pytest.raises(BundleError, match="no layer with weights"):
            COMPRESSORS.load(name).prepare(model.SerializeToString(), [pictures(1)])


def test_int8_answers_like_the_full_model() -> None:
    full = classifier()
    int8 = COMPRESSORS.load("int8").prepare(full, [pictures(8)]).compressed(())
    one, other = ([answers(file, pictures(8, seed=3))] for file in (full, int8))
    apart = disagreement(one, other, contract("classification", CLASSES, PixelRecipe(SIZE), 1280))
    assert 0 < apart < 0.05


def test_int8_weights_have_a_scale_a_channel_and_the_last_layer_stays() -> None:
    compressible = COMPRESSORS.load("int8").prepare(classifier(), [pictures(2)])
    graph = onnx.load_model_from_string(compressible.compressed(())).graph
    arrays = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    restored = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert {node.name for node in convolutions} == set(compressible.layers)
    for node in convolutions:
        source = restored[node.input[1]]
        weights, scale = arrays[source.input[0]], arrays[source.input[1]]
        assert weights.dtype == np.int8
        assert scale.shape == (weights.shape[0],)
        assert np.abs(weights.astype(int)).max() == 127
    (last,) = (node for node in graph.node if node.op_type == "Gemm")
    assert arrays[last.input[1]].dtype == np.float32


def test_int8_leaves_pixels_and_decoding_as_they_are() -> None:
    torch.manual_seed(0)
    network = ARCHITECTURES.load("anchor_free").build("small", len(CLASSES))
    full = detector_file(
        PixelsToCandidates(network, NORMALISE, SIZE), PixelRecipe(SIZE), len(CLASSES), Suppression()
    )
    compressible = COMPRESSORS.load("int8").prepare(full, [pictures(2)])
    proto = onnx.load_model_from_string(compressible.compressed(()))
    onnx.checker.check_model(proto)
    around = {node.op_type for node in proto.graph.node}
    assert {"Exp", "NonMaxSuppression"} <= around
    made = {name: node for node in proto.graph.node for name in node.output}
    for node in proto.graph.node:
        if node.op_type in {"Exp", "Sigmoid", "NonMaxSuppression"}:
            assert all(made[name].op_type != "QuantizeLinear" for name in node.input if name in made)
    assert answers(compressible.compressed(()), pictures(1))["boxes"].shape == (1, 300, 4)


def test_a_kept_layer_computes_in_floating_point_in_the_runtime_too() -> None:
    """ONNX Runtime would compress it by itself; behind the guard it cannot."""
    full = classifier()
    compressible = COMPRESSORS.load("int8").prepare(full, [pictures(4)])
    graph = onnx.load_model_from_string(full).graph
    shapes = {each.name: each.dims for each in graph.initializer}
    depthwise = next(
        node.name for node in graph.node if node.op_type == "Conv" and shapes[node.input[1]][1] == 1
    )
    kept = onnx.load_model_from_string(compressible.compressed((depthwise,))).graph
    node = next(each for each in kept.node if each.name == depthwise)
    source = next(each for each in kept.node if node.input[0] in each.output)
    assert source.op_type == "Clip"
    assert node.input[1] in {each.name for each in kept.initializer}
