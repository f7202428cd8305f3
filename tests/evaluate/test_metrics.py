"""Every metric plugin keeps the protocol's promises; the built-in ones give scikit-learn's figures."""

from typing import Protocol

import numpy as np
import numpy.typing as npt
import pytest

from sightline.evaluate.classified import Classified
from sightline.evaluate.measure import measure as measured
from sightline.evaluate.measure import metrics_of
from sightline.evaluate.metrics import METRICS

Floats = npt.NDArray[np.float64]


class Golden(Protocol):
    truth: npt.NDArray[np.int64]
    probabilities: Floats
    weights: Floats


NAMES = tuple(metrics_of("classification"))
PLAIN = {
    "top1": 0.5666666666666667,
    "balanced_accuracy": 0.5016653605015674,
    "macro_f1": 0.4959020146520146,
    "roc_auc": 0.8218305823789472,
    "calibration_error": 0.18783333333333332,
}
WEIGHTED = {
    "top1": 0.632183908045977,
    "balanced_accuracy": 0.5815590659340659,
    "macro_f1": 0.5902979007695032,
    "roc_auc": 0.8619326989025708,
}


def measure(name: str, truth: npt.NDArray[np.int64], probabilities: Floats) -> float:
    return measured(name, Classified(truth, probabilities))


@pytest.mark.parametrize("name", PLAIN)
def test_figures_are_those_of_scikit_learn(name: str, golden: Golden) -> None:
    assert measure(name, golden.truth, golden.probabilities) == pytest.approx(PLAIN[name], abs=1e-12)


@pytest.mark.parametrize("name", WEIGHTED)
def test_weighted_figures_are_those_of_scikit_learn(name: str, golden: Golden) -> None:
    values = METRICS.load(name).values(Classified(golden.truth, golden.probabilities), golden.weights[None])
    assert values[0] == pytest.approx(WEIGHTED[name], abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_counts_how_often_a_picture_is_there(name: str, golden: Golden) -> None:
    metric = METRICS.load(name)
    rows = np.stack([golden.weights, np.ones(golden.truth.size)])
    times = golden.weights.astype(int)
    repeated = measure(name, np.repeat(golden.truth, times), np.repeat(golden.probabilities, times, axis=0))
    values = metric.values(Classified(golden.truth, golden.probabilities), rows)
    assert values.shape == (2,)
    assert values[0] == pytest.approx(repeated, abs=1e-12)
    assert values[1] == pytest.approx(measure(name, golden.truth, golden.probabilities), abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_perfect_answers_have_the_best_figure(name: str) -> None:
    metric = METRICS.load(name)
    truth = np.arange(9) % 3
    assert metric.TITLE
    assert measure(name, truth, np.eye(3)[truth]) == (1.0 if metric.HIGHER_IS_BETTER else 0.0)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_pictures_does_not_matter(name: str, golden: Golden) -> None:
    order = np.random.default_rng(0).permutation(golden.truth.size)
    shuffled = measure(name, golden.truth[order], golden.probabilities[order])
    assert shuffled == pytest.approx(measure(name, golden.truth, golden.probabilities), abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_class_without_pictures_is_no_obstacle(name: str) -> None:
    truth = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.7, 0.2, 0.1], [0.2, 0.3, 0.5], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3]])
    assert 0 <= measure(name, truth, probabilities) <= 1


def test_ties_count_half_in_the_auc() -> None:
    scores = np.array([0.2, 0.5, 0.5, 0.9, 0.2, 0.1])
    probabilities = np.stack([1 - scores, scores], axis=1)
    assert measure("roc_auc", np.array([0, 0, 1, 1, 1, 0]), probabilities) == pytest.approx(7 / 9)


def test_one_class_alone_has_no_auc() -> None:
    assert np.isnan(measure("roc_auc", np.array([1, 1]), np.array([[0.2, 0.8], [0.6, 0.4]])))


def test_many_pictures_of_a_class_are_ranked_like_few(golden: Golden) -> None:
    truth, probabilities = np.tile(golden.truth, 5), np.tile(golden.probabilities, (5, 1))
    assert measure("roc_auc", truth, probabilities) == pytest.approx(PLAIN["roc_auc"], abs=1e-12)
