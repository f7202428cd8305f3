import numpy as np
import pytest

from sightline.statistics.calibration import (
    bin_numbers,
    calibrate,
    expected_calibration_error,
    fit_temperature,
    log_softmax,
    negative_log_likelihood,
    reliability,
    softmax,
)


def sharpened(sharpness: float, count: int = 4_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 5, count)
    logits = rng.normal(size=(count, 5))
    logits[np.arange(count), truth] += 1.5
    return 1.5 * logits * sharpness, truth  # 1.5 * logits is the log posterior


def test_softmax_by_hand_and_without_overflow() -> None:
    assert softmax([[0.0, np.log(3.0)]]) == pytest.approx(np.array([[0.25, 0.75]]))
    assert softmax([[0.0, 2 * np.log(3.0)]], temperature=2.0) == pytest.approx(np.array([[0.25, 0.75]]))
    assert softmax([[1e4, 0.0]]).tolist() == [[1.0, 0.0]]
    assert log_softmax([[1e4, 0.0]]).tolist() == [[0.0, -1e4]]


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 4.0])
def test_the_temperature_undoes_the_sharpening(sharpness: float) -> None:
    logits, truth = sharpened(sharpness)
    assert fit_temperature(logits, truth) == pytest.approx(sharpness, rel=0.05)


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 4.0])
def test_the_temperature_is_the_best_of_a_fine_grid(sharpness: float) -> None:
    logits, truth = sharpened(sharpness, count=300)
    runner_up = np.argsort(logits, axis=1)[:, -2]

    def loss(temperature: float) -> float:
        added = -log_softmax(logits, temperature)[np.arange(300), runner_up].mean()
        return 300 * negative_log_likelihood(logits, truth, temperature) + float(added)

    grid = np.geomspace(0.05, 20, 4_001)
    best = grid[np.argmin([loss(t) for t in grid])]
    plain = grid[np.argmin([negative_log_likelihood(logits, truth, t) for t in grid])]
    fitted = fit_temperature(logits, truth)
    assert fitted == pytest.approx(best, rel=0.002)
    assert fitted == pytest.approx(plain, rel=0.05)


def test_no_error_on_few_pictures_is_not_certainty() -> None:
    truth = np.arange(50) % 3
    logits = np.eye(3)[truth] * 2.0
    confident = softmax(logits, fit_temperature(logits, truth)).max()
    assert confident == pytest.approx(1 - 1 / 51, abs=0.002)


def test_extreme_cases_stay_in_range() -> None:
    assert fit_temperature(np.zeros((4, 3)), np.array([0, 1, 2, 0])) == 1.0
    always_wrong = np.eye(2)[np.ones(20, int)] * 5.0
    assert fit_temperature(always_wrong, np.zeros(20, np.int64)) == pytest.approx(100.0, rel=1e-6)
    huge = np.eye(2)[np.zeros(20, int)] * 1e6
    assert 0.01 <= fit_temperature(huge, np.zeros(20, np.int64)) <= 100.0


def test_calibrate_says_what_it_gained() -> None:
    logits, truth = sharpened(3.0)
    found = calibrate(logits.astype(np.float32), truth)
    assert found.pictures == 4_000
    assert found.nll_after < found.nll_before
    assert found.nll_after == pytest.approx(
        negative_log_likelihood(logits, truth, found.temperature), rel=1e-5
    )


def test_bins_close_above() -> None:
    assert bin_numbers(np.array([0.0, 0.2, 0.2000001, 1.0]), bins=5).tolist() == [0, 0, 1, 4]


def test_calibration_error_by_hand() -> None:
    confidence = np.array([0.9, 0.9, 0.9, 0.6, 0.6])
    right = np.array([True, True, False, True, False])
    # (3 |0.9 - 2/3| + 2 |0.6 - 1/2|) / 5
    assert expected_calibration_error(confidence, right) == pytest.approx((0.7 + 0.2) / 5)
    low, high = reliability(confidence, right, bins=10)
    assert (low.count, low.accuracy) == (2, 0.5)
    assert low.confidence == pytest.approx(0.6)
    assert (high.low, high.high, high.count) == (0.8, 0.9, 3)


@pytest.mark.parametrize(
    ("logits", "truth"),
    [
        (np.zeros((0, 3)), np.zeros(0)),
        (np.zeros((2, 1)), np.zeros(2)),
        (np.full((2, 2), np.nan), np.zeros(2)),
    ],
)
def test_what_cannot_be_fitted_is_refused(logits: np.ndarray, truth: np.ndarray) -> None:
    with pytest.raises(ValueError, match="logits"):
        fit_temperature(logits, truth.astype(np.int64))
