"""Probabilities that mean what they say: softmax, temperature, and the error that remains."""

import numpy as np
import numpy.typing as npt

from sightline.values.evaluation import Calibration, ReliabilityBin

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

COLDEST, HOTTEST = 0.01, 100.0
BINS = 15


def softmax(logits: npt.ArrayLike, temperature: float = 1.0) -> Floats:
    """Probabilities ``[N, C]`` of logits ``[N, C]`` divided by ``temperature``, in float64."""
    return np.exp(log_softmax(logits, temperature))


def log_softmax(logits: npt.ArrayLike, temperature: float = 1.0) -> Floats:
    """Natural logarithms of ``softmax``, exact where the probabilities underflow."""
    scaled = np.asarray(logits, np.float64) / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    return np.asarray(scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True)), np.float64)


def negative_log_likelihood(logits: npt.ArrayLike, truth: Labels, temperature: float = 1.0) -> float:
    """Mean cross-entropy in nats of ``softmax(logits / temperature)`` against ``truth`` ``[N]``."""
    return -float(log_softmax(logits, temperature)[np.arange(truth.size), truth].mean())


def fit_temperature(logits: npt.ArrayLike, truth: Labels) -> float:
    """The temperature under which the held-out answers are likeliest.

    The cross-entropy is convex in ``1 / temperature``; Newton's method inside a shrinking bracket finds
    its minimum. One picture is added to the N seen: one of the ordinary kind whose truth is the
    runner-up. Without it a model that made no error on N pictures would be given a temperature of 0,
    which claims certainty; with it the claim stops near ``1 - 1 / N``. Where a tenth of some hundred
    answers are wrong, the fit moves by a percent or so, far less than its own sampling error.

    Args:
        logits: ``[N, C]`` of pictures not trained on, N at least 1 and C at least 2.
        truth: class numbers ``[N]``.

    Returns:
        A temperature from 0.01 to 100; 1 where the logits say nothing.

    Source: Guo et al., On Calibration of Modern Neural Networks (2017); the added picture is in the
    spirit of Platt's smoothed targets (1999).
    """
    z = _checked(logits, truth)
    runner_up = np.argsort(z, axis=1, kind="stable")[:, -2]
    every = np.arange(truth.size)
    pull = float((z[every, truth]).sum() + z[every, runner_up].mean())
    share = (truth.size + 1) / truth.size
    low, high, beta = 1 / HOTTEST, 1 / COLDEST, 1.0
    for _ in range(200):
        p = softmax(z, 1 / beta)
        mean = (p * z).sum(axis=1)
        slope = share * float(mean.sum()) - pull
        bend = share * float(((p * z * z).sum(axis=1) - mean * mean).sum())
        if abs(slope) <= 1e-12 * max(1.0, abs(pull)):
            return 1 / beta
        low, high = (beta, high) if slope < 0 else (low, beta)
        step = beta - slope / bend if bend > 0 else np.inf
        after = step if low < step < high else (low * high) ** 0.5
        if abs(after - beta) <= 1e-10 * beta:
            return 1 / float(after)
        beta = float(after)
    return 1 / beta


def calibrate(logits: npt.ArrayLike, truth: Labels) -> Calibration:
    """``fit_temperature`` with the cross-entropies before and after, on the pictures as they are."""
    temperature = fit_temperature(logits, truth)
    return Calibration(
        temperature=temperature,
        pictures=truth.size,
        nll_before=negative_log_likelihood(logits, truth),
        nll_after=negative_log_likelihood(logits, truth, temperature),
    )


def bin_numbers(confidence: Floats, bins: int = BINS) -> Labels:
    """Which of ``bins`` equal steps ``(low, high]`` of [0, 1] each confidence ``[N]`` lies in, from 0."""
    edges = np.linspace(0.0, 1.0, bins + 1)
    return np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1).astype(np.int64)


def reliability(
    confidence: Floats, right: npt.NDArray[np.bool_], bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """The bins that hold a picture: mean of ``confidence`` ``[N]`` against the share of ``right`` ``[N]``."""
    numbers = bin_numbers(confidence, bins)
    return tuple(
        ReliabilityBin(
            low=b / bins,
            high=(b + 1) / bins,
            count=int((numbers == b).sum()),
            confidence=float(confidence[numbers == b].mean()),
            accuracy=float(right[numbers == b].mean()),
        )
        for b in np.unique(numbers).tolist()
    )


def expected_calibration_error(confidence: Floats, right: npt.NDArray[np.bool_], bins: int = BINS) -> float:
    """Mean over pictures of ``|mean confidence - share right|`` of their bin (Naeini et al. 2015)."""
    gaps = [b.count * abs(b.confidence - b.accuracy) for b in reliability(confidence, right, bins)]
    return sum(gaps) / confidence.size


def _checked(logits: npt.ArrayLike, truth: Labels) -> Floats:
    z = np.asarray(logits, np.float64)
    if z.ndim != 2 or z.shape[0] < 1 or z.shape[1] < 2 or truth.shape != z.shape[:1]:
        raise ValueError(
            f"wanted logits [N, C >= 2] with truth [N], N >= 1; got {z.shape} with {truth.shape}"
        )
    if not np.isfinite(z).all():
        raise ValueError("logits must be finite")
    return z
