"""How often the 95 % intervals hold the true figure, and how often the gate errs.

Data: none from outside; answers are drawn from a known population, whose true figures are taken from many
draws: class-conditional normal logits (400,000 pictures), and objects that a detector finds more or less
well, easy and hard pictures apart (10,000 pictures). Beside ours stands the plain percentile bootstrap on
the same samples. The gate's error is exact for shares: every table of disagreements is weighed by its
probability; for average precision it is the share of drawn comparisons that pass.

    python benchmarks/interval_coverage.py [--samples 400] [--detector-samples 200]
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from math import inf, lgamma

import numpy as np
import numpy.typing as npt

from sightline.evaluate.answers import Answers, OneTask, task_of
from sightline.evaluate.classified import Classified
from sightline.evaluate.gates import compare
from sightline.evaluate.headline import headline
from sightline.evaluate.matches import Matches
from sightline.evaluate.matching import match
from sightline.evaluate.measure import measure, metrics_of
from sightline.statistics.bootstrap import bootstrap
from sightline.statistics.calibration import softmax
from sightline.statistics.matched_pairs import matched_lower
from sightline.values.boxes import Boxes
from sightline.values.image import Size
from sightline.values.objects import Detections, Objects

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Population:
    """Pictures whose true class gets ``signal`` more logit; scores are sharpened by ``sharpness``."""

    title: str
    shares: tuple[float, ...]
    signal: float
    sharpness: float
    pictures: int
    enough: int = 400_000

    def draw(self, rng: np.random.Generator, count: int) -> Classified:
        """Pictures answered by the model."""
        truth = rng.choice(len(self.shares), size=count, p=self.shares).astype(np.int64)
        logits = rng.normal(size=(count, len(self.shares)))
        logits[np.arange(count), truth] += self.signal
        # the exact posterior of this population is softmax(signal * logits + log shares)
        return Classified(truth, softmax(self.sharpness * (self.signal * logits + np.log(self.shares))))


POPULATIONS = (
    Population("even, 90 %, n=200", (0.25,) * 4, 2.6, 1.0, 200),
    Population("rare class, 94 %, n=200", (0.6, 0.3, 0.08, 0.02), 2.6, 1.0, 200),
    Population("overconfident, n=500", (0.25,) * 4, 1.5, 2.0, 500),
    Population("calibrated, n=1000", (0.1,) * 10, 2.0, 1.0, 1000),
    Population("nearly perfect, n=50", (0.5, 0.5), 3.6, 1.0, 50),
)


SIDE = 400


@dataclass(frozen=True)
class Scenes:
    """Pictures of 400 x 400 pixels with ``objects`` each on average, of classes with these ``shares``.

    A detector finds a share ``found`` of them, in one picture in five half as many, with edges off by
    ``jitter`` times the box's side, and gives ``false`` other boxes with lower scores.
    """

    title: str
    shares: tuple[float, ...]
    objects: float
    found: float
    jitter: float
    false: float
    pictures: int
    enough: int = 10_000

    def draw(self, rng: np.random.Generator, count: int) -> Matches:
        """Pictures answered by the detector."""
        return self.answered(rng, self.truths(rng, count))

    def answered(self, rng: np.random.Generator, truth: list[Objects]) -> Matches:
        """These pictures answered by the detector; another time it sees others of the objects."""
        return match(truth, [self._answer(rng, each) for each in truth], len(self.shares))

    def truths(self, rng: np.random.Generator, count: int) -> list[Objects]:
        """What is in so many pictures."""
        found = []
        for number in rng.poisson(self.objects, count):
            labels = rng.choice(len(self.shares), size=number, p=self.shares).astype(np.int64)
            found.append(Objects(_boxes(rng, number), labels, np.zeros(number, np.bool_)))
        return found

    def _answer(self, rng: np.random.Generator, truth: Objects) -> Detections:
        hard = rng.random() < 0.2
        seen = rng.random(len(truth)) < self.found * (0.5 if hard else 1.0)
        boxes = truth.boxes.xyxy[seen]
        sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        moved = np.sort((boxes + rng.normal(0, self.jitter, sides.shape) * sides).reshape(-1, 2, 2), axis=1)
        more = rng.poisson(self.false)
        scores = np.append(rng.beta(5, 2, len(boxes)), rng.beta(1.5, 4, more))
        labels = np.append(truth.classes[seen], rng.integers(0, len(self.shares), more))
        order = np.argsort(-scores)
        both = np.vstack([moved.reshape(-1, 4), _boxes(rng, more).xyxy])
        return Detections(Boxes(both[order], truth.boxes.size), labels[order], scores[order])


def _boxes(rng: np.random.Generator, count: int) -> Boxes:
    sides = np.exp(rng.uniform(np.log(10), np.log(200), (count, 2)))
    corners = rng.random((count, 2)) * (SIDE - sides)
    return Boxes(np.hstack([corners, corners + sides]), Size(SIDE, SIDE))


SCENES = (
    Scenes("boxes, n=100", (0.4, 0.3, 0.3), 5, 0.85, 0.06, 4, 100),
    Scenes("boxes, rare class, n=200", (0.7, 0.25, 0.05), 3, 0.85, 0.06, 2, 200),
    Scenes("boxes, few pictures, n=30", (0.5, 0.5), 4, 0.8, 0.1, 4, 30),
    Scenes("boxes, nearly perfect, n=50", (0.5, 0.5), 3, 1.0, 0.01, 0.2, 50),
)


def plain(answers: Answers, seed: int) -> dict[str, tuple[float, float]]:
    """The percentile bootstrap as most tools have it."""
    metrics, ones = metrics_of(task_of(answers)), np.ones(answers.pictures)

    def figures(weights: Floats) -> Floats:
        return np.stack([m.values(answers, weights) for m in metrics.values()], axis=1)

    found: dict[str, tuple[float, float]] = {}
    for name, r in zip(metrics, bootstrap(figures, ones, ones, resamples=1000, seed=seed), strict=True):
        bias_put_back = 2 * (r.value - float(r.drawn.mean()))
        low, high = np.quantile(r.drawn + bias_put_back, [0.025, 0.975])
        found[name] = (float(low), float(high))
    return found


def coverage(
    population: Population | Scenes, draw: Callable[[np.random.Generator, int], OneTask], samples: int
) -> None:
    """Print the share of samples whose interval holds the truth, ours and the plain one's."""
    rng = np.random.default_rng(1)
    many = draw(rng, population.enough)
    true = {name: measure(name, many) for name in metrics_of(task_of(many))}
    held: dict[str, list[int]] = {name: [0, 0] for name in true}
    widths: dict[str, list[float]] = {name: [0.0, 0.0] for name in true}
    for seed in range(samples):
        answers = draw(rng, population.pictures)
        naive, found = plain(answers, seed), headline(answers, seed)
        for name, interval in found.items():
            for k, (low, high) in enumerate(((interval.low, interval.high), naive[name])):
                held[name][k] += low - 1e-12 <= true[name] <= high + 1e-12
                widths[name][k] += (high - low) / samples
    for name, (ours, theirs) in held.items():
        print(
            f"{population.title:27} {name:18} {true[name]:7.4f}"
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


def detector_gate_error(scenes: Scenes, samples: int) -> float:
    """How often the gate on AP passes a candidate that is worse by exactly the margin.

    Two detectors that are equally good stand for it, with a margin of 0.
    """
    rng, passed = np.random.default_rng(2), 0
    for _ in range(samples):
        truth = scenes.truths(rng, scenes.pictures)
        one, other = scenes.answered(rng, truth), scenes.answered(rng, truth)
        passed += compare(one, other, margin=0.0).passes
    return passed / samples


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--detector-samples", type=int, default=200)
    arguments = parser.parse_args()
    samples: int = arguments.samples
    few: int = arguments.detector_samples
    print(
        f"share of {samples} samples ({few} of boxes) whose 95 % interval holds the truth, and its mean width"
    )
    print(
        f"{'population':27} {'figure':18} {'true':>7}   {'ours':>7} {'width':>7}   {'plain':>7} {'width':>7}"
    )
    for population in POPULATIONS:
        coverage(population, population.draw, samples)
    for scenes in SCENES:
        coverage(scenes, scenes.draw, few)
    print("\nchance of passing a candidate worse by exactly the margin (wanted: at most 5 %)")
    for pictures, margin in ((100, -0.03), (299, -0.01), (500, -0.01)):
        chance, gain = gate_error(pictures, margin)
        print(
            f"n={pictures:5} margin {margin:+.2f}: {chance:.2%}"
            f" (worst where the candidate alone is right on {gain:.1%})"
        )
    for scenes in SCENES:
        print(f"{scenes.title:27} AP: {detector_gate_error(scenes, few):.1%} of {few} samples", flush=True)


if __name__ == "__main__":
    main()
