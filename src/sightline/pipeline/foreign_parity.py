"""Does an imported file answer as it did where it was made? Measured on reference outputs from there."""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sightline.errors import BundleError, InputError, ParityError
from sightline.evaluate.detection_pairs import largest, largest_differences, pair
from sightline.infer.outputs.detection import detections
from sightline.values.contract import ModelContract
from sightline.values.evaluation import DetectionParity, Parity
from sightline.values.foreign import ForeignModel
from sightline.values.image import Pixels
from sightline.values.objects import Detections

if TYPE_CHECKING:
    from sightline.infer.runtimes.base import Arrays, Session

TOLERANCE, BOX_TOLERANCE = 1e-3, 0.1
"""Largest differences of a score, and of a side in pixels, that another engine's rounding may explain."""

_PIXELS = "pictures"
_LARGEST = 4 << 30
_NEAR_BOX, _NEAR_SCORE = 1.0, 0.01
"""What differs by no more is one detection that has moved, so that by how much is seen."""

Array = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceOutputs:
    """``pixels`` uint8 ``[N, H, W, 3]``, and what the file gave for them, by sightline's names."""

    name: str
    pixels: Pixels
    outputs: Mapping[str, Array]


def read_reference_outputs(path: Path, model: ForeignModel, contract: ModelContract) -> ReferenceOutputs:
    """The ``.npz`` file ``path``: ``pictures``, and an array for each output, by the file's names.

    Raises:
        InputError: it cannot be read, or lacks one of them; names it.
    """
    names = {_PIXELS: _PIXELS, **model.outputs}
    try:
        with zipfile.ZipFile(path) as listed:
            if sum(each.file_size for each in listed.infolist()) > _LARGEST:
                raise InputError(f"{path.name!r} holds more than {_LARGEST >> 30} GB")
        with np.load(path, allow_pickle=False) as file:
            found = {ours: np.asarray(file[theirs]) for ours, theirs in names.items() if theirs in file}
    except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"reference outputs {str(path)!r} cannot be read: {reason}") from error
    missing = next((theirs for ours, theirs in names.items() if ours not in found), None)
    if missing:
        raise InputError(f"reference outputs {path.name!r} have no array {missing!r}")
    pixels = found.pop(_PIXELS)
    size = contract.pixels.size
    if pixels.dtype != np.uint8 or pixels.shape[1:] != (size.height, size.width, 3) or not len(pixels):
        raise InputError(
            f"reference outputs {path.name!r}: pictures must be uint8 [N, {size.height}, {size.width}, 3], "
            f"got {pixels.dtype} {list(pixels.shape)}"
        )
    if "logits" in found:
        found["probabilities"] = _softmax(found.pop("logits"))
    wanted = {each.name: each.shape for each in contract.outputs}
    shaped = {}
    for name, array in found.items():
        try:
            shaped[name] = array.reshape(len(pixels), *wanted[name][1:])
        except (ValueError, TypeError) as error:
            raise InputError(
                f"reference outputs {path.name!r}: {names.get(name, name)!r} has the shape "
                f"{list(array.shape)}, which does not fit {len(pixels)} pictures"
            ) from error
    return ReferenceOutputs(path.name, np.ascontiguousarray(pixels), shaped)


def foreign_parity(
    session: "Session", contract: ModelContract, reference: ReferenceOutputs, batch: int
) -> Parity | DetectionParity:
    """The rewritten file's answers against those of where it was made.

    Raises:
        ParityError: they differ by more than rounding explains.
    """
    parts = [
        session.run(reference.pixels[start : start + batch])
        for start in range(0, len(reference.pixels), batch)
    ]
    given = {each.name: np.concatenate([part[each.name] for part in parts]) for each in contract.outputs}
    embedding = 0.0
    if "embedding" in given:
        wanted = reference.outputs["embedding"].astype(np.float64)
        embedding = largest(given["embedding"].astype(np.float64) - wanted)
    parity: Parity | DetectionParity
    if contract.task == "classification":
        parity = _classified(given, reference, embedding)
    else:
        parity = _detected(given, contract, reference, embedding)
    if not parity.passes:
        raise ParityError(
            f"the file does not answer as {reference.name} says: scores differ by up to "
            f"{parity.max_score_difference:.2g} (allowed {parity.tolerance:g}), {_others(parity)}; most "
            "often scale, mean, std, the order of channels or the layout is described wrongly"
        )
    return parity


def _classified(given: "Arrays", reference: ReferenceOutputs, embedding: float) -> Parity:
    wanted = reference.outputs["probabilities"].astype(np.float64)
    got = given["probabilities"].astype(np.float64)
    worst = largest(got - wanted)
    rows = np.arange(len(got))
    same = int((wanted[rows, got.argmax(axis=1)] >= wanted.max(axis=1) - TOLERANCE).sum())
    passes = worst <= TOLERANCE and same == len(got) and embedding < np.inf
    return Parity(len(got), _source(reference), same, worst, embedding, TOLERANCE, bool(passes))


def _detected(
    given: "Arrays", contract: ModelContract, reference: ReferenceOutputs, embedding: float
) -> DetectionParity:
    classes, size = len(contract.classes), contract.pixels.size
    least = contract.suppression.least_score if contract.suppression else 0.0
    total = matched = borderline = 0
    score = box = 0.0
    theirs = detections(reference.outputs, classes, size)
    for number, (one, other) in enumerate(zip(theirs, detections(given, classes, size), strict=True)):
        if one is None:
            raise InputError(f"{reference.name}: the detections of picture {number} make no sense")
        if other is None:
            raise BundleError(f"the file's detections in picture {number} of {reference.name} make no sense")
        same = pair(one, other, _NEAR_BOX, _NEAR_SCORE)
        apart = largest_differences(one, other, same)
        score, box = max(score, apart[0]), max(box, apart[1])
        matched += len(same.ours)
        total += len(one) + len(other) - len(same.ours)
        borderline += _at_a_cut(one, same.ours, least, len(other)) + _at_a_cut(
            other, same.theirs, least, len(one)
        )
    close = score <= TOLERANCE and box <= BOX_TOLERANCE and embedding < np.inf
    return DetectionParity(
        pictures=len(reference.pixels),
        source=_source(reference),
        detections=total,
        matched=matched,
        borderline=borderline,
        max_score_difference=score,
        max_box_difference=box,
        max_embedding_difference=embedding,
        ap_difference=None,
        tolerance=TOLERANCE,
        box_tolerance=BOX_TOLERANCE,
        passes=bool(close and matched + borderline == total),
    )


def _at_a_cut(found: Detections, taken: npt.NDArray[np.int64], least: float, others: int) -> int:
    """How many of those without a partner lie at the least score, or at the end of a full answer."""
    left = ~np.isin(np.arange(len(found)), taken)
    cuts = [least, *([found.scores.min()] if len(found) > others else [])]
    near = (np.abs(found.scores[:, None] - cuts) <= TOLERANCE).any(axis=1)
    return int((left & near).sum())


def _others(parity: Parity | DetectionParity) -> str:
    if isinstance(parity, Parity):
        return f"{parity.pictures - parity.same_label} of {parity.pictures} pictures have another label"
    alone = parity.detections - parity.matched - parity.borderline
    return (
        f"boxes by up to {parity.max_box_difference:.2g} px (allowed {parity.box_tolerance:g}), {alone} of "
        f"{parity.detections} detections have no partner"
    )


def _source(reference: ReferenceOutputs) -> str:
    return f"those with reference outputs in {reference.name}"


def _softmax(logits: Array) -> Array:
    flat = logits.reshape(len(logits), -1).astype(np.float64)
    raised = np.exp(flat - flat.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
