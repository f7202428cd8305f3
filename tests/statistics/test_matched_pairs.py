from math import lgamma

import numpy as np
import pytest

from sightline.statistics.matched_pairs import matched_difference, matched_lower, pictures_needed


@pytest.mark.parametrize("pictures", [5, 100, 298, 5_000])
def test_no_disagreement_is_the_rule_of_three(pictures: int) -> None:
    exact = -(1 - 0.05 ** (1 / pictures))
    assert matched_lower(0, 0, pictures) == pytest.approx(exact, rel=1e-4)


def test_many_disagreements_are_the_textbooks_normal_interval() -> None:
    interval = matched_difference(1_200, 900, 30_000)
    half = 1.96 * (2_100 / 30_000 - 0.01**2) ** 0.5 / 30_000**0.5
    assert interval.value == 0.01
    assert interval.low == pytest.approx(0.01 - half, abs=5e-5)
    assert interval.high == pytest.approx(0.01 + half, abs=5e-5)


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (7, 2), (0, 12), (40, 0), (20, 20)])
def test_exchanging_the_models_mirrors_the_interval(gained: int, lost: int) -> None:
    one, other = matched_difference(gained, lost, 40), matched_difference(lost, gained, 40)
    assert one.low == -other.high
    assert one.high == -other.low
    assert -1 <= one.low <= one.value <= one.high <= 1


def test_it_agrees_with_the_exact_mcnemar_test() -> None:
    """Above 0 at one-sided 95 % exactly where Bin(m, 1/2) gives gained or more less than 5 %."""
    for gained in range(11):
        for lost in range(11 - gained):
            m = gained + lost
            tail = sum(np.exp(_log_choose(m, k)) for k in range(gained, m + 1)) / 2**m
            assert (matched_lower(gained, lost, 60) > 0) == (tail < 0.05), (gained, lost)


@pytest.mark.parametrize(("gain", "loss"), [(0.0, 0.1), (0.05, 0.15), (0.3, 0.4)])
def test_a_candidate_worse_by_the_margin_passes_at_most_one_time_in_twenty(gain: float, loss: float) -> None:
    n, passed = 16, 0.0
    for gained in range(n + 1):
        for lost in range(n + 1 - gained):
            if matched_lower(gained, lost, n) > gain - loss:
                passed += _chance(gained, lost, n, gain, loss)
    assert passed <= 0.05


def test_how_many_pictures_would_do() -> None:
    assert pictures_needed(0, 0, 100, -0.01) == 299
    assert pictures_needed(10, 30, 1_000, -0.01) is None
    many = pictures_needed(1_000, 1_500, 100_000, -0.006)
    assert many is not None
    assert many == 100_000
    needed = pictures_needed(10, 15, 1_000, -0.01)
    assert needed is not None
    by_variance = 1.645**2 * (0.025 - 0.005**2) / 0.005**2
    assert by_variance < needed < 1.25 * by_variance
    scale = needed / 1_000
    assert matched_lower(10 * scale, 15 * scale, needed) > -0.01


def test_counts_that_are_no_table_are_refused() -> None:
    with pytest.raises(ValueError, match="gained 3, lost 3 of 5"):
        matched_lower(3, 3, 5)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _chance(gained: int, lost: int, n: int, gain: float, loss: float) -> float:
    same = n - gained - lost
    ways = np.exp(lgamma(n + 1) - lgamma(gained + 1) - lgamma(lost + 1) - lgamma(same + 1))
    return float(ways * gain**gained * loss**lost * (1 - gain - loss) ** same)
