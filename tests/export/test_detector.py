"""The exported detector: suppression inside, the same answers, the same bytes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from sightline.errors import ParityError
from sightline.evaluate.detection_pairs import pair
from sightline.export.detector import PixelsToCandidates, append_suppression, detector_file
from sightline.export.detector_parity import (
    Candidates,
    Doubts,
    compare_answers,
    detector_parity,
    require_detector_parity,
)
from sightline.export.onnx_file import OPSET, contract
from sightline.infer.outputs.detection import detections
from sightline.infer.runtimes import RUNTIMES
from sightline.train.arch import ARCHITECTURES
from sightline.train.arch.base import Found
from sightline.train.suppression import suppress
from sightline.train.weights import split_arch
from sightline.values.boxes import Boxes
from sightline.values.contract import Normalise, PixelRecipe, Suppression
from sightline.values.image import Size
from sightline.values.objects import Detections, Objects

SIZE = Size(96, 64)
NORMALISE = Normalise((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))


def model(arch: str = "anchor_free", size: Size = SIZE, seed: int = 0) -> PixelsToCandidates:
    name, variant = split_arch(arch)
    torch.manual_seed(seed)
    network = ARCHITECTURES.load(name).build(variant, 3)
    if name == "anchor_free":
        # A fresh network gives every place nearly the same score; spread them, so that an order exists.
        for head in network.body.get_submodule("classes").children():
            nn.init.normal_(head.get_parameter("1.weight"), std=4.0)
            nn.init.constant_(head.get_parameter("1.bias"), float(seed))
    return PixelsToCandidates(network, NORMALISE, size).eval()


@pytest.fixture(scope="module")
def exported() -> bytes:
    """The file of ``model()``; an export takes seconds."""
    return detector_file(model(), PixelRecipe(SIZE), 3, Suppression())


def pictures(count: int, size: Size) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, size.height, size.width, 3), dtype=np.uint8)


def finds_the_same(network: PixelsToCandidates, exported: bytes) -> None:
    size, rule = network.size, Suppression()
    batch = pictures(5, size)
    truth = [
        Objects(Boxes.of([[2, 2, 30, 30]], size, "xyxy"), np.array([0]), np.array([False])) for _ in batch
    ]
    parity = require_detector_parity(detector_parity(network, exported, batch, "noise", 3, rule, 1, truth))
    # Each class at least once in each picture.
    assert parity.detections >= 15
    assert parity.matched + parity.borderline == parity.detections
    assert parity.max_score_difference < 1e-5
    assert parity.ap_difference is not None
    session = RUNTIMES.load("onnxruntime").load(exported, 1)
    width = int(session.outputs[-1].shape[-1])
    wanted = contract("detection", ("a", "b", "c"), PixelRecipe(size), width, rule)
    assert session.inputs == wanted.inputs
    assert session.outputs == wanted.outputs


def test_a_detector_finds_the_same_after_export(exported: bytes) -> None:
    finds_the_same(model(), exported)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["small", "timm/resnet10t"])
def test_another_backbone_finds_the_same_after_export(backbone: str) -> None:
    network = model(f"anchor_free/{backbone}", Size(64, 64))
    finds_the_same(network, detector_file(network, PixelRecipe(network.size), 3, Suppression()))


@pytest.mark.slow
def test_ssdlite_can_be_exported() -> None:
    size = Size(320, 320)
    network, rule = model("ssdlite", size), Suppression(least_score=0.2)
    exported = detector_file(network, PixelRecipe(size), 3, rule)
    answer = RUNTIMES.load("onnxruntime").load(exported, 1).run(pictures(2, size))
    with torch.inference_mode():
        boxes, scores, embedding = network(torch.from_numpy(pictures(2, size)))
    assert np.abs(answer["embedding"] - embedding.numpy()).max() < 1e-4
    # A fresh one gives thousands of equal scores, so what comes first is a matter of rounding.
    assert answer["count"].tolist() == [300, 300]
    assert float(answer["scores"].max()) == pytest.approx(float(scores.max()), abs=1e-5)
    assert boxes.min() >= 0
    assert boxes.max() <= 320


def candidates_only(places: int, classes: int) -> onnx.ModelProto:
    """A graph that hands its candidates on, as a network's file has them before its suppression."""
    real = onnx.TensorProto.FLOAT
    sides = {"boxes": 4, "scores": classes}
    infos = {
        name: [
            onnx.helper.make_tensor_value_info(f"{before}{name}", real, ["N", places, width])
            for name, width in sides.items()
        ]
        for name, before in (("in", "given_"), ("out", "candidate_"))
    }
    nodes = [onnx.helper.make_node("Identity", [f"given_{name}"], [f"candidate_{name}"]) for name in sides]
    graph = onnx.helper.make_graph(nodes, "candidates", infos["in"], infos["out"])
    return onnx.helper.make_model(graph, ir_version=10, opset_imports=[onnx.helper.make_opsetid("", OPSET)])


@pytest.mark.parametrize(
    "rule", [Suppression(), Suppression(0.3, 0.4, 20, 5), Suppression(0.5, 0.0, 500, 400)]
)
@pytest.mark.parametrize("seed", range(3))
def test_the_graphs_suppression_is_that_of_torch(rule: Suppression, seed: int) -> None:
    size = Size(100, 80)
    dice = np.random.default_rng(seed)
    low = dice.uniform(0, 60, (2, 50, 2))
    boxes = np.concatenate([low, low + dice.uniform(2, 20, (2, 50, 2))], axis=2).astype(np.float32)
    scores = dice.uniform(0, 1, (2, 50, 4)).astype(np.float32)
    scores[1] *= 0.3 * (seed > 0)
    proto = candidates_only(50, 4)
    append_suppression(proto, 4, rule)
    onnx.checker.check_model(proto)
    import onnxruntime

    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    values = session.run(None, {"given_boxes": boxes, "given_scores": scores})
    answer = dict(zip(names, values, strict=True))
    assert answer["boxes"].shape == (2, rule.detections, 4)
    wanted = suppress(Found(torch.tensor(boxes), torch.tensor(scores), torch.empty(2, 1), ()), size, rule)
    got = detections(answer, 4, size)
    for number, (one, other) in enumerate(zip(wanted, got, strict=True)):
        assert other is not None
        assert np.allclose(one.scores, other.scores)
        assert one.classes.tolist() == other.classes.tolist()
        assert np.allclose(one.boxes.xyxy, other.boxes.xyxy)
        assert (answer["classes"][number, len(other) :] == -1).all()
        assert not answer["scores"][number, len(other) :].any()
        assert not answer["boxes"][number, len(other) :].any()


def test_the_same_weights_give_the_same_bytes_and_no_path(exported: bytes) -> None:
    assert detector_file(model(), PixelRecipe(SIZE), 3, Suppression()) == exported
    assert b".py" not in exported


def test_another_networks_file_does_not_pass(exported: bytes) -> None:
    parity = detector_parity(model(seed=1), exported, pictures(2, SIZE), "noise", 3, Suppression(), 1)
    assert not parity.passes
    with pytest.raises(ParityError, match="no partner"):
        require_detector_parity(parity)
    with pytest.raises(ParityError):
        require_detector_parity(replace(parity, max_box_difference=1.0, matched=parity.detections))


def found(rows: list[tuple[float, float, float, float, int, float]]) -> Detections:
    table = np.array(rows, np.float64).reshape(-1, 6)
    return Detections(Boxes(table[:, :4], Size(100, 100)), table[:, 4].astype(np.int64), table[:, 5])


def test_each_detection_stands_in_one_pair() -> None:
    one = found([(0, 0, 10, 10, 0, 0.9), (0, 0, 10, 10, 0, 0.9), (5, 5, 9, 9, 1, 0.5)])
    other = found([(0, 0, 10, 10.01, 0, 0.9), (5, 5, 9, 9, 0, 0.5)])
    pairs = pair(one, other, 0.05, 1e-4)
    assert len(pairs.ours) == 1
    assert pairs.theirs.tolist() == [0]


def doubts(
    boxes: Sequence[Sequence[float]], scores: list[float], rule: Suppression
) -> set[tuple[float, ...]]:
    given = Candidates(torch.tensor(boxes), torch.tensor(scores)[:, None], rule)
    return {tuple(row) for row in Doubts.of(given).boxes.xyxy.tolist()}


def test_what_rounding_decides_is_doubtful_and_nothing_else() -> None:
    rule = Suppression(0.6, 0.1)
    boxes: list[list[float]] = [
        [0.0, 0, 10, 10],
        [50, 50, 60, 60],
        [0, 0, 10, 6.0],
        [80, 80, 90, 90],
        [0, 0, 10, 5.5],
    ]
    # At the least score; at the suppression threshold; and what that one would suppress.
    assert doubts(boxes, [0.9, 0.10005, 0.8, 0.5, 0.4], rule) == {
        (50, 50, 60, 60),
        (0, 0, 10, 6),
        (0, 0, 10, 5.5),
    }
    # Two of one class on one place and with one score: either may suppress the other.
    twins: list[list[float]] = [[0.0, 0, 10, 10], [0, 0, 10, 9.5], [40, 40, 60, 60]]
    assert doubts(twins, [0.7, 0.7000001, 0.7], rule) == {(0, 0, 10, 10), (0, 0, 10, 9.5)}


def test_the_other_of_two_ties_is_borderline_and_a_moved_box_is_a_difference() -> None:
    rule = Suppression(0.6, 0.1)
    boxes = torch.tensor([[0.0, 0, 10, 10], [0.3, 0, 10, 10], [40, 40, 60, 60]])
    given = Candidates(boxes, torch.tensor([[0.7], [0.7], [0.5]]), rule)
    one = found([(0, 0, 10, 10, 0, 0.7), (40, 40, 60, 60, 0, 0.5)])
    tied = found([(0.3, 0, 10, 10, 0, 0.7), (40, 40, 60, 60, 0, 0.5)])
    parity = compare_answers(one, tied, given)
    assert (parity.detections, parity.matched, parity.borderline) == (3, 1, 2)
    assert max(parity.score, parity.box) < 1e-6
    moved = compare_answers(one, found([(0, 0, 10, 10, 0, 0.7), (40.4, 40, 60, 60, 0, 0.5)]), given)
    assert (moved.detections, moved.matched, moved.borderline) == (2, 2, 0)
    assert moved.box == pytest.approx(0.4)
    lacking = compare_answers(one, found([(0, 0, 10, 10, 0, 0.7)]), given)
    assert (lacking.detections, lacking.matched, lacking.borderline) == (2, 1, 0)


def test_beyond_a_cut_only_real_candidates_are_borderline() -> None:
    dice = np.random.default_rng(0)
    low = dice.uniform(0, 90, (3_000, 2))
    boxes = torch.tensor(np.hstack([low, low + 5]), dtype=torch.float32)
    given = Candidates(boxes, torch.full((3_000, 1), 0.5), Suppression())
    nothing = found([])
    real = found([(*boxes[-1].tolist(), 0, 0.5)])
    assert compare_answers(nothing, real, given).borderline == 1
    assert compare_answers(nothing, found([(1, 2, 99, 98, 0, 0.5)]), given).borderline == 0
    assert compare_answers(nothing, found([(*boxes[-1].tolist(), 0, 0.6)]), given).borderline == 0


def test_what_a_doubtful_one_pushes_out_of_a_full_answer_is_borderline() -> None:
    rule = Suppression(0.6, 0.1, candidates=10, detections=3)
    boxes = [
        (0.0, 0.0, 10.0, 10.0),
        (0.0, 0.0, 10.0, 6.0),
        (40.0, 40.0, 60.0, 60.0),
        (70.0, 70.0, 90.0, 90.0),
    ]
    scores = [0.9, 0.8, 0.7, 0.5]
    given = Candidates(torch.tensor(boxes, dtype=torch.float32), torch.tensor(scores)[:, None], rule)
    rows = [(*box, 0, score) for box, score in zip(boxes, scores, strict=True)]
    # An overlap of 0.6 is at the limit: where the second survives, the fourth is one too many.
    parity = compare_answers(found([rows[0], *rows[2:4]]), found(rows[:3]), given)
    assert (parity.detections, parity.matched, parity.borderline) == (4, 2, 2)
    # An answer that is not full has nothing to push out with.
    parity = compare_answers(found([rows[0], *rows[2:4]]), found([rows[0], rows[2]]), given)
    assert (parity.matched, parity.borderline) == (2, 0)
