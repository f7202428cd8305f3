"""From a trained network to an exported and judged model."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.evaluate.answers import Answers
from sightline.evaluate.thresholds import best_f1_thresholds, precision_thresholds
from sightline.pipeline.answering import Answered
from sightline.pipeline.fitting import Fitted
from sightline.pipeline.watch import Watcher
from sightline.values.contract import ModelContract
from sightline.values.evaluation import Calibration, DetectionParity, EvalReport, Parity
from sightline.values.objects import Detections

PARITY_PICTURES = 256


@dataclass(frozen=True)
class Judged:
    """An exported model with everything that was measured about it.

    ``evaluation`` is None and ``thresholds`` empty where no labelled picture was held out; ``test`` and
    ``val`` are the model's answers to those parts.
    """

    model: bytes
    contract: ModelContract
    calibration: Calibration | None
    thresholds: Mapping[str, float]
    parity: Parity | DetectionParity
    evaluation: EvalReport | None
    test: Answered
    val: Answered

    @property
    def found(self) -> Mapping[str, Detections]:
        """What a detector found in the test pictures, by path, from the operating thresholds on."""
        limits = [self.thresholds[name] for name in self.contract.classes] if self.test.found else []
        pairs = zip(self.test.samples, self.test.found or [], strict=False)
        return {sample.path: each.above(limits) for sample, each in pairs}


def judge(fitted: Fitted, precision: float | None, watch: Watcher) -> Judged:
    """Export, prove parity, set thresholds on validation, then judge the exported file on the test pictures.

    ``precision`` is what the thresholds aim at; None aims at the best F1.

    Raises:
        ParityError: the exported file does not answer like the network.
    """
    from sightline.pipeline.judging_classifier import judge_classifier
    from sightline.pipeline.judging_detector import judge_detector

    if fitted.recipe.task == "detection":
        return judge_detector(fitted, precision, watch)
    return judge_classifier(fitted, precision, watch)


def operating_thresholds(
    answers: Answers, classes: tuple[str, ...], precision: float | None, watch: Watcher
) -> Mapping[str, float]:
    """Each class's threshold from its answers to validation; empty where there are none."""
    if not answers.pictures:
        return {}
    if precision is None:
        return best_f1_thresholds(answers, classes)
    found = precision_thresholds(answers, classes, precision)
    for name, reached in found.short.items():
        watch.say(
            f"thresholds: {name!r} reaches a precision of {reached:.1%} on validation, not {precision:.1%}"
        )
    return found.thresholds


def parity_pictures(fitted: Fitted) -> tuple[npt.NDArray[np.uint8], str, npt.NDArray[np.int64] | None]:
    """Up to 256 pictures spread over the test part, and their indices; where there is none, drawn ones."""
    indices = fitted.material.indices("test")
    if not len(indices):
        size = fitted.recipe.pixels.size
        return _drawn_pictures(size.width, size.height), "drawn pictures", None
    spread = np.unique(np.linspace(0, len(indices) - 1, min(PARITY_PICTURES, len(indices))).astype(np.int64))
    pixels, some = fitted.material.source.read(indices[spread])
    return pixels, "held-out pictures", some


def _drawn_pictures(width: int, height: int) -> npt.NDArray[np.uint8]:
    from sightline.data.sources.boards import draw_board
    from sightline.pixels.resize import resize
    from sightline.values.image import Size

    dice = np.random.default_rng(0)
    boards = [draw_board(dice, Size(256, 256), ()).pixels for _ in range(16)]
    return np.stack([resize(board, Size(width, height)) for board in boards])
