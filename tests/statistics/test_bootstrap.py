import numpy as np
import numpy.typing as npt
import pytest

from sightline.statistics.bootstrap import bootstrap

Floats = npt.NDArray[np.float64]


def mean_figures(values: Floats, weights: Floats) -> Floats:
    return np.asarray(((weights @ values) / weights.sum(axis=1))[:, None], np.float64)


def test_the_interval_of_a_mean_is_that_of_the_textbook() -> None:
    values = np.random.default_rng(3).normal(5.0, 2.0, size=400)
    ones = np.ones(values.size)
    (found,) = bootstrap(lambda w: mean_figures(values, w), ones, ones)
    interval = found.interval()
    half = 1.96 * values.std() / 20
    assert interval.value == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half, abs=0.03)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.03)
    assert found.lower() == pytest.approx(values.mean() - half * 1.645 / 1.96, abs=0.03)


def test_the_same_seed_gives_the_same_interval() -> None:
    values, ones = np.arange(30.0), np.ones(30)
    one, same, other = (
        bootstrap(lambda w: mean_figures(values, w), ones, ones, resamples=50, seed=seed)[0].interval()
        for seed in (1, 1, 2)
    )
    assert one == same != other


def test_pictures_not_seen_widen_the_interval_and_leave_the_figure() -> None:
    right = np.append(np.ones(50), [1.0, 0.0])
    sample, population = np.append(np.ones(50), [0.0, 0.0]), np.append(np.ones(50), [2.0, 2.0])
    (found,) = bootstrap(lambda w: mean_figures(right, w), sample, population)
    interval = found.interval(bounds=(0.0, 1.0))
    assert interval.value == interval.high == 1.0
    assert 1 - 6 / 50 < interval.low < 1 - 3 / 50


def test_a_figure_that_few_resamples_define_uses_those() -> None:
    def figures(weights: Floats) -> Floats:
        return np.where(weights[:, :1] > 0, 0.5, np.nan)

    (found,) = bootstrap(figures, np.ones(3), np.ones(3), resamples=20)
    assert found.interval().low == found.interval().high == 0.5
