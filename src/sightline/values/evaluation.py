"""What training and judging give: curves, checkpoints, numbers with intervals, comparisons."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from sightline.values.dataset import Split, Task
from sightline.values.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its two-sided interval at ``level``."""

    value: float
    low: float
    high: float
    level: float = 0.95


VALIDATION_METRIC: Mapping[Task, str] = MappingProxyType({"classification": "top-1", "detection": "AP"})
"""What ``Epoch.val_metric`` is called."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch's figures.

    Losses are means over pictures: cross-entropy in nats for a classifier, the sum of its parts for a
    detector. ``val_metric`` is on validation: top-1 for a classifier, COCO's AP for a detector;
    not-a-number where there is nothing to validate on.
    """

    number: int
    train_loss: float
    val_loss: float
    val_metric: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A trained network on disk (``safetensors``) with the recipe that made it."""

    path: Path
    recipe: Recipe
    history: tuple[Epoch, ...]
    best_epoch: int
    train_seconds: float


@dataclass(frozen=True, slots=True)
class ClassScores:
    """One class against the rest. ``support`` is the number of pictures whose truth it is."""

    name: str
    support: int
    predicted: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Pictures whose top score lies in ``(low, high]``: mean score against share answered right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Mistake:
    """A picture answered wrongly, with the score given to the wrong and to the true class."""

    path: str
    truth: str
    predicted: str
    score: float
    truth_score: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Temperature fitted on validation: probabilities are ``softmax(logits / temperature)``."""

    temperature: float
    pictures: int
    nll_before: float
    nll_after: float


@dataclass(frozen=True, slots=True)
class EvalReport:
    """A model judged on one split. ``headline`` maps a metric's name to its value with its interval."""

    split: Split
    pictures: int
    classes: tuple[str, ...]
    headline: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class ClassificationReport(EvalReport):
    """A classifier judged on one split.

    ``confusion`` counts pictures by ``[truth][predicted]``. ``worst`` are the mistakes made with the
    highest score.
    """

    per_class: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[ReliabilityBin, ...]
    worst: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True)
class ObjectScores:
    """One class of a detector.

    ``objects`` counts its true boxes; ``ap`` and ``ap50`` are COCO's, not-a-number without a true box.
    At the operating ``threshold`` and an IoU of 0.5, ``found`` boxes were given, with this ``precision``
    and ``recall``. ``curve`` has (recall, precision) at an IoU of 0.5 at every recall of COCO's 101.
    """

    name: str
    objects: int
    ap: float
    ap50: float
    threshold: float
    found: int
    precision: float
    recall: float
    curve: tuple[tuple[float, float], ...]


XYXY = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class DetectionError:
    """An object that was missed, or a box that was given where no such object is.

    ``box`` is xyxy in pixels of the upright picture. ``score`` is that of the false find; of a missed
    object it is the highest score, below the threshold, of a box of its class over it, 0 for none.
    ``iou`` is the largest overlap: of a false find with any true box, of a missed object with any box
    that was given; ``instead`` is that other box's class, empty where nothing overlaps.
    """

    path: str
    label: str
    box: XYXY
    score: float
    iou: float
    instead: str


@dataclass(frozen=True, slots=True)
class DetectionReport(EvalReport):
    """A detector judged on one split; errors are those at the operating thresholds and an IoU of 0.5.

    ``objects`` counts the true boxes. ``missed`` are the worst misses, the largest objects first;
    ``false_finds`` those with the highest scores.
    """

    objects: int
    per_class: tuple[ObjectScores, ...]
    missed: tuple[DetectionError, ...]
    false_finds: tuple[DetectionError, ...]


Verdict = Literal["better", "not worse", "undecided", "worse"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Candidate minus incumbent on the same pictures.

    ``lower`` is the lower one-sided 95 % end of the paired difference; the candidate passes when
    ``lower`` is above ``margin``. ``lacking`` is about how many more pictures a pass would need at
    the difference seen (``None`` where no number would do).
    """

    metric: str
    pictures: int
    candidate: float
    incumbent: float
    difference: Interval
    lower: float
    margin: float
    verdict: Verdict
    passes: bool
    lacking: int | None


@dataclass(frozen=True, slots=True)
class Parity:
    """How far an exported classifier's answers are from the trained network's on the same pixels."""

    pictures: int
    source: str
    same_label: int
    max_score_difference: float
    max_embedding_difference: float
    tolerance: float
    passes: bool


@dataclass(frozen=True, slots=True)
class DetectionParity:
    """How far an exported detector's answers are from the trained network's on the same pixels.

    Of all ``detections`` that either gave, ``matched`` have a partner of the same class in the other
    answer; box differences are in pixels of the model's input. ``borderline`` are those without one that
    rounding explains: they, or one that suppressed them, lie within ``tolerance`` of a threshold or of a
    cut, or have the score of one that they overlap. ``ap_difference`` is the exported model's AP less the
    trained network's, None without truth.
    """

    pictures: int
    source: str
    detections: int
    matched: int
    borderline: int
    max_score_difference: float
    max_box_difference: float
    max_embedding_difference: float
    ap_difference: float | None
    tolerance: float
    box_tolerance: float
    passes: bool


VariantVerdict = Literal["passes", "undecided", "refused"]


@dataclass(frozen=True, slots=True)
class VariantParity:
    """How far a compressed variant's answers are from the full model's, on the same pictures.

    ``comparison`` is the variant less the full model on the test pictures; its margin is the ``budget``,
    the loss that is allowed, with the sign turned. Of the ``layers`` that can be compressed those in
    ``kept`` were left as they are, so that the loss on validation was ``validation_loss``.
    ``disagreement`` is between the answers themselves, whatever the truth: a classifier's mean total
    variation distance, or 1 less the AP of a detector's boxes with the full model's as truth.
    ``calibrated_on`` counts the training pictures that the ranges come from. ``accepted`` says that the
    user published it undecided.
    """

    comparison: Comparison
    budget: float
    layers: int
    kept: tuple[str, ...]
    validation_loss: float
    disagreement: float
    calibrated_on: int
    accepted: bool = False

    @property
    def verdict(self) -> VariantVerdict:
        """Refused where the loss as seen is above the budget, undecided where only its upper end is.

        The upper end is that of the one-sided 95 % interval of the paired loss.
        """
        if -self.comparison.difference.value > self.budget:
            return "refused"
        return "passes" if self.comparison.passes else "undecided"
