"""A build of two to a thousand classes, told by every value that the page knows."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sightline.evaluate.gates import compare
from sightline.evaluate.judge import evaluate
from sightline.report.page import ReportData
from sightline.statistics.calibration import calibrate
from sightline.values.contract import Normalise, PixelRecipe
from sightline.values.dataset import SPLITS, AuditReport, Dataset, Finding, Sample, SetAside
from sightline.values.evaluation import Checkpoint, Epoch, Parity
from sightline.values.image import Size
from sightline.values.recipe import Recipe, WeightsOrigin
from sightline.values.release import Release

Builder = Callable[..., ReportData]


@pytest.fixture
def build() -> Builder:
    return _build


def _build(
    classes: tuple[str, ...] = ("blowhole", "free"), folder: str = "", pictures: int = 120
) -> ReportData:
    dataset = _dataset(classes, folder, pictures)
    test = dataset.part("test")
    truth = np.array([classes.index(sample.labels[0]) for sample in test], np.int64)
    candidate, incumbent = _answers(truth, len(classes), 0.85), _answers(truth, len(classes), 0.7)
    logits = np.log(candidate)
    return ReportData(
        release=_release(),
        checkpoint=_checkpoint(classes),
        dataset=dataset,
        audit=_audit(folder),
        evaluation=evaluate(truth, candidate, classes, [sample.path for sample in test], "test"),
        calibration=calibrate(logits, truth),
        parity=Parity(truth.size, "test pictures", truth.size, 2e-7, 3e-6, 1e-4, passes=True),
        comparison=compare(truth, candidate, incumbent),
        pictures={sample.path: b"\xff\xd8jpeg" for sample in test[:3]},
        notes=("Training went on without a cache.",),
    )


def _answers(truth: np.ndarray, classes: int, right: float) -> np.ndarray:
    rng = np.random.default_rng(int(100 * right))
    answered = np.where(rng.random(truth.size) < right, truth, (truth + 1) % classes)
    scores = np.full((truth.size, classes), 0.2 / classes)
    scores[np.arange(truth.size), answered] += 0.8
    return scores


def _dataset(classes: tuple[str, ...], folder: str, pictures: int) -> Dataset:
    samples = tuple(
        Sample(f"{folder}{k:04}.png", "0" * 64, Size(9, 9), (classes[k % len(classes)],), SPLITS[k // 2 % 3])
        for k in range(pictures)
    )
    aside = (SetAside(f"{folder}broken.png", "truncated"),)
    return Dataset(
        Path("pictures"), "classification", classes, samples, aside, "Made here, seed 0.", "9f" * 32
    )


def _audit(folder: str) -> AuditReport:
    finding = Finding(
        "leakage", "error", "1 picture lies in two splits.", (f"{folder}a.png",), {"pictures": 1.0}
    )
    return AuditReport("9f" * 32, (finding,), ("leakage", "few_examples"))


def _checkpoint(classes: tuple[str, ...]) -> Checkpoint:
    weights = WeightsOrigin(
        "hub", "resnet18", "ab" * 32, "Apache-2.0", dropped=("fc.weight",), fresh=("fc.weight",)
    )
    recipe = Recipe(
        task="classification",
        arch="resnet18",
        dataset_fingerprint="9f" * 32,
        classes=classes,
        pixels=PixelRecipe(Size(64, 64)),
        normalise=Normalise((0.5, 0.5, 0.5), (0.2, 0.2, 0.2)),
        weights=weights,
        initial_sha256="cd" * 32,
        epochs=3,
        augment={"flip": 0.5},
        planned_minutes=1.0,
    )
    history = tuple(Epoch(n, 1 / n, 1.2 / n, 1 - 0.5 / n, 1e-3, 20.0) for n in (1, 2, 3))
    return Checkpoint(Path("best.safetensors"), recipe, history, 2, 61.0)


def _release() -> Release:
    return Release(
        name="tiles",
        version=2,
        stage="candidate",
        path="models/tiles-2.sight",
        sha256="ef" * 32,
        dataset_fingerprint="9f" * 32,
        recipe_sha256="aa" * 32,
        code_version="0.1.0",
        parent="tiles@1",
        created="2026-11-18T09:41:07+00:00",
    )
