from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from sightline.bundle.card import model_card
from sightline.values.boxes import Boxes
from sightline.values.contract import Suppression, task_outputs
from sightline.values.dataset import AuditReport, Dataset, Finding, Sample, SetAside
from sightline.values.evaluation import (
    ClassificationReport,
    ClassScores,
    DetectionParity,
    DetectionReport,
    Interval,
    ObjectScores,
)
from sightline.values.image import Size
from sightline.values.recipe import WeightsOrigin
from sightline.values.release import Manifest


def dataset(manifest: Manifest) -> Dataset:
    classes = manifest.contract.classes
    samples = tuple(
        Sample(f"{name}/{number}.png", "00", Size(8, 8), (name,), "test" if number == 3 else "train")
        for name in classes
        for number in range(4)
    )
    return Dataset(
        Path("/x"), "classification", classes, samples, (SetAside("a", "b"),), "made here", "ab" * 32
    )


def evaluation(manifest: Manifest) -> ClassificationReport:
    scores = tuple(
        ClassScores(name, support, 9, 0.5, recall, 0.6)
        for name, support, recall in zip(
            manifest.contract.classes, (50, 3, 40), (0.9, 0.8, 0.25), strict=True
        )
    )
    return ClassificationReport("test", 93, manifest.contract.classes, manifest.metrics, scores, (), (), ())


def test_a_whole_card(manifest: Manifest) -> None:
    findings = (
        Finding("metadata", "warning", "exp goes\nwith the | class"),
        Finding("imbalance", "note", "small thing"),
    )
    audit = AuditReport("ab" * 32, findings, ("metadata", "imbalance"))
    card = model_card(manifest, dataset(manifest), evaluation(manifest), audit)
    for words in (
        "# boards, version 2",
        "tells 3 classes",
        "mouse \\| bite",
        "It follows boards@1.",
        "`" + "ab" * 32 + "`",
        "12 pictures (9 train, 0 val, 3 test). Split: made here.",
        "Files set aside as unusable: 1.",
        "file net.safetensors, licence BSD-3-Clause",
        "flip 0.5, rotate 10",
        "On 93 test pictures",
        "| top1 | 0.9000 | 0.8500 to 0.9500 (95%) |",
        "temperature 1.25, fitted on\n40",
        "the trained network 16 times",
        "| good | 0.500 |",
        "Fewer than 20 test pictures, so their figures say little: mouse \\| bite.",
        "It does worst on née 穴: it finds 25% of them.",
        "found: exp goes with the \\| class",
        "- net.safetensors: BSD-3-Clause",
    ):
        assert words in card
    assert "small thing" not in card


def test_what_was_not_measured_is_said(manifest: Manifest) -> None:
    recipe = replace(manifest.training, weights=WeightsOrigin("scratch"), augment={})
    bare = replace(
        manifest,
        metrics={},
        calibration=None,
        parity=None,
        thresholds={},
        licences={},
        parents=(),
        recipe=recipe,
    )
    card = model_card(bare)
    for words in (
        "Nothing was held out",
        "not calibrated",
        "not compared",
        "How good it is was not measured",
        "No licence was recorded",
        "| initial weights | from scratch |",
        "| augmentation | none |",
    ):
        assert words in card
    assert "TODO" not in card
    assert "None" not in card


def test_names_from_strangers_stay_on_their_line(manifest: Manifest) -> None:
    evil = ("<script>alert(1)</script>", "a\n# b", "x\u202ey")
    contract = replace(manifest.contract, classes=evil)
    card = model_card(replace(manifest, contract=contract, thresholds={}))
    assert "\\<script\\>" in card
    assert "\n# b" not in card
    assert "\u202e" not in card


def test_it_does_not_depend_on_the_order_of_mappings(manifest: Manifest) -> None:
    turned = replace(manifest, metrics=dict(sorted(manifest.metrics.items(), reverse=True)))
    assert model_card(turned) == model_card(manifest)


def detector(manifest: Manifest) -> Manifest:
    classes = manifest.contract.classes
    contract = replace(
        manifest.contract,
        task="detection",
        outputs=task_outputs("detection", classes),
        suppression=Suppression(),
    )
    nothing = float("nan")
    return replace(
        manifest,
        contract=contract,
        calibration=None,
        metrics={"ap50": Interval(0.9, 0.85, 0.95), "ap_large": Interval(nothing, nothing, nothing)},
        parity=DetectionParity(16, "test pictures", 40, 38, 2, 1e-7, 2e-5, 3e-6, 0.001, 1e-4, 0.05, True),
    )


def test_a_card_of_a_detector(manifest: Manifest) -> None:
    sealed = detector(manifest)
    classes = sealed.contract.classes
    boxes = Boxes(np.array([[0.0, 0, 4, 4], [2, 2, 8, 6]]), Size(8, 8))
    samples = (
        Sample("a.png", "00", Size(8, 8), (classes[0], classes[0]), "train", boxes=boxes),
        Sample("b.png", "00", Size(8, 8), (), "test", boxes=Boxes(np.empty((0, 4)), Size(8, 8))),
    )
    pictures = Dataset(Path("/x"), "detection", classes, samples, (), "made here", "ab" * 32)
    scores = (
        ObjectScores(classes[0], 50, 0.61, 0.93, 0.4, 48, 0.95, 0.91, ()),
        ObjectScores(classes[1], 3, 0.2, 0.5, 0.5, 0, 0.0, 0.0, ()),
        ObjectScores(classes[2], 0, float("nan"), float("nan"), 0.5, 2, 0.0, 0.0, ()),
    )
    judged = DetectionReport("test", 20, classes, sealed.metrics, 53, scores, (), ())
    card = model_card(sealed, pictures, judged)
    for words in (
        "A detector that draws boxes around objects of 3 classes:",
        "no proof that nothing is there",
        "overlap by more than 0.5 (IoU) only the best is given",
        "at most 300 boxes",
        "Pictures annotated as showing no object: 1.",
        "| good | 2 | 0 | 0 |",
        "On 20 test pictures with 53 objects",
        "| ap50 | 0.9000 | 0.8500 to 0.9500 (95%) |",
        "| good | 50 | 0.610 | 0.930 | 0.950 | 0.910 |",
        "| mouse \\| bite | 3 | 0.200 | 0.500 | no box | 0.000 |",
        "| née 穴 | 0 | no object | no object | no object | no object |",
        "40 boxes; 38 have a partner of the same class",
        "+0.10 points",
        "| class | given from score |",
        "Fewer than 20 test objects, so their figures say little: mouse \\| bite, née 穴.",
        "It does worst on good: it finds 91% of them.",
    ):
        assert words in card, words
    assert "classifier" not in card
    assert "ap_large" not in card
    assert "nan" not in card


def test_a_bare_detector_says_what_was_not_measured(manifest: Manifest) -> None:
    bare = replace(detector(manifest), metrics={}, parity=None, thresholds={})
    card = model_card(bare)
    assert "Nothing was held out" in card
    assert "not compared" in card
    empty = SimpleNamespace(pictures=7, split="test")
    card = model_card(replace(detector(manifest), metrics={}), evaluation=empty)  # type: ignore[arg-type]
    assert "The 7 test pictures show no object, so nothing is claimed" in card
    assert "None" not in card
