"""What training and judging give: curves, checkpoints, numbers with intervals, comparisons."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sightline.values.dataset import Split
from sightline.values.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its two-sided interval at ``level``."""

    value: float
    low: float
    high: float
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch's figures; losses are mean cross-entropies in nats, ``top1`` is on validation."""

    number: int
    train_loss: float
    val_loss: float
    val_top1: float
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
    """A classifier judged on one split.

    ``headline`` maps a metric's name to its value with a bootstrap interval. ``confusion`` counts
    pictures by ``[truth][predicted]``. ``worst`` are the mistakes made with the highest score.
    """

    split: Split
    pictures: int
    classes: tuple[str, ...]
    headline: Mapping[str, Interval]
    per_class: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[ReliabilityBin, ...]
    worst: tuple[Mistake, ...]


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
    """How far an exported model's answers are from the trained network's on the same pixels."""

    pictures: int
    source: str
    same_label: int
    max_score_difference: float
    max_embedding_difference: float
    tolerance: float
    passes: bool
