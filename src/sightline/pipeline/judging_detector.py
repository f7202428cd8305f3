"""Judging a detector: parity of detections, thresholds and figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sightline.bundle.reference import Reference
from sightline.errors import TrainingError
from sightline.evaluate.detection import evaluate_detections
from sightline.evaluate.matching import match
from sightline.evaluate.thresholds import UNKNOWN
from sightline.infer.outputs.detection import in_pictures
from sightline.infer.runtimes import RUNTIMES
from sightline.pipeline.fitting import Fitted
from sightline.pipeline.judging import Judged, operating_thresholds, parity_pictures, rows, sweep
from sightline.pipeline.watch import Watcher
from sightline.pixels.model_input import placed
from sightline.pixels.picture_statistics import COLUMNS
from sightline.values.contract import Suppression
from sightline.values.dataset import Sample, Split
from sightline.values.evaluation import DetectionParity, DetectionReport
from sightline.values.objects import Detections, Objects

if TYPE_CHECKING:
    from sightline.export.detector import PixelsToCandidates
    from sightline.infer.runtimes.base import Session


@dataclass(frozen=True)
class Answered:
    """The exported model's answers to one split, in pixels of the upright pictures."""

    samples: list[Sample]
    found: list[Detections]
    embeddings: npt.NDArray[np.float32]
    statistics: npt.NDArray[np.float32]

    def scores(self, classes: int) -> npt.NDArray[np.float32]:
        """The highest score of each class in each picture, ``[N, C]``; 0 for none."""
        best = np.zeros((len(self.found), classes), np.float32)
        for row, each in zip(best, self.found, strict=True):
            np.maximum.at(row, each.classes, each.scores.astype(np.float32))
        return best


def judge_detector(fitted: Fitted, precision: float | None, watch: Watcher) -> Judged:
    """As ``judge``."""
    from sightline.export.detector import PixelsToCandidates, detector_file
    from sightline.export.onnx_file import contract

    recipe, rule = fitted.recipe, Suppression()
    watch.progress("export", 0, 1)
    model = PixelsToCandidates(fitted.network, recipe.normalise, recipe.pixels.size)
    exported = detector_file(model, recipe.pixels, len(recipe.classes), rule)
    watch.progress("export", 1, 1)
    parity = _parity(model, exported, fitted, rule, watch)
    session = RUNTIMES.load("onnxruntime").load(exported, recipe.threads)
    test, val = (_answers(session, fitted, split, watch) for split in ("test", "val"))
    known = [n for n, sample in enumerate(val.samples) if sample.boxes is not None]
    truth = [Objects.of(val.samples[n], recipe.classes) for n in known]
    matches = match(truth, [val.found[n] for n in known], len(recipe.classes))
    # A detector without thresholds would give every box: without validation each class has the middle.
    thresholds = operating_thresholds(matches, recipe.classes, precision, watch) or dict.fromkeys(
        recipe.classes, UNKNOWN
    )
    unknown = np.full(len(test.samples), -1, np.int64)
    reference = Reference(
        test.scores(len(recipe.classes)), test.embeddings, test.statistics, unknown, COLUMNS
    )
    limits = [thresholds[name] for name in recipe.classes]
    return Judged(
        model=exported,
        contract=contract(recipe.task, recipe.classes, recipe.pixels, reference.embeddings.shape[1], rule),
        calibration=None,
        thresholds=thresholds,
        parity=parity,
        evaluation=_evaluation(fitted, test, thresholds),
        reference=reference,
        found={
            sample.path: each.above(limits) for sample, each in zip(test.samples, test.found, strict=True)
        },
    )


def _parity(
    model: "PixelsToCandidates", exported: bytes, fitted: Fitted, rule: Suppression, watch: Watcher
) -> DetectionParity:
    from sightline.export.detector_parity import detector_parity, require_detector_parity

    recipe = fitted.recipe
    pixels, source, indices = parity_pictures(fitted)
    truth = None
    if indices is not None and all(each.boxes is not None for each in fitted.material.some(indices)):
        objects = (Objects.of(sample, recipe.classes) for sample in fitted.material.some(indices))
        truth = [placed(each, recipe.pixels) for each in objects]
    parity = require_detector_parity(
        detector_parity(model, exported, pixels, source, len(recipe.classes), rule, recipe.threads, truth)
    )
    borderline = f", {parity.borderline:,} at a threshold" if parity.borderline else ""
    watch.say(
        f"parity: {parity.matched:,} of {parity.detections:,} detections on {parity.pictures} {source} are "
        f"the same{borderline}; scores within {parity.max_score_difference:.1e}, boxes within "
        f"{parity.max_box_difference:.1e} px"
    )
    return parity


def _answers(session: "Session", fitted: Fitted, split: Split, watch: Watcher) -> Answered:
    recipe = fitted.recipe
    samples: list[Sample] = []
    found: list[Detections] = []
    statistics, embeddings = [], []
    for some, facts, outputs in sweep(session, fitted.material, split, watch):
        samples += (batch := fitted.material.some(some))
        statistics.append(facts)
        embeddings.append(outputs["embedding"].astype(np.float32))
        sizes = [sample.size for sample in batch]
        read = in_pictures(outputs, len(recipe.classes), recipe.pixels, sizes)
        for sample, each in zip(batch, read, strict=True):
            if each is None:
                raise TrainingError(f"the exported model gave numbers that make no sense for {sample.path!r}")
            found.append(each)
    width = next(int(tensor.shape[-1]) for tensor in session.outputs if tensor.name == "embedding")
    return Answered(samples, found, rows(embeddings, width), rows(statistics, len(COLUMNS)))


def _evaluation(fitted: Fitted, test: Answered, thresholds: Mapping[str, float]) -> DetectionReport | None:
    known = [n for n, sample in enumerate(test.samples) if sample.boxes is not None]
    if not known:
        return None
    recipe = fitted.recipe
    return evaluate_detections(
        [Objects.of(test.samples[n], recipe.classes) for n in known],
        [test.found[n] for n in known],
        recipe.classes,
        [test.samples[n].path for n in known],
        "test",
        thresholds,
        seed=recipe.seed,
    )
