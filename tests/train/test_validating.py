"""Which epoch is kept."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from sightline.train.validating import Validation, better
from sightline.values.recipe import Recipe
from train_bench import make_bench


@pytest.fixture
def classifier(tmp_path: Path) -> Recipe:
    return make_bench(tmp_path, count=4).recipe


def test_a_classifier_keeps_the_lowest_loss(classifier: Recipe) -> None:
    assert better(classifier, Validation(0.4, 0.1), Validation(0.5, 0.9))
    assert not better(classifier, Validation(0.5, 0.9), Validation(0.5, 0.1))
    assert better(classifier, Validation(math.nan, math.nan), Validation(0.5, 0.1))


def test_a_detector_keeps_the_last_unless_there_is_a_patience(classifier: Recipe) -> None:
    detector = replace(classifier, task="detection", patience=0)
    assert better(detector, Validation(9.0, 0.1), Validation(1.0, 0.9))
    patient = replace(detector, patience=3)
    assert not better(patient, Validation(1.0, 0.1), Validation(9.0, 0.9))
    assert better(patient, Validation(9.0, 0.9), Validation(1.0, 0.1))
    assert better(patient, Validation(1.0, 0.5), Validation(2.0, 0.5))
    assert not better(patient, Validation(2.0, 0.5), Validation(2.0, 0.5))
    assert better(patient, Validation(1.0, math.nan), Validation(2.0, math.nan))
