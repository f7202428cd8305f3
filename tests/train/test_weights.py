"""Initial weights: read safely, checked for fit, and accounted for."""

import json
import pickle
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sightline.errors import InputError, WeightsError
from sightline.train import weights as weights_module
from sightline.train.arch import ARCHITECTURES
from sightline.train.hub import reachable
from sightline.train.weights import check_arch, find_weights, load_weights, weights_digest
from sightline.train.weights_file import read_card, read_state
from sightline.values.contract import Normalise
from sightline.values.image import Size

CARD = {
    "architecture": "small_resnet",
    "input": {"mean": [0.4, 0.4, 0.4], "std": [0.2, 0.2, 0.2], "size": [32, 48]},
}


def network(classes: int = 4) -> torch.nn.Module:
    torch.manual_seed(5)
    return ARCHITECTURES.load("small_resnet").build("", classes).body


def write(folder: Path, suffix: str = ".safetensors", classes: int = 4, card: object = CARD) -> Path:
    path = folder / f"some{suffix}"
    state = network(classes).state_dict()
    if suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save({f"module.{name}": value for name, value in state.items()}, path)
    if card is not None:
        path.with_suffix(".json").write_text(json.dumps(card))
    return path


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_file_with_its_card_decides_everything(tmp_path: Path, suffix: str) -> None:
    found = find_weights(str(write(tmp_path, suffix)), "", None, "classification")
    assert found.arch == "small_resnet"
    assert found.size == Size(48, 32)
    assert found.normalise == Normalise((0.4, 0.4, 0.4), (0.2, 0.2, 0.2))
    fresh = ARCHITECTURES.load("small_resnet").build("", 4)
    origin = load_weights(fresh, found)
    assert weights_digest(fresh.body) == weights_digest(network())
    assert (origin.kind, origin.name, origin.dropped, origin.fresh) == ("file", f"some{suffix}", (), ())


def test_a_head_for_other_classes_is_left_out_and_listed(tmp_path: Path) -> None:
    found = find_weights(str(write(tmp_path, classes=10)), "", None, "classification")
    origin = load_weights(ARCHITECTURES.load("small_resnet").build("", 4), found)
    assert origin.dropped == origin.fresh == ("classifier.bias", "classifier.weight")


def test_weights_of_another_shape_are_refused_with_an_example(tmp_path: Path) -> None:
    found = find_weights(str(write(tmp_path)), "small_resnet/64", None, "classification")
    with pytest.raises(WeightsError, match=r"does not fit small_resnet/64.*for example.*--arch"):
        load_weights(ARCHITECTURES.load("small_resnet").build("64", 4), found)


def test_a_file_without_a_card_needs_its_scaling_and_architecture(tmp_path: Path) -> None:
    path = write(tmp_path, card=None)
    with pytest.raises(WeightsError, match=r"some\.json.*--normalise"):
        find_weights(str(path), "small_resnet", None, task="classification")
    with pytest.raises(WeightsError, match="--arch"):
        find_weights(str(path), "", Normalise((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), "classification")
    said = Normalise((0.1, 0.1, 0.1), (0.5, 0.5, 0.5))
    assert find_weights(str(path), "small_resnet", said, "classification").normalise == said


def test_a_classifiers_file_goes_into_a_detectors_backbone(tmp_path: Path) -> None:
    torch.manual_seed(3)
    classifier = ARCHITECTURES.load("mobilenet_v2").build("", 5)
    path = tmp_path / "backbone.safetensors"
    save_file(classifier.body.state_dict(), path)
    card = {
        "architecture": "torchvision mobilenet_v2",
        "input": {"size": [224, 224], "mean": [0.5] * 3, "std": [0.5] * 3},
    }
    path.with_suffix(".json").write_text(json.dumps(card))
    found = find_weights(str(path), "", None, "detection")
    assert found.arch == "anchor_free/mobilenet_v2"
    assert found.size == Size(640, 640)
    torch.manual_seed(4)
    detector = ARCHITECTURES.load("anchor_free").build("mobilenet_v2", 2)
    origin = load_weights(detector, found)
    own, given = detector.body.state_dict(), classifier.body.state_dict()
    assert torch.equal(own["backbone.features.17.conv.0.0.weight"], given["features.17.conv.0.0.weight"])
    # Listed under the file's own names.
    assert {"classifier.1.weight", "features.18.0.weight"} < set(origin.dropped)
    assert all(not name.startswith("backbone.") for name in origin.fresh)
    assert find_weights(str(path), "", None, "classification").arch == "mobilenet_v2"


def test_an_architecture_of_another_task_is_refused() -> None:
    check_arch("detection", "ssdlite")
    with pytest.raises(InputError, match=r"made for classification.*try anchor_free/timm/resnet18"):
        check_arch("detection", "timm/resnet18")
    with pytest.raises(InputError, match="ssdlite is made for detection"):
        check_arch("classification", "ssdlite")


@pytest.mark.parametrize(
    "card",
    [
        {"architecture": "small_resnet"},
        {**CARD, "input": {"mean": [0.5], "std": [0.5, 0.5, 0.5]}},
        {**CARD, "input": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0]}},
        {**CARD, "input": {**CARD["input"], "size": [0, 4]}},  # type: ignore[dict-item]
        {**CARD, "classes": {"a": 1}},
        ["no", "object"],
    ],
)
def test_a_card_of_another_form_is_refused_by_name(tmp_path: Path, card: object) -> None:
    with pytest.raises(WeightsError, match=r"some\.json"):
        read_card(write(tmp_path, card=card))


@pytest.mark.parametrize(
    ("architecture", "arch"),
    [
        ("torchvision mobilenet_v2", "mobilenet_v2"),
        ("timm resnet18", "timm/resnet18"),
        ("timm/resnet18", "timm/resnet18"),
    ],
)
def test_the_library_before_the_name_is_understood(tmp_path: Path, architecture: str, arch: str) -> None:
    card = read_card(write(tmp_path, card={**CARD, "architecture": architecture}))
    assert card is not None
    assert card.arch == arch


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (open, ("/nowhere/at/all",))


@pytest.mark.parametrize(
    "content",
    [pickle.dumps(Evil()), b"", b"\x80\x04garbage", pickle.dumps({"a": Evil()}, protocol=2)],
    ids=["call", "empty", "garbage", "call inside"],
)
def test_a_file_that_is_no_plain_state_is_refused_and_never_run(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "evil.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"evil\.pth"):
        read_state(path)


def test_a_state_with_something_else_inside_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(2), "epoch": "three"}, tmp_path / "mixed.pth")
    with pytest.raises(WeightsError, match="'epoch'"):
        read_state(tmp_path / "mixed.pth")
    (tmp_path / "broken.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(WeightsError, match=r"broken\.safetensors"):
        read_state(tmp_path / "broken.safetensors")


@pytest.mark.parametrize("wanted", ["nowhere.pth", "nowhere.safetensors", "no-such-name", "small_resnet"])
def test_what_cannot_be_had_is_an_error_with_ways_out(wanted: str) -> None:
    with pytest.raises(WeightsError, match=r"none"):
        find_weights(wanted, "", None, task="classification")


def test_auto_without_a_hub_starts_from_scratch_and_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(weights_module, "reachable", lambda _host: False)
    found = find_weights("auto", "mobilenet_v2", None, task="classification")
    assert found.origin.kind == "scratch"
    assert "could not be reached" in found.origin.why
    why = find_weights("auto", "small_resnet", None, task="classification").origin.why
    assert why == "no pretrained weights are known for it"
    with pytest.raises(WeightsError, match=r"mobilenet_v2.*cannot be reached.*--weights"):
        find_weights("mobilenet_v2", "", None, task="classification")


def test_a_hub_that_does_not_answer_is_noticed_in_time() -> None:
    # Names under .invalid never resolve (RFC 2606).
    began = time.monotonic()
    assert not reachable("hub.invalid")
    assert time.monotonic() - began < 5


def test_the_weights_of_the_shared_card_load_strictly(shared_data: Path) -> None:
    found = find_weights(
        str(shared_data / "weights" / "mobilenet_v2_imagenet.pth"), "", None, task="classification"
    )
    assert found.arch == "mobilenet_v2"
    assert found.normalise == Normalise((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    origin = load_weights(ARCHITECTURES.load("mobilenet_v2").build("", 1000), found)
    assert (origin.dropped, origin.fresh, origin.licence) == ((), (), "Apache-2.0")
