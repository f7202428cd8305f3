"""Answers drawn once, with the figures that scikit-learn 1.9.1 gives for them."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest


@dataclass(frozen=True)
class Golden:
    truth: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]


@pytest.fixture(scope="session")
def golden() -> Golden:
    stored = json.loads(Path(__file__).with_name("golden_answers.json").read_text())
    return Golden(
        truth=np.array(stored["truth"], np.int64),
        probabilities=np.array(stored["hundredths"], np.float64) / 100,
        weights=np.array(stored["weights"], np.float64),
    )
