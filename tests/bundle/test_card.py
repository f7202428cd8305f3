from dataclasses import replace
from pathlib import Path

from sightline.bundle.card import model_card
from sightline.values.dataset import AuditReport, Dataset, Finding, Sample, SetAside
from sightline.values.evaluation import ClassScores, EvalReport
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


def evaluation(manifest: Manifest) -> EvalReport:
    scores = tuple(
        ClassScores(name, support, 9, 0.5, recall, 0.6)
        for name, support, recall in zip(
            manifest.contract.classes, (50, 3, 40), (0.9, 0.8, 0.25), strict=True
        )
    )
    return EvalReport("test", 93, manifest.contract.classes, manifest.metrics, scores, (), (), ())


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
        "trained network 16 times",
        "| good | 0.500 |",
        "Fewer than 20 test pictures, so their figures say little: mouse \\| bite.",
        "It does worst on née 穴: it finds 25% of them.",
        "found: exp goes with the \\| class",
        "- net.safetensors: BSD-3-Clause",
    ):
        assert words in card
    assert "small thing" not in card


def test_what_was_not_measured_is_said(manifest: Manifest) -> None:
    recipe = replace(manifest.recipe, weights=WeightsOrigin("scratch"), augment={})
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
