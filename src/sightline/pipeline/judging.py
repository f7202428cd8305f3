"""From a trained network to an exported, calibrated and judged model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sightline.bundle.reference import Reference
from sightline.evaluate.judge import evaluate
from sightline.evaluate.thresholds import best_f1_thresholds
from sightline.infer.runtimes import RUNTIMES
from sightline.pipeline.fitting import Fitted, Material, loader
from sightline.pipeline.watch import Watcher
from sightline.pixels.picture_statistics import COLUMNS, picture_statistics
from sightline.statistics.calibration import calibrate
from sightline.values.contract import ModelContract
from sightline.values.dataset import Split
from sightline.values.evaluation import Calibration, EvalReport, Parity

if TYPE_CHECKING:
    from sightline.infer.runtimes.base import Session

PARITY_PICTURES = 256
_BATCH = 64
_FEWEST_TO_CALIBRATE = 10


@dataclass(frozen=True)
class Answered:
    """The exported model's answers to one split: rows as in ``indices``."""

    probabilities: npt.NDArray[np.float32]
    embeddings: npt.NDArray[np.float32]
    statistics: npt.NDArray[np.float32]
    indices: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Judged:
    """An exported model with everything that was measured about it.

    ``evaluation`` is None and ``thresholds`` empty where no labelled picture was held out.
    """

    model: bytes
    contract: ModelContract
    calibration: Calibration | None
    thresholds: Mapping[str, float]
    parity: Parity
    evaluation: EvalReport | None
    test: Answered
    reference: Reference


def judge(fitted: Fitted, watch: Watcher) -> Judged:
    """Calibrate on validation, export, prove parity, then judge the exported file on the test pictures.

    Raises:
        ParityError: the exported file does not answer like the network.
    """
    from sightline.export.onnx_file import PixelsToProbabilities, contract, to_onnx
    from sightline.export.parity import measure_parity, require_parity

    recipe, material = fitted.recipe, fitted.material
    calibration = _calibration(fitted)
    watch.progress("export", 0, 1)
    temperature = calibration.temperature if calibration else 1.0
    model = PixelsToProbabilities(fitted.network, recipe.normalise, temperature)
    exported = to_onnx(model, recipe.pixels)
    watch.progress("export", 1, 1)
    pixels, source = _parity_pictures(fitted)
    parity = require_parity(measure_parity(model, exported, pixels, source, recipe.threads))
    watch.say(
        f"parity: {parity.same_label} of {parity.pictures} {parity.source} get the same class, "
        f"scores within {parity.max_score_difference:.1e}"
    )
    session = RUNTIMES.load("onnxruntime").load(exported, recipe.threads)
    test, val = (_answers(session, material, split, watch) for split in ("test", "val"))
    truth = material.targets[test.indices]
    reference = Reference(test.probabilities, test.embeddings, test.statistics, truth, COLUMNS)
    paths = [material.samples[index].path for index in test.indices.tolist()]
    return Judged(
        model=exported,
        contract=contract(recipe.classes, recipe.pixels, reference.embeddings.shape[1]),
        calibration=calibration,
        thresholds=_thresholds(val, material, recipe.classes),
        parity=parity,
        evaluation=_evaluation(test, truth, recipe.classes, paths, recipe.seed),
        test=test,
        reference=reference,
    )


def answers(session: "Session", pixels: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], ...]:
    """Probabilities ``[N, C]`` and embeddings ``[N, D]`` of model inputs ``[N, H, W, 3]``."""
    got = session.run(pixels)
    return got["probabilities"].astype(np.float32), got["embedding"].astype(np.float32)


def _calibration(fitted: Fitted) -> Calibration | None:
    from sightline.train.trainer import answer

    if not fitted.checkpoint.history:
        return None
    logits = answer(fitted.network, loader(fitted.material, fitted.recipe, "val", augmented=False))
    if len(logits.targets) < _FEWEST_TO_CALIBRATE:
        return None
    return calibrate(logits.logits, logits.targets)


def _parity_pictures(fitted: Fitted) -> tuple[npt.NDArray[np.uint8], str]:
    """Up to 256 pictures spread over the test part; where there is none, drawn ones."""
    indices = fitted.material.indices("test")
    if not len(indices):
        return _drawn_pictures(
            fitted.recipe.pixels.size.width, fitted.recipe.pixels.size.height
        ), "drawn pictures"
    spread = np.unique(np.linspace(0, len(indices) - 1, min(PARITY_PICTURES, len(indices))).astype(np.int64))
    pixels, _ = fitted.material.source.read(indices[spread])
    return pixels, "held-out pictures"


def _drawn_pictures(width: int, height: int) -> npt.NDArray[np.uint8]:
    from sightline.data.sources.boards import draw_board
    from sightline.pixels.resize import resize
    from sightline.values.image import Size

    dice = np.random.default_rng(0)
    boards = [draw_board(dice, Size(256, 256), ()).pixels for _ in range(16)]
    return np.stack([resize(board, Size(width, height)) for board in boards])


def _answers(session: "Session", material: Material, split: Split, watch: Watcher) -> Answered:
    indices = material.indices(split)
    probabilities, embeddings, statistics, kept = [], [], [], []
    for start in range(0, len(indices), _BATCH):
        pixels, some = material.source.read(indices[start : start + _BATCH])
        if len(some):
            scores, features = answers(session, pixels)
            probabilities.append(scores)
            embeddings.append(features)
            statistics.append(np.stack([picture_statistics(each) for each in pixels]))
            kept.append(some)
        watch.progress(f"judge on {split}", min(start + _BATCH, len(indices)), len(indices))
    classes, width = (int(tensor.shape[-1]) for tensor in session.outputs)
    return Answered(
        _rows(probabilities, classes),
        _rows(embeddings, width),
        _rows(statistics, len(COLUMNS)),
        np.concatenate(kept) if kept else np.empty(0, np.int64),
    )


def _rows(parts: list[npt.NDArray[np.float32]], width: int) -> npt.NDArray[np.float32]:
    return np.concatenate(parts) if parts else np.empty((0, width), np.float32)


def _thresholds(val: Answered, material: Material, classes: tuple[str, ...]) -> dict[str, float]:
    if not len(val.indices):
        return {}
    return best_f1_thresholds(material.targets[val.indices], val.probabilities, classes)


def _evaluation(
    test: Answered, truth: npt.NDArray[np.int64], classes: tuple[str, ...], paths: list[str], seed: int
) -> EvalReport | None:
    known = truth >= 0
    if not known.any():
        return None
    labelled = [path for path, is_known in zip(paths, known.tolist(), strict=True) if is_known]
    return evaluate(truth[known], test.probabilities[known], classes, paths=labelled, split="test", seed=seed)
