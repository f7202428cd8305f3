"""Weighted counts of truths and answers, the ground of the metrics that count."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Weight of each class's pictures, of its answers, and of its right answers, each ``[B, C]``."""

    support: Floats
    predicted: Floats
    hits: Floats


def counts(truth: Labels, probabilities: Floats, weights: Floats) -> Counts:
    """``Counts`` of truths ``[N]`` and top answers of ``[N, C]`` under weights ``[B, N]``."""
    classes = probabilities.shape[1]
    top = probabilities.argmax(axis=1)
    right = top == truth
    support = class_sums(weights, truth, classes)
    return Counts(
        support=support,
        predicted=class_sums(weights, top, classes),
        hits=class_sums(weights[:, right], truth[right], classes),
    )


def class_sums(weights: Floats, labels: Labels, classes: int) -> Floats:
    """Sums ``[B, C]`` of the columns of ``weights`` ``[B, N]`` by their label ``[N]``."""
    one_hot = np.zeros((labels.size, classes))
    one_hot[np.arange(labels.size), labels] = 1.0
    return np.asarray(weights @ one_hot, np.float64)


def mean_over_present(figures: Floats, support: Floats) -> Floats:
    """Mean ``[B]`` of ``figures`` ``[B, C]`` over the classes that have any ``support`` ``[B, C]``."""
    present = support > 0
    total = np.where(present, figures, 0.0).sum(axis=1)
    count = present.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def ratio(part: Floats, whole: Floats) -> Floats:
    """``part / whole``, 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
