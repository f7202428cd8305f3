"""Judging a detector: parity of detections, thresholds and figures."""

from typing import TYPE_CHECKING

from sightline.evaluate.thresholds import UNKNOWN
from sightline.infer.runtimes import RUNTIMES
from sightline.pipeline.answering import answer
from sightline.pipeline.fitting import Fitted
from sightline.pipeline.judging import Judged, operating_thresholds, parity_pictures
from sightline.pipeline.watch import Watcher
from sightline.pixels.model_input import placed
from sightline.values.contract import Suppression
from sightline.values.evaluation import DetectionParity
from sightline.values.objects import Objects

if TYPE_CHECKING:
    from sightline.export.detector import PixelsToCandidates


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
    engine = RUNTIMES.load("onnxruntime")
    session = engine.load(exported, recipe.threads)
    test, val = (answer(session, fitted.material, recipe, split, watch) for split in ("test", "val"))
    held = val
    if fitted.validated is not fitted.network:
        before = PixelsToCandidates(fitted.validated, recipe.normalise, recipe.pixels.size)
        unseen = engine.load(detector_file(before, recipe.pixels, len(recipe.classes), rule), recipe.threads)
        held = answer(unseen, fitted.material, recipe, "val", watch)
    # A detector without thresholds would give every box: without validation each class has the middle.
    thresholds = operating_thresholds(held.measured, recipe.classes, precision, watch) or dict.fromkeys(
        recipe.classes, UNKNOWN
    )
    return Judged(
        model=exported,
        contract=contract(recipe.task, recipe.classes, recipe.pixels, test.embeddings.shape[1], rule),
        calibration=None,
        thresholds=thresholds,
        parity=parity,
        evaluation=test.evaluate(thresholds, recipe.seed),
        test=test,
        val=val,
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
