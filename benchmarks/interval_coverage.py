"""How often the 95 % intervals hold the true figure, and how often the gate errs.

Data: none from outside; answers are drawn from a known population (class-conditional normal logits), whose
true figures are taken from 400,000 draws. Beside ours stands the plain percentile bootstrap on the same
samples. The gate's error is exact: every table of disagreements is weighed by its probability.

    python benchmarks/interval_coverage.py [--samples 400]
"""

import argparse
from dataclasses import dataclass
from math import inf, lgamma

import numpy as np
import numpy.typing as npt

from sightline.evaluate.judge import headline
from sightline.evaluate.metrics import METRICS
from sightline.statistics.bootstrap import bootstrap
from sightline.statistics.calibration import softmax
from sightline.statistics.matched_pairs import matched_lower

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Population:
    """Pictures whose true class gets ``signal`` more logit; scores are sharpened by ``sharpness``."""

    title: str
    shares: tuple[float, ...]
    signal: float
    sharpness: float
    pictures: int

    def draw(self, rng: np.random.Generator, count: int) -> tuple[Labels, Floats]:
        """Truth ``[count]`` and probabilities ``[count, C]``."""
        truth = rng.choice(len(self.shares), size=count, p=self.shares).astype(np.int64)
        logits = rng.normal(size=(count, len(self.shares)))
        logits[np.arange(count), truth] += self.signal
        # the exact posterior of this population is softmax(signal * logits + log shares)
        return truth, softmax(self.sharpness * (self.signal * logits + np.log(self.shares)))


POPULATIONS = (
    Population("even, 90 %, n=200", (0.25,) * 4, 2.6, 1.0, 200),
    Population("rare class, 94 %, n=200", (0.6, 0.3, 0.08, 0.02), 2.6, 1.0, 200),
    Population("overconfident, n=500", (0.25,) * 4, 1.5, 2.0, 500),
    Population("calibrated, n=1000", (0.1,) * 10, 2.0, 1.0, 1000),
    Population("nearly perfect, n=50", (0.5, 0.5), 3.6, 1.0, 50),
)


def plain(truth: Labels, probabilities: Floats, seed: int) -> dict[str, tuple[float, float]]:
    """The percentile bootstrap as most tools have it."""
    metrics = {name: METRICS.load(name) for name in METRICS.names()}
    ones = np.ones(truth.size)

    def figures(weights: Floats) -> Floats:
        return np.stack([m.values(truth, probabilities, weights) for m in metrics.values()], axis=1)

    found: dict[str, tuple[float, float]] = {}
    for name, r in zip(metrics, bootstrap(figures, ones, ones, resamples=1000, seed=seed), strict=True):
        bias_put_back = 2 * (r.value - float(r.drawn.mean()))
        low, high = np.quantile(r.drawn + bias_put_back, [0.025, 0.975])
        found[name] = (float(low), float(high))
    return found


def coverage(population: Population, samples: int) -> None:
    """Print the share of samples whose interval holds the truth, ours and the plain one's."""
    rng = np.random.default_rng(1)
    truth, probabilities = population.draw(rng, 400_000)
    true = {
        name: float(METRICS.load(name).values(truth, probabilities, np.ones((1, truth.size)))[0])
        for name in METRICS.names()
    }
    held: dict[str, list[int]] = {name: [0, 0] for name in true}
    widths: dict[str, list[float]] = {name: [0.0, 0.0] for name in true}
    for seed in range(samples):
        truth, probabilities = population.draw(rng, population.pictures)
        naive = plain(truth, probabilities, seed)
        for name, interval in headline(truth, probabilities, seed).items():
            for k, (low, high) in enumerate(((interval.low, interval.high), naive[name])):
                held[name][k] += low - 1e-12 <= true[name] <= high + 1e-12
                widths[name][k] += (high - low) / samples
    for name, (ours, theirs) in held.items():
        print(
            f"{population.title:26} {name:18} {true[name]:7.4f}"
            f"   {ours / samples:7.1%} {widths[name][0]:7.4f}"
            f"   {theirs / samples:7.1%} {widths[name][1]:7.4f}",
            flush=True,
        )


def gate_error(pictures: int, margin: float) -> tuple[float, float]:
    """The largest chance of passing a candidate that is worse by exactly the margin, and where."""
    factorials = np.array([lgamma(i + 1) for i in range(pictures + 1)])
    worst = (-inf, 0.0)
    for gain in (0.0, 0.001, 0.003, 0.01, 0.03):
        loss = gain - margin
        most = min(pictures, int(pictures * (gain + loss) + 10 * (pictures * (gain + loss)) ** 0.5 + 10))
        chance = 0.0
        for gained in range(most + 1 if gain else 1):
            for lost in range(most + 1 - gained):
                same = pictures - gained - lost
                log = factorials[pictures] - factorials[gained] - factorials[lost] - factorials[same]
                log += (
                    (gained * np.log(gain) if gained else 0.0)
                    + lost * np.log(loss)
                    + same * np.log1p(-gain - loss)
                )
                if log > -25 and matched_lower(gained, lost, pictures) > margin:
                    chance += float(np.exp(log))
        worst = max(worst, (chance, gain))
    return worst


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=400)
    samples: int = parser.parse_args().samples
    print(f"share of {samples} samples whose 95 % interval holds the true figure, and its mean width")
    print(
        f"{'population':26} {'figure':18} {'true':>7}   {'ours':>7} {'width':>7}   {'plain':>7} {'width':>7}"
    )
    for population in POPULATIONS:
        coverage(population, samples)
    print("\nchance of passing a candidate worse by exactly the margin (wanted: at most 5 %)")
    for pictures, margin in ((100, -0.03), (299, -0.01), (500, -0.01)):
        chance, gain = gate_error(pictures, margin)
        print(
            f"n={pictures:5} margin {margin:+.2f}: {chance:.2%}"
            f" (worst where the candidate alone is right on {gain:.1%})"
        )


if __name__ == "__main__":
    main()
