"""Values arranged in the rows that a page shows."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sightline.evaluate.metrics import METRICS
from sightline.values.dataset import SPLITS, Dataset, Split
from sightline.values.evaluation import (
    ClassificationReport,
    ClassScores,
    DetectionReport,
    Interval,
    ObjectScores,
)
from sightline.values.recipe import Recipe

FEW_CLASSES = 30
"""Up to so many classes are shown whole; beyond, the matrix gives way to its most confused pairs."""

_FIRST = (
    *("top1", "balanced_accuracy", "macro_f1", "roc_auc", "calibration_error"),
    *("ap50", "ap", "ap75", "ap_small", "ap_medium", "ap_large"),
)


@dataclass(frozen=True, slots=True)
class Headline:
    """A metric's name, title, figure and sense; the figure is not a number where no object defines it."""

    name: str
    title: str
    interval: Interval
    higher_is_better: bool


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """``count`` pictures of ``truth``, which is ``share`` of them, were answered ``predicted``."""

    truth: str
    predicted: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """Labels of one class by split, and in all as a share of the largest class.

    Of a classifier's data these are pictures, of a detector's boxes.
    """

    name: str
    by_split: Mapping[Split, int]
    total: int
    of_largest: float


def headlines(metrics: Mapping[str, Interval]) -> tuple[Headline, ...]:
    """Figures in the order in which people ask for them, strangers' metrics last."""
    known = METRICS.names()
    ranked = sorted(metrics, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
    found = []
    for name in ranked:
        metric = METRICS.load(name) if name in known else None
        title, higher = (metric.TITLE, metric.HIGHER_IS_BETTER) if metric else (name, True)
        found.append(Headline(name, title, metrics[name], higher))
    return tuple(found)


def confused_pairs(report: ClassificationReport, most: int = FEW_CLASSES) -> tuple[ConfusedPair, ...]:
    """The pairs of classes that are taken for each other most often."""
    pairs = [
        ConfusedPair(report.classes[t], report.classes[p], count, count / sum(row))
        for t, row in enumerate(report.confusion)
        for p, count in enumerate(row)
        if count and t != p
    ]
    return tuple(
        sorted(pairs, key=lambda pair: (-pair.count, -pair.share, pair.truth, pair.predicted))[:most]
    )


def weakest_first(report: ClassificationReport) -> tuple[ClassScores, ...]:
    """Classes by rising F1, those without a picture last."""
    return tuple(sorted(report.per_class, key=lambda c: (c.support == 0, c.f1, c.name)))


def worst_found_first(report: DetectionReport) -> tuple[ObjectScores, ...]:
    """Classes by rising AP, those without an object last."""
    return tuple(
        sorted(report.per_class, key=lambda c: (math.isnan(c.ap), 0.0 if math.isnan(c.ap) else c.ap, c.name))
    )


def class_counts(dataset: Dataset) -> tuple[ClassCounts, ...]:
    """Labels by class and split, classes in the dataset's order."""
    counted = Counter((label, sample.split) for sample in dataset.samples for label in sample.labels)
    totals = {name: sum(counted[name, split] for split in SPLITS) for name in dataset.classes}
    largest = max([1, *totals.values()])
    return tuple(
        ClassCounts(name, {split: counted[name, split] for split in SPLITS}, total, total / largest)
        for name, total in totals.items()
    )


def footers(dataset: Dataset) -> tuple[tuple[str, Mapping[Split, int], int], ...]:
    """What stands below the counts: a title, its numbers by split and in all."""
    totals: dict[str, Counter[Split]] = {"All pictures": Counter(s.split for s in dataset.samples)}
    if dataset.task == "detection":
        totals = {"All boxes": Counter(), **totals}
        for sample in dataset.samples:
            totals["All boxes"][sample.split] += len(sample.labels)
            if not sample.labels:
                title = "of them not annotated" if sample.boxes is None else "of them without an object"
                totals.setdefault(title, Counter())[sample.split] += 1
    return tuple((title, counted, sum(counted.values())) for title, counted in totals.items())


def recipe_rows(recipe: Recipe) -> tuple[tuple[str, str], ...]:
    """The recipe, one setting a row."""
    augment = ", ".join(f"{name} {amount:g}" for name, amount in sorted(recipe.augment.items()))
    mean, std = (
        ", ".join(f"{v:g}" for v in values) for values in (recipe.normalise.mean, recipe.normalise.std)
    )
    return (
        ("Network", recipe.arch),
        ("Input", f"{recipe.pixels.size} px, {recipe.pixels.fit}"),
        ("Normalisation", f"mean {mean}; std {std}"),
        ("Epochs planned", str(recipe.epochs)),
        ("Of these at half size", str(recipe.half_size_epochs)),
        ("Batch size", str(recipe.batch_size)),
        ("Learning rate", f"{recipe.learning_rate:g}"),
        ("Backbone's share of it", "frozen" if recipe.backbone_rate == 0 else f"{recipe.backbone_rate:g}"),
        ("Weight decay", f"{recipe.weight_decay:g}"),
        ("Label smoothing", f"{recipe.label_smoothing:g}"),
        ("Warm-up", f"{recipe.warmup:.0%} of the work"),
        ("Early stop", f"after {recipe.patience} epochs without gain" if recipe.patience else "off"),
        ("Augmentation", augment or "none"),
        ("Precision", recipe.precision),
        ("Seed", str(recipe.seed)),
        ("Threads", str(recipe.threads)),
        ("Dataset fingerprint", recipe.dataset_fingerprint),
        ("Initial weights, SHA-256", recipe.initial_sha256),
    )
