"""What holds of average precision whatever the pictures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluate.drawn_objects import draw, perfect, reorder
from sightline.evaluate.matches import Matches
from sightline.evaluate.matching import match
from sightline.evaluate.measure import measure, metrics_of
from sightline.evaluate.metrics import METRICS
from sightline.evaluate.plus_four import plus_four
from sightline.values.boxes import Boxes
from sightline.values.objects import Detections

NAMES = tuple(metrics_of("detection"))
SEEDS = st.integers(0, 10_000)


def figures(matches: Matches) -> list[float]:
    return [measure(name, matches) for name in NAMES]


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_perfect_answers_have_an_average_precision_of_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, _ = draw(rng, 8, crowd=0.0)
    found = figures(match(truth, perfect(truth, rng), 3))
    assert all(value == 1.0 or np.isnan(value) for value in found)
    assert found[NAMES.index("ap")] == 1.0


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_the_order_of_the_pictures_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pictures = draw(rng, 8)
    order = rng.permutation(8)
    one, other = figures(match(*pictures, 3)), figures(match(*reorder(order, pictures), 3))
    assert other == pytest.approx(one, abs=1e-12, nan_ok=True)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_a_weight_counts_how_often_a_picture_is_there(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pictures = draw(rng, 8)
    times = rng.integers(0, 4, 8)
    matches, repeated = match(*pictures, 3), match(*reorder(np.repeat(np.arange(8), times), pictures), 3)
    rows = np.stack([times.astype(np.float64), np.ones(8)])
    for name in NAMES:
        weighted, plain = METRICS.load(name).values(matches, rows)
        assert weighted == pytest.approx(measure(name, repeated), abs=1e-9, nan_ok=True)
        assert plain == pytest.approx(measure(name, matches), abs=1e-12, nan_ok=True)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_detections_below_every_find_add_no_recall(seed: int) -> None:
    truth, answers = draw(np.random.default_rng(seed), 8)
    full = match(truth, answers, 3)
    lowest = [table.score[table.hits.any(axis=0)].min(initial=1.0) for table in full.by_area["all"]]
    fewer = match(truth, [each.above(lowest) for each in answers], 3)
    for one, other in zip(full.by_area["all"], fewer.by_area["all"], strict=True):
        assert other.hits.sum(axis=1).tolist() == one.hits.sum(axis=1).tolist()
    assert measure("ap", fewer) == pytest.approx(measure("ap", full), abs=1e-12, nan_ok=True)


def test_many_resamples_are_reckoned_as_one_by_one() -> None:
    rng = np.random.default_rng(5)
    matches = match(*draw(rng, 30), 3)
    rows = rng.multinomial(30, np.full(30, 1 / 30), size=300).astype(np.float64)
    for name in NAMES:
        metric = METRICS.load(name)
        together = metric.values(matches, rows)
        alone = np.concatenate([metric.values(matches, row[None]) for row in rows[:5]])
        assert together.shape == (300,)
        assert together[:5] == pytest.approx(alone, abs=1e-12)


def test_the_added_pictures_are_answered_half_right_and_leave_the_figures_alone() -> None:
    truth, answers = draw(np.random.default_rng(2), 12, classes=3, used=2)
    matches = match(truth, answers, 3)
    plan = plus_four(matches, matches)
    one, other = plan.answers
    added = slice(12, None)
    assert one.pictures == 12 + 2 * 2
    assert plan.population[added].sum() == 4
    for name in NAMES:
        real = METRICS.load(name).values(one, plan.sample[None])[0]
        assert real == pytest.approx(measure(name, matches), abs=1e-12)
        right, wrong = np.zeros(16), np.zeros(16)
        right[12:14], wrong[14:16] = 1.0, 1.0
        values, rows = METRICS.load(name).values, np.stack([right, wrong])
        by_one, by_other = values(one, rows), values(other, rows)
        assert by_one.tolist() == [1.0, 0.0]
        assert by_other.tolist() == [0.0, 1.0]
    without = Detections(Boxes(np.empty((0, 4)), truth[0].boxes.size), np.empty(0, np.int64), np.empty(0))
    bare = plus_four(match(truth[:1] * 0, [], 3))
    assert bare.answers[0].pictures == 0
    blind = plus_four(match(truth, [without] * 12, 3))
    assert measure("ap", blind.answers[0]) > 0
