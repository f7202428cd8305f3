"""One class a picture: ``probabilities`` float32 ``[N, C]``, calibrated inside the graph."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sightline.infer.outputs.base import Reading
from sightline.infer.runtimes.base import Arrays
from sightline.values.contract import ModelContract
from sightline.values.prediction import ScoredLabel

USUAL = 5
"""Labels of an answer where nobody said how many."""


def interpret(
    outputs: Arrays, contract: ModelContract, thresholds: Mapping[str, float], top: int | None
) -> tuple[Reading | None, ...]:
    """Labels by falling probability; among equals the earlier class comes first."""
    probabilities = outputs["probabilities"].astype(np.float64)
    most = USUAL if top is None else top
    return tuple(_reading(row, contract.classes, thresholds, most) for row in probabilities)


def _reading(
    row: npt.NDArray[np.float64], classes: tuple[str, ...], thresholds: Mapping[str, float], top: int
) -> Reading | None:
    if not np.isfinite(row).all():
        return None
    best = np.argsort(-row, kind="stable")[:top].tolist()
    scored = [(classes[index], float(row[index])) for index in best]
    return Reading(
        tuple(ScoredLabel(label, score, score >= thresholds.get(label, 0.0)) for label, score in scored)
    )
