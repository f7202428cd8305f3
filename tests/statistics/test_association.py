import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.statistics.association import contingency, cramers_v, holm, independence_p_value


def test_contingency_counts_every_pair_once() -> None:
    table = contingency(["b", "a", "b", "b"], ["x", "y", "y", "x"])
    assert table.tolist() == [[0, 1], [2, 1]]


def test_columns_that_tell_each_other_have_v_one() -> None:
    assert cramers_v(np.diag([20, 30, 50])) == pytest.approx(1.0)


def test_unrelated_columns_have_v_near_zero_even_with_many_cells() -> None:
    rng = np.random.default_rng(0)
    many = contingency([str(n) for n in rng.integers(0, 40, 300)], [str(n) for n in rng.integers(0, 6, 300)])
    plain = np.sqrt(((many - (e := np.outer(many.sum(1), many.sum(0)) / 300)) ** 2 / e).sum() / 300 / 5)
    assert plain > 0.3
    assert cramers_v(many) < 0.15


def test_bergsma_by_hand() -> None:
    table = np.array([[30, 10], [10, 30]])
    phi2 = 20 / 80 - 1 / 79
    assert cramers_v(table) == pytest.approx(np.sqrt(phi2 / (2 - 1 / 79 - 1)))


@pytest.mark.parametrize("cells", [[[3, 4]], [[3], [4]], [[1, 0], [0, 0]], [[1]]])
def test_a_column_with_one_value_goes_with_nothing(cells: list[list[int]]) -> None:
    counts = np.array(cells, dtype=np.int64)
    assert cramers_v(counts) == 0.0
    assert independence_p_value(counts) == 1.0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=1, max_size=5))
def test_v_and_p_stay_within_their_bounds_and_ignore_order(cells: list[list[int]]) -> None:
    table = np.array(cells, dtype=np.int64)
    value = cramers_v(table)
    assert 0.0 <= value <= 1.0
    assert cramers_v(table[::-1]) == pytest.approx(value)
    assert cramers_v(table.T) == pytest.approx(value)
    assert 0.0 < independence_p_value(table, draws=50) <= 1.0


def test_p_agrees_with_fishers_exact_test() -> None:
    # Lady tasting tea: tables with three or four right of each, either way, have chance 34/70.
    assert independence_p_value(np.array([[3, 1], [1, 3]]), draws=4_999) == pytest.approx(34 / 70, abs=0.1)
    # Fully right or fully wrong: 2/70.
    assert independence_p_value(np.array([[4, 0], [0, 4]]), draws=4_999) == pytest.approx(2 / 70, abs=0.008)


def test_p_is_small_for_a_strong_tie_and_cannot_be_zero() -> None:
    assert independence_p_value(np.diag([100, 100, 100]), draws=999) == pytest.approx(1 / 1_000)


def test_p_is_uniform_where_nothing_goes_together() -> None:
    rng = np.random.default_rng(3)
    p_values = []
    for _ in range(200):
        rows, columns = rng.integers(0, 4, 120), rng.integers(0, 3, 120)
        table = contingency([str(n) for n in rows], [str(n) for n in columns])
        p_values.append(independence_p_value(table, draws=199))
    assert np.mean(np.array(p_values) <= 0.05) < 0.1
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.08)


def test_the_same_seed_gives_the_same_p() -> None:
    table = np.array([[8, 5, 3], [4, 6, 9]])
    assert independence_p_value(table, seed=1) == independence_p_value(table, seed=1)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()
    assert holm([0.9, 0.8]) == (1.0, 1.0)
