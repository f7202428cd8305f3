"""One class a picture: ``probabilities`` float32 ``[N, C]``, calibrated inside the graph."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sightline.infer.outputs.base import Labels
from sightline.infer.runtimes.base import Arrays
from sightline.values.contract import TensorSpec
from sightline.values.prediction import ScoredLabel


def tensors(classes: tuple[str, ...]) -> tuple[TensorSpec, ...]:
    """The probabilities of all classes."""
    return (TensorSpec("probabilities", "float32", ("N", len(classes))),)


def interpret(
    outputs: Arrays, classes: tuple[str, ...], thresholds: Mapping[str, float], top: int
) -> tuple[Labels, ...]:
    """Labels by falling probability; among equals the earlier class comes first."""
    probabilities = outputs["probabilities"].astype(np.float64)
    return tuple(_labels(row, classes, thresholds, top) for row in probabilities)


def _labels(
    row: npt.NDArray[np.float64], classes: tuple[str, ...], thresholds: Mapping[str, float], top: int
) -> Labels:
    if not np.isfinite(row).all():
        return ()
    best = np.argsort(-row, kind="stable")[:top].tolist()
    scored = [(classes[index], float(row[index])) for index in best]
    return tuple(ScoredLabel(label, score, score >= thresholds.get(label, 0.0)) for label, score in scored)
