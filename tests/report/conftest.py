"""Builds of a classifier of two to a thousand classes, and of a detector of defects on drawn boards."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sightline.data.sources.boards import DEFECT_KINDS, Board, draw_board
from sightline.evaluate.classified import Classified
from sightline.evaluate.detection import evaluate_detections
from sightline.evaluate.gates import compare
from sightline.evaluate.judge import evaluate
from sightline.evaluate.matching import match
from sightline.pixels.draw import thumbnail_jpeg
from sightline.report.object_pictures import draw_error, draw_truth
from sightline.report.page import ReportData, errors_wanted, pictures_wanted
from sightline.statistics.calibration import calibrate
from sightline.values.boxes import Boxes
from sightline.values.contract import Normalise, PixelRecipe
from sightline.values.dataset import SPLITS, AuditReport, Dataset, Finding, Sample, SetAside, Task
from sightline.values.evaluation import Checkpoint, DetectionParity, Epoch, Parity
from sightline.values.image import Size
from sightline.values.objects import Detections, Objects
from sightline.values.recipe import Recipe, WeightsOrigin
from sightline.values.release import Release

Builder = Callable[..., ReportData]
SIZE = Size(192, 192)
BOARDS = 24


@pytest.fixture
def build() -> Builder:
    return _build


@pytest.fixture
def build_detector() -> Builder:
    return _build_detector


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
        checkpoint=_checkpoint("classification", classes),
        dataset=dataset,
        audit=_audit(folder),
        evaluation=evaluate(truth, candidate, classes, [sample.path for sample in test], "test"),
        calibration=calibrate(logits, truth),
        parity=Parity(truth.size, "test pictures", truth.size, 2e-7, 3e-6, 1e-4, passes=True),
        comparison=compare(Classified(truth, candidate), Classified(truth, incumbent)),
        pictures={sample.path: b"\xff\xd8jpeg" for sample in test[:3]},
        notes=("Training went on without a cache.",),
    )


@cache
def _build_detector(classes: tuple[str, ...] = DEFECT_KINDS, folder: str = "") -> ReportData:
    """Boards with two to five defects (every eighth with none), answered by guessing near the truth."""
    dataset = _boxed_dataset(classes, folder)
    test = dataset.part("test")
    truth = [Objects.of(sample, classes) for sample in test]
    candidate, incumbent = (_detections(truth, len(classes), skill) for skill in (0.9, 0.6))
    thresholds = dict.fromkeys(classes, 0.4)
    evaluation = evaluate_detections(
        truth, candidate, classes, [sample.path for sample in test], "test", thresholds
    )
    pixels = {sample.path: board.pixels for sample, board in zip(dataset.samples, _boards(), strict=True)}
    by_path = {sample.path: sample for sample in dataset.samples}
    given = {
        sample.path: each.above([0.4] * len(classes)) for sample, each in zip(test, candidate, strict=True)
    }
    return ReportData(
        release=replace(_release(), name="boards"),
        checkpoint=_checkpoint("detection", classes),
        dataset=dataset,
        audit=_audit(folder),
        evaluation=evaluation,
        parity=DetectionParity(
            16, "test pictures", 412, 410, 2, 3e-7, 2e-5, 3e-6, 0.0, 1e-4, 0.05, passes=True
        ),
        comparison=compare(match(truth, candidate, len(classes)), match(truth, incumbent, len(classes))),
        pictures={
            path: thumbnail_jpeg(draw_truth(pixels[path], Objects.of(by_path[path], classes)), 320)
            for path in pictures_wanted(dataset, evaluation)
        },
        errors={
            error: thumbnail_jpeg(
                draw_error(
                    pixels[error.path],
                    Objects.of(by_path[error.path], classes),
                    given[error.path],
                    error,
                    classes,
                ),
                640,
            )
            for error in errors_wanted(evaluation)
        },
        augmented=tuple(
            thumbnail_jpeg(draw_truth(board.pixels[:, ::-1], _mirrored(sample, classes)), 320)
            for sample, board in zip(dataset.samples[:8], _boards(), strict=False)
        ),
    )


def _mirrored(sample: Sample, classes: tuple[str, ...]) -> Objects:
    truth = Objects.of(sample, classes)
    x0, y0, x1, y1 = truth.boxes.xyxy.T
    mirrored = np.stack([SIZE.width - x1, y0, SIZE.width - x0, y1], axis=1)
    return Objects(Boxes(mirrored, SIZE), truth.classes, truth.ignored)


@cache
def _boards() -> tuple[Board, ...]:
    rng = np.random.default_rng(1)
    counts = [0 if number % 8 == 7 else 2 + number % 4 for number in range(BOARDS)]
    return tuple(
        draw_board(rng, SIZE, rng.choice(DEFECT_KINDS, count).tolist(), inset=24) for count in counts
    )


def _boxed_dataset(classes: tuple[str, ...], folder: str) -> Dataset:
    """The kinds of defect stand for as many of ``classes`` in turn."""
    samples = []
    for number, board in enumerate(_boards()):
        labels = tuple(
            classes[(DEFECT_KINDS.index(kind) + 6 * (number + k)) % len(classes)]
            for k, kind in enumerate(board.labels)
        )
        boxes = Boxes(board.boxes.xyxy + np.array([-8, -8, 8, 8]), SIZE)
        split = SPLITS[0 if number < 6 else 1 if number < 9 else 2]
        samples.append(Sample(f"{folder}board{number:04}.jpg", "0" * 64, SIZE, labels, split, boxes=boxes))
    return Dataset(
        Path("pictures"), "detection", classes, tuple(samples), (), "Lists of the format.", "9f" * 32
    )


def _detections(truth: list[Objects], classes: int, skill: float) -> list[Detections]:
    rng = np.random.default_rng(int(100 * skill))
    found = []
    for objects in truth:
        kept = rng.random(len(objects)) < skill
        boxes = objects.boxes.xyxy[kept] + rng.normal(0, 2.2, (int(kept.sum()), 4))
        numbers = objects.classes[kept]
        wrong = rng.random(len(numbers)) > skill
        numbers = np.where(wrong, (numbers + 1) % classes, numbers)
        scores = rng.uniform(0.3, 1.0, len(numbers))
        corner = rng.uniform(0, SIZE.width - 40, (2, 2))
        boxes = np.vstack([boxes, np.hstack([corner, corner + rng.uniform(20, 40, (2, 2))])])
        numbers = np.append(numbers, rng.integers(0, classes, 2))
        scores = np.append(scores, rng.uniform(0.05, 0.7, 2))
        order = np.argsort(-scores)
        found.append(Detections(Boxes(boxes[order], SIZE), numbers[order], scores[order]))
    return found


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


def _checkpoint(task: Task, classes: tuple[str, ...]) -> Checkpoint:
    weights = WeightsOrigin(
        "hub", "resnet18", "ab" * 32, "Apache-2.0", dropped=("fc.weight",), fresh=("fc.weight",)
    )
    recipe = Recipe(
        task=task,
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
