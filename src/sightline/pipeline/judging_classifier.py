"""Judging a classifier: temperature, parity of labels, thresholds and figures."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sightline.bundle.reference import Reference
from sightline.evaluate.classified import Classified
from sightline.evaluate.judge import evaluate
from sightline.infer.runtimes import RUNTIMES
from sightline.pipeline.fitting import Fitted, Material, class_numbers, loader
from sightline.pipeline.judging import Judged, operating_thresholds, parity_pictures, rows, sweep
from sightline.pipeline.watch import Watcher
from sightline.pixels.picture_statistics import COLUMNS
from sightline.statistics.calibration import calibrate
from sightline.values.dataset import Split
from sightline.values.evaluation import Calibration, ClassificationReport

if TYPE_CHECKING:
    from sightline.infer.runtimes.base import Session

_FEWEST_TO_CALIBRATE = 10


@dataclass(frozen=True)
class Answered:
    """The exported model's answers to one split: rows as in ``indices``."""

    probabilities: npt.NDArray[np.float32]
    embeddings: npt.NDArray[np.float32]
    statistics: npt.NDArray[np.float32]
    indices: npt.NDArray[np.int64]


def judge_classifier(fitted: Fitted, precision: float | None, watch: Watcher) -> Judged:
    """Calibrate on validation, then as ``judge``."""
    from sightline.export.classifier import PixelsToProbabilities, classifier_file
    from sightline.export.classifier_parity import classifier_parity, require_parity
    from sightline.export.onnx_file import contract

    recipe, material = fitted.recipe, fitted.material
    calibration = _calibration(fitted)
    watch.progress("export", 0, 1)
    temperature = calibration.temperature if calibration else 1.0
    model = PixelsToProbabilities(fitted.network, recipe.normalise, temperature)
    exported = classifier_file(model, recipe.pixels)
    watch.progress("export", 1, 1)
    pixels, source, _ = parity_pictures(fitted)
    parity = require_parity(classifier_parity(model, exported, pixels, source, recipe.threads))
    watch.say(
        f"parity: {parity.same_label} of {parity.pictures} {parity.source} get the same class, "
        f"scores within {parity.max_score_difference:.1e}"
    )
    session = RUNTIMES.load("onnxruntime").load(exported, recipe.threads)
    test, val = (_answers(session, material, split, watch) for split in ("test", "val"))
    truth, val_truth = (class_numbers(material.some(each.indices), recipe.classes) for each in (test, val))
    reference = Reference(test.probabilities, test.embeddings, test.statistics, truth, COLUMNS)
    return Judged(
        model=exported,
        contract=contract(recipe.task, recipe.classes, recipe.pixels, reference.embeddings.shape[1]),
        calibration=calibration,
        thresholds=operating_thresholds(
            Classified.of(val_truth, val.probabilities), recipe.classes, precision, watch
        ),
        parity=parity,
        evaluation=_evaluation(fitted, test, truth),
        reference=reference,
    )


def _calibration(fitted: Fitted) -> Calibration | None:
    from sightline.train.validating import answer

    if not fitted.checkpoint.history:
        return None
    logits = answer(fitted.network, loader(fitted.material, fitted.recipe, "val", augmented=False))
    if len(logits.targets) < _FEWEST_TO_CALIBRATE:
        return None
    return calibrate(logits.logits, logits.targets)


def _answers(session: "Session", material: Material, split: Split, watch: Watcher) -> Answered:
    indices, statistics, probabilities, embeddings = [], [], [], []
    for some, facts, outputs in sweep(session, material, split, watch):
        indices.append(some)
        statistics.append(facts)
        probabilities.append(outputs["probabilities"].astype(np.float32))
        embeddings.append(outputs["embedding"].astype(np.float32))
    classes, width = (int(tensor.shape[-1]) for tensor in session.outputs)
    return Answered(
        rows(probabilities, classes),
        rows(embeddings, width),
        rows(statistics, len(COLUMNS)),
        np.concatenate(indices) if indices else np.empty(0, np.int64),
    )


def _evaluation(fitted: Fitted, test: Answered, truth: npt.NDArray[np.int64]) -> ClassificationReport | None:
    known = truth >= 0
    if not known.any():
        return None
    paths = [sample.path for sample in fitted.material.some(test.indices[known])]
    recipe = fitted.recipe
    return evaluate(
        truth[known], test.probabilities[known], recipe.classes, paths=paths, split="test", seed=recipe.seed
    )
