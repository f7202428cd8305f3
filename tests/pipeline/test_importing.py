"""A model that was trained elsewhere becomes a release."""

import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("onnx", reason="the extra onnx is not installed")

import onnx
from onnx import TensorProto, helper

from foreign_models import (
    CLASSES,
    MEAN,
    SCALE,
    SIDE,
    STD,
    classifier,
    description,
    detector,
    of_detector,
    written,
)
from sightline import Workspace
from sightline.bundle.reference import read_reference
from sightline.data.importing import ImportOptions
from sightline.errors import BundleError, InputError, ParityError, RegistryError, SightlineError
from sightline.infer.predictor import Predictor
from sightline.pipeline.importing import ForeignOptions
from sightline.values.evaluation import DetectionParity
from sightline.values.foreign import ImportRecipe
from sightline.values.prediction import Prediction
from sightline.values.release import Bundle

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "shop")


def imported(workspace: Workspace, model: bytes, told: dict[str, Any], **options: Any) -> Bundle:
    file, words = written(workspace.root, model, told)
    released = workspace.import_model(file, words, ForeignOptions("theirs", **options))
    return workspace.bundle(str(released.release))


def pictures(count: int = 3) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def expected(pixels: npt.NDArray[np.uint8], channels: str = "RGB", plain: bool = False) -> Any:
    """The probabilities that its maker would get."""
    values = pixels[..., ::-1] if channels == "BGR" else pixels
    prepared = values if plain else (values * SCALE - np.array(MEAN)) / np.array(STD)
    logits = 10 * prepared.mean(axis=(1, 2))
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("channels", "layout", "kind"),
    [
        ("RGB", "NCHW", TensorProto.FLOAT),
        ("BGR", "NHWC", TensorProto.FLOAT),
        ("BGR", "NCHW", TensorProto.FLOAT16),
        ("RGB", "NHWC", TensorProto.UINT8),
        ("BGR", "NCHW", TensorProto.UINT8),
    ],
)
def test_pixels_in_its_makers_answers_out(
    workspace: Workspace, channels: str, layout: str, kind: int
) -> None:
    plain = kind == TensorProto.UINT8
    told = description(
        input={
            "channels": channels,
            "layout": layout,
            **({"scale": None, "mean": None, "std": None} if plain else {}),
        }
    )
    bundle = imported(workspace, classifier(layout, kind), told)
    predictor = Predictor(bundle, threads=1)
    tolerance = 2e-2 if kind == TensorProto.FLOAT16 else 1e-5
    assert predictor.probabilities(pictures()) == pytest.approx(
        expected(pictures(), channels, plain), abs=tolerance
    )
    assert predictor.embeddings(pictures()).shape == (3, 3)
    assert bundle.manifest.contract.inputs[0].shape == ("N", SIDE, SIDE, 3)


def test_the_release_says_where_it_comes_from(workspace: Workspace) -> None:
    bundle = imported(workspace, classifier(), description(thresholds={"red": 0.4}))
    recipe = bundle.manifest.recipe
    assert isinstance(recipe, ImportRecipe)
    assert (recipe.file, recipe.model.input.name, recipe.model.input.width) == ("theirs.onnx", "input", SIDE)
    assert bundle.manifest.thresholds == {"red": 0.4}
    assert bundle.manifest.licences["model file theirs.onnx"] == "MIT"
    for words in ("It was trained elsewhere", "a workshop", "Nothing was held out"):
        assert words in bundle.card
    release = workspace.registry.get("theirs")
    assert release.stage == "production"
    with pytest.raises(InputError, match="trained elsewhere"):
        workspace.compress("theirs")
    again = imported(workspace, classifier(), description())
    assert again.manifest.parents == ("theirs@1",)
    with pytest.raises(RegistryError, match="imported without pictures"):
        workspace.compare("theirs@2")


def test_a_model_without_an_embedding_is_released_without_one(workspace: Workspace) -> None:
    bundle = imported(workspace, classifier(), description(outputs={"embedding": None}))
    assert [each.name for each in bundle.manifest.contract.outputs] == ["probabilities"]
    assert "none, so less of it can be monitored" in bundle.card
    with pytest.raises(BundleError, match="no output 'embedding'"):
        Predictor(bundle, threads=1).embeddings(pictures())


def test_its_own_probabilities_are_taken_as_they_are(workspace: Workspace) -> None:
    told = description(outputs={"logits": None, "probabilities": "output"})
    bundle = imported(workspace, classifier(ends="probabilities"), told)
    assert Predictor(bundle, threads=1).probabilities(pictures()) == pytest.approx(
        expected(pictures()), abs=1e-5
    )


def test_a_file_for_one_picture_that_can_take_more_takes_more(workspace: Workspace) -> None:
    bundle = imported(workspace, classifier(batch=1), description())
    assert Predictor(bundle, threads=1).probabilities(pictures(5)) == pytest.approx(
        expected(pictures(5)), abs=1e-5
    )


def test_a_branch_that_uses_what_lies_around_it(workspace: Workspace) -> None:
    """As exporters write loops over boxes: names of outer tensors and of outer constants."""
    proto = onnx.load_model_from_string(classifier())
    graph = proto.graph
    branches = {
        "then_branch": helper.make_node("Mul", ["probabilities", "ten"], ["inner"]),
        "else_branch": helper.make_node("Div", ["probabilities", "ten"], ["inner"]),
    }
    inner = helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)
    made = {name: helper.make_graph([node], name, [], [inner]) for name, node in branches.items()}
    graph.initializer.append(onnx.numpy_helper.from_array(np.array(False), "which"))
    graph.node.append(helper.make_node("If", ["which"], ["chosen"], **made))
    graph.output.append(helper.make_tensor_value_info("chosen", TensorProto.FLOAT, ["batch", 3]))
    bundle = imported(workspace, proto.SerializeToString(), description(outputs={"logits": "chosen"}))
    given = Predictor(bundle, threads=1).probabilities(pictures())
    logits = np.log(expected(pictures())) / 10
    raised = np.exp(logits)
    assert given == pytest.approx(raised / raised.sum(axis=1, keepdims=True), abs=1e-5)


def test_a_file_that_fixes_no_size_takes_the_descriptions(workspace: Workspace) -> None:
    proto = onnx.load_model_from_string(classifier())
    for dimension in proto.graph.input[0].type.tensor_type.shape.dim:
        dimension.Clear()
    with pytest.raises(BundleError, match="the description must say input: width"):
        imported(workspace, proto.SerializeToString(), description())
    told = description(input={"width": SIDE, "height": SIDE})
    bundle = imported(workspace, proto.SerializeToString(), told)
    assert Predictor(bundle, threads=1).probabilities(pictures()) == pytest.approx(
        expected(pictures()), abs=1e-5
    )


def test_a_detector_with_its_own_names_and_types(workspace: Workspace) -> None:
    bundle = imported(workspace, detector(), of_detector(thresholds={"right": 0.6}))
    contract = bundle.manifest.contract
    assert contract.suppression is not None
    assert (contract.suppression.iou, contract.suppression.detections) == (0.45, 5)
    assert bundle.manifest.thresholds == {"left": 0.5, "right": 0.6}
    predictor = Predictor(bundle, threads=1)
    outputs = predictor.run(pictures(2))
    assert outputs["count"].tolist() == [2, 2]
    assert outputs["classes"][0].tolist() == [0, 1, -1, -1, -1]
    assert not outputs["boxes"][:, 2:].any()
    assert not outputs["scores"][:, 2:].any()
    (answer,) = predictor.answer([predictor.prepare("one", _png(16, 8))])
    assert isinstance(answer, Prediction)
    assert [each.label for each in answer.labels] == ["left"]
    assert answer.boxes is not None
    assert answer.boxes.xyxy.tolist() == [[0.0, 0.0, 8.0, 8.0]]


def reference(path: Path, changes: float = 0.0, **arrays: Any) -> Path:
    pixels = pictures(6)
    logits = (
        10 * ((pixels * SCALE - np.array(MEAN)) / np.array(STD)).mean(axis=(1, 2)) + changes * np.eye(3)[0]
    )
    given = {"pictures": pixels, "probabilities": logits, "features": logits[:, :, None, None] / 10, **arrays}
    np.savez(path, **{name: array for name, array in given.items() if array is not None})
    return path


def test_parity_is_measured_where_reference_outputs_are_given(workspace: Workspace, tmp_path: Path) -> None:
    bundle = imported(workspace, classifier(), description(), reference=reference(tmp_path / "r.npz"))
    parity = bundle.manifest.parity
    assert parity is not None
    assert parity.passes
    assert (parity.pictures, parity.max_score_difference < 1e-5) == (6, True)
    assert "same class as\nthe original 6 times" in bundle.card


@pytest.mark.parametrize(
    ("told", "changes"),
    [
        (description(input={"channels": "BGR"}), 0.0),
        (description(input={"mean": [0.0, 0.0, 0.0]}), 0.0),
        (description(input={"scale": 1.0}), 0.0),
        (description(), 0.2),
    ],
)
def test_a_wrong_description_is_found_by_the_reference_outputs(
    workspace: Workspace, tmp_path: Path, told: dict[str, Any], changes: float
) -> None:
    with pytest.raises(ParityError, match=r"does not answer as r\.npz says"):
        imported(workspace, classifier(), told, reference=reference(tmp_path / "r.npz", changes))
    assert workspace.releases() == ()


@pytest.mark.parametrize(
    ("scores", "passes"), [((0.75, 0.5), True), ((0.75, 0.4), False), ((0.75, 0.505), False)]
)
def test_parity_of_a_detector(
    workspace: Workspace, tmp_path: Path, scores: tuple[float, float], passes: bool
) -> None:
    boxes = np.zeros((2, 5, 4), np.float32)
    boxes[:, :2] = [[0, 2, 4, 6], [4, 2, 8, 6]]
    told = np.zeros((2, 5), np.float32)
    told[:, :2] = scores
    classes = np.full((2, 5), -1)
    classes[:, :2] = (0, 1)
    path = tmp_path / "r.npz"
    np.savez(
        path,
        pictures=pictures(2),
        det_boxes=boxes,
        det_scores=told,
        det_classes=classes,
        num_dets=np.full((2, 1), 2),
    )
    if not passes:
        with pytest.raises(ParityError, match="does not answer"):
            imported(workspace, detector(), of_detector(), reference=path)
        return
    parity = imported(workspace, detector(), of_detector(), reference=path).manifest.parity
    assert isinstance(parity, DetectionParity)
    assert (parity.detections, parity.matched, parity.passes) == (4, 4, True)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"features": None}, "no array 'features'"),
        ({"pictures": np.zeros((6, 4, 4, 3), np.uint8)}, "pictures must be uint8"),
        ({"features": np.zeros((6, 2))}, "does not fit 6 pictures"),
        ({"features": np.array([object()])}, "cannot be read"),
    ],
)
def test_reference_outputs_that_cannot_be_used(
    workspace: Workspace, tmp_path: Path, arrays: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        imported(workspace, classifier(), description(), reference=reference(tmp_path / "r.npz", **arrays))
    (tmp_path / "not.npz").write_bytes(b"PK not a zip")
    with pytest.raises(InputError, match="cannot be read"):
        imported(workspace, classifier(), description(), reference=tmp_path / "not.npz")


def test_labelled_pictures_give_its_figures(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    for number, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for dark in range(6):
            colour = [20, 20, 20]
            colour[number] = 250 - dark
            (folder / name / f"{dark}.png").write_bytes(_png(12, 10, *colour))
    told = description(input={"mean": [0, 0, 0], "std": [1, 1, 1]})
    bundle = imported(workspace, classifier(), told, pictures=folder)
    assert bundle.manifest.metrics["top1"].value == 1
    reference = read_reference(bundle.reference)
    assert reference.scores.shape == reference.embeddings.shape == (18, 3)
    assert "that were given when it was imported" in bundle.card
    imported(workspace, classifier(), told, pictures=folder, imports=ImportOptions(include="*.png"))
    compared = workspace.compare("theirs@2")
    assert compared is not None
    assert (compared.pictures, compared.difference.value) == (18, 0)


@pytest.mark.parametrize(
    ("model", "told", "words"),
    [
        (classifier(), description(outputs={"logits": "y"}), "has no output 'y'"),
        (classifier(), description(classes=["red", "green"]), "3 numbers for each picture"),
        (classifier(), description(input={"name": "x"}), "must have one input 'x', it has input"),
        (classifier(), description(input={"layout": "NHWC"}), "is not NHWC with 3 channels"),
        (classifier(), description(input={"width": 9}), "of width 8, the description says 9"),
        (classifier(), description(input={"scale": None}), "must say scale"),
        (classifier(kind=TensorProto.UINT8), description(), "must not have a scale"),
        (classifier(kind=TensorProto.INT32), description(), "elements of type INT32"),
        (
            classifier(),
            description(outputs={"logits": None, "probabilities": "probabilities"}),
            "say logits in the description",
        ),
        (classifier(mixing=True), description(), "change each other's answers"),
        (classifier(opset=9), description(), "operator set 9"),
        (detector(rank=1), of_detector(), "contradict|after suppression"),
        (detector(scores=(0.5, 0.75)), of_detector(), "not sorted"),
        (detector(scores=(1.5, 0.75)), of_detector(), "make no sense"),
        (detector(), of_detector(classes=["one"]), "make no sense"),
        (b"", description(), "must have one graph"),
        (b"\x08\x09" * 50, description(), "must have one graph"),
    ],
)
def test_a_file_that_is_not_what_is_described(
    workspace: Workspace, model: bytes, told: dict[str, Any], words: str
) -> None:
    with pytest.raises(BundleError, match=f"^'theirs.onnx' is refused: .*({words})"):
        imported(workspace, model, told)
    assert workspace.releases() == ()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (description(task="sorting"), "'task'"),
        (description(classes=None), "'classes': Field required"),
        (description(classes=["red", "red", "blue"]), "the same name"),
        (description(input={"colour": "RGB"}), "the field 'input.colour'"),
        (description(input={"std": [0, 1, 1]}), "std must be positive"),
        (description(input={"mean": ["nan", 0, 0]}), "must be finite"),
        (description(outputs={"logits": None}), "probabilities or logits"),
        (description(suppression={"iou": 0.5}), "and only a detector"),
        (of_detector(suppression=None), "and only a detector"),
        (description(input={"fill": 999}), "fill is a grey level"),
        (description(input={"fit": "crop", "crop_fraction": 0}), "crop_fraction lies above 0"),
        (description(input={"width": -8}), "width and height lie between"),
        (of_detector(suppression={"iou": 7}), "no such suppression"),
        (description(thresholds={"pink": 0.5}), "thresholds has a class"),
        (description(thresholds={"red": 2}), r"must lie in \[0, 1\]"),
    ],
)
def test_a_description_that_makes_no_sense(workspace: Workspace, told: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        imported(workspace, classifier(), told)


def test_data_in_other_files_is_refused_before_anything_reads_it(
    workspace: Workspace, tmp_path: Path
) -> None:
    proto = onnx.load_model_from_string(classifier())
    weight = proto.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    with pytest.raises(BundleError, match="keeps data in other files"):
        imported(workspace, proto.SerializeToString(), description())


def test_a_strange_operator_is_refused(workspace: Workspace) -> None:
    proto = onnx.load_model_from_string(classifier())
    proto.graph.node[0].domain = "their.own"
    proto.opset_import.append(helper.make_opsetid("their.own", 1))
    with pytest.raises(BundleError, match="ONNX Runtime cannot load the model"):
        imported(workspace, proto.SerializeToString(), description())


def test_a_graph_that_takes_all_memory_is_stopped(workspace: Workspace) -> None:
    proto = onnx.load_model_from_string(classifier())
    graph = proto.graph
    graph.initializer.append(onnx.numpy_helper.from_array(np.array([10**6, 10**6]), "much"))
    graph.node.insert(0, helper.make_node("ConstantOfShape", ["much"], ["made"]))
    graph.node.insert(1, helper.make_node("ReduceMin", ["made"], ["least"], keepdims=0))
    graph.node.append(helper.make_node("Add", ["probabilities", "least"], ["more"]))
    graph.output[0].name = "more"
    with pytest.raises(BundleError, match=r"alloc|memory|GB"):
        imported(workspace, proto.SerializeToString(), description(outputs={"logits": "more"}))


def test_damaged_files_are_refused_or_imported(workspace: Workspace) -> None:
    dice = random.Random(11)  # noqa: S311 - which bytes to change
    good = classifier()
    for _ in range(8):
        changed = bytearray(good)
        for _ in range(dice.choice((1, 3, 30))):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        with suppress(SightlineError):
            imported(workspace, bytes(changed), description())


def test_no_torch_is_needed(workspace: Workspace) -> None:
    file, words = written(workspace.root, classifier(), description())
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from sightline.cli import main\n"
        f"sys.argv[1:] = ['registry', 'import', {str(file)!r}, {str(words)!r}]; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=workspace.root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "theirs@1 is in production" in done.stderr


@pytest.mark.skipif(not (SHARED / "weights" / "yunet").is_dir(), reason="the shared pictures are not here")
def test_a_detector_that_ends_before_suppression_is_told_apart(workspace: Workspace) -> None:
    (path, *_) = sorted((SHARED / "weights" / "yunet").rglob("*.onnx"))
    with pytest.raises(BundleError, match="refused"):
        imported(workspace, path.read_bytes(), of_detector())


def _png(width: int, height: int, *colour: int) -> bytes:
    from colours import png

    red, green, blue = colour or (9, 9, 9)
    return png((red, green, blue), (width, height))
