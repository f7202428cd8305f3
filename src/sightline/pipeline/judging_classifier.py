"""Judging a classifier: temperature, parity of labels, thresholds and figures."""

from sightline.infer.runtimes import RUNTIMES
from sightline.pipeline.answering import answer
from sightline.pipeline.fitting import Fitted, loader
from sightline.pipeline.judging import Judged, operating_thresholds, parity_pictures
from sightline.pipeline.watch import Watcher
from sightline.statistics.calibration import calibrate
from sightline.values.evaluation import Calibration

_FEWEST_TO_CALIBRATE = 10


def judge_classifier(fitted: Fitted, precision: float | None, watch: Watcher) -> Judged:
    """Calibrate on validation, then as ``judge``."""
    from sightline.export.classifier import PixelsToProbabilities, classifier_file
    from sightline.export.classifier_parity import classifier_parity, require_parity
    from sightline.export.onnx_file import contract

    recipe, material = fitted.recipe, fitted.material
    calibration = _calibration(fitted)
    watch.progress("export", 0, 1)
    temperature = calibration.temperature if calibration else 1.0
    model = PixelsToProbabilities(fitted.network, recipe.normalise, recipe.pixels.size, temperature)
    exported = classifier_file(model, recipe.pixels)
    watch.progress("export", 1, 1)
    pixels, source, _ = parity_pictures(fitted)
    parity = require_parity(classifier_parity(model, exported, pixels, source, recipe.threads))
    watch.say(
        f"parity: {parity.same_label} of {parity.pictures} {parity.source} get the same class, "
        f"scores within {parity.max_score_difference:.1e}"
    )
    engine = RUNTIMES.load("onnxruntime")
    session = engine.load(exported, recipe.threads)
    test, val = (answer(session, material, recipe, split, watch) for split in ("test", "val"))
    held = val
    if fitted.validated is not fitted.network:
        before = PixelsToProbabilities(fitted.validated, recipe.normalise, recipe.pixels.size, temperature)
        unseen = engine.load(classifier_file(before, recipe.pixels), recipe.threads)
        held = answer(unseen, material, recipe, "val", watch)
    return Judged(
        model=exported,
        contract=contract(recipe.task, recipe.classes, recipe.pixels, test.embeddings.shape[1]),
        calibration=calibration,
        thresholds=operating_thresholds(held.measured, recipe.classes, precision, watch),
        parity=parity,
        evaluation=test.evaluate({}, recipe.seed),
        test=test,
        val=val,
    )


def _calibration(fitted: Fitted) -> Calibration | None:
    from sightline.train.validating import answer

    if not fitted.checkpoint.history:
        return None
    logits = answer(fitted.validated, loader(fitted.material, fitted.recipe, "val", augmented=False))
    if len(logits.targets) < _FEWEST_TO_CALIBRATE:
        return None
    return calibrate(logits.logits, logits.targets)
