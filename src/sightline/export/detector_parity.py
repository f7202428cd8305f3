"""Does an exported detector find what the trained network finds, on the same pixels?

Rounding moves a score or a box by a little, and a detection that lies at a threshold may then appear or
vanish: one whose score is at the least one, or at one of the two cuts, or whose overlap with a better one is
at the limit. Of two with equal scores that overlap too much, either may suppress the other. Where such a one
goes, those that it suppressed come back, and where that makes more than are kept, the last ones go. All these
are counted apart, as borderline; any other detection that the other side lacks is a difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sightline.errors import ParityError
from sightline.evaluate.average_precision import average_precision
from sightline.evaluate.detection_pairs import BOX_TOLERANCE, TOLERANCE, largest, largest_differences, pair
from sightline.export.detector import PixelsToCandidates
from sightline.export.onnx_file import EMBEDDING
from sightline.infer.outputs.detection import detections
from sightline.infer.runtimes import RUNTIMES
from sightline.train.arch.base import Found
from sightline.train.suppression import suppress
from sightline.values.boxes import Boxes
from sightline.values.contract import Suppression
from sightline.values.evaluation import DetectionParity
from sightline.values.image import Size
from sightline.values.objects import Detections, Objects

_TIE = 1e-5
"""Scores that differ by less may change places."""

_NEAR_BOX, _NEAR_SCORE = 1.0, 0.01
"""What differs by no more is one detection that has moved, so that by how much is seen and not hidden."""
_BATCH = 8

Marks = npt.NDArray[np.bool_]


def detector_parity(
    model: PixelsToCandidates,
    exported: bytes,
    pixels: npt.NDArray[np.uint8],
    source: str,
    classes: int,
    rule: Suppression,
    threads: int,
    truth: Sequence[Objects] | None = None,
) -> DetectionParity:
    """Both answer ``pixels`` ``[N, H, W, 3]``; ``source`` says in words what pictures these are.

    ``truth``, in pixels of the model's input, gives the difference of AP.
    """
    session = RUNTIMES.load("onnxruntime").load(exported, threads)
    model = model.cpu().eval()
    total = matched = borderline = 0
    worst_score = worst_box = worst_embedding = 0.0
    trained: list[Detections] = []
    sealed: list[Detections] = []
    for start in range(0, len(pixels), _BATCH):
        batch = np.ascontiguousarray(pixels[start : start + _BATCH])
        answer = session.run(batch)
        with torch.inference_mode():
            boxes, scores, embedding = model(torch.from_numpy(batch))
        worst_embedding = max(worst_embedding, largest(answer[EMBEDDING] - embedding.numpy()))
        ours = suppress(Found(boxes, scores, embedding, ()), model.size, rule)
        # Of an answer whose numbers make no sense all is lacking, which is a difference.
        nothing = Detections.none(model.size)
        theirs = [each or nothing for each in detections(answer, classes, model.size)]
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            found = compare_answers(one, other, Candidates(boxes[number], scores[number], rule))
            total += found.detections
            matched += found.matched
            borderline += found.borderline
            worst_score, worst_box = max(worst_score, found.score), max(worst_box, found.box)
        trained += ours
        sealed += theirs
    difference = None
    if truth is not None:
        difference = average_precision(truth, sealed, classes) - average_precision(truth, trained, classes)
    passes = (
        len(pixels) > 0
        and matched + borderline == total
        and worst_score <= TOLERANCE
        and worst_box <= BOX_TOLERANCE
        and worst_embedding < np.inf
    )
    return DetectionParity(
        pictures=len(pixels),
        source=source,
        detections=total,
        matched=matched,
        borderline=borderline,
        max_score_difference=worst_score,
        max_box_difference=worst_box,
        max_embedding_difference=worst_embedding,
        ap_difference=None if difference is None or np.isnan(difference) else difference,
        tolerance=TOLERANCE,
        box_tolerance=BOX_TOLERANCE,
        passes=passes,
    )


def require_detector_parity(parity: DetectionParity) -> DetectionParity:
    """``parity`` itself.

    Raises:
        ParityError: it does not hold.
    """
    if parity.passes:
        return parity
    p = parity
    raise ParityError(
        f"the exported model does not answer like the trained one: over {p.pictures} {p.source}, "
        f"{p.detections - p.matched - p.borderline} of {p.detections} detections have no partner, scores "
        f"differ by up to {p.max_score_difference:.2g} (allowed {p.tolerance:g}) and boxes by up to "
        f"{p.max_box_difference:.2g} px (allowed {p.box_tolerance:g})"
    )


@dataclass(frozen=True, slots=True)
class PictureParity:
    """One picture's part of a ``DetectionParity``; ``score`` and ``box`` are its largest differences."""

    detections: int
    matched: int
    borderline: int
    score: float
    box: float


def compare_answers(one: Detections, other: Detections, candidates: "Candidates") -> PictureParity:
    """Both answers about one picture; ``one`` is that of the network that gave the ``candidates``."""
    same = pair(one, other, BOX_TOLERANCE, TOLERANCE)
    score, box = largest_differences(one, other, same)
    detections = len(one) + len(other) - len(same.ours)
    left, right = _without(one, same.ours), _without(other, same.theirs)
    if not len(left) and not len(right):
        return PictureParity(detections, len(same.ours), 0, score, box)
    doubtful = Doubts.of(candidates)
    # First those that explain themselves; what then is near another has moved by more than rounding.
    ours, theirs = doubtful.among(left, other), doubtful.among(right, one)
    moved = pair(_only(left, ~ours), _only(right, ~theirs), _NEAR_BOX, _NEAR_SCORE)
    further = largest_differences(_only(left, ~ours), _only(right, ~theirs), moved)
    return PictureParity(
        detections=detections - len(moved.ours),
        matched=len(same.ours) + len(moved.ours),
        borderline=int(ours.sum() + theirs.sum()),
        score=max(score, further[0]),
        box=max(box, further[1]),
    )


def _without(found: Detections, taken: npt.NDArray[np.int64]) -> Detections:
    return _only(found, ~np.isin(np.arange(len(found)), taken))


def _only(found: Detections, kept: Marks) -> Detections:
    return Detections(
        Boxes(found.boxes.xyxy[kept], found.boxes.size), found.classes[kept], found.scores[kept]
    )


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What the trained network gave about one picture, ``[A, 4]`` and ``[A, C]``, before suppression."""

    boxes: Tensor
    scores: Tensor
    rule: Suppression


@dataclass(frozen=True, slots=True, eq=False)
class Doubts:
    """The candidates of one picture about which rounding may decide either way.

    ``limits`` are the scores at which it does; ``boxes``, ``classes`` and ``scores`` are those of the others.
    """

    candidates: Candidates
    limits: npt.NDArray[np.float64]
    boxes: Boxes
    classes: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]

    @classmethod
    def of(cls, given: Candidates) -> "Doubts":
        """Looks at those that the suppression looks at; what lies beyond a cut is told by its score."""
        rule, size = given.rule, Size(1, 1)  # the size is of no importance: nothing is cut
        value, pairs = given.scores.flatten().topk(min(rule.candidates, given.scores.numel()))
        scores = value.numpy().astype(np.float64)
        taken = scores > rule.least_score - TOLERANCE
        scores, pairs = scores[taken], pairs[torch.from_numpy(taken)]
        number = (pairs % given.scores.shape[1]).numpy()
        places = given.boxes.numpy()[(pairs // given.scores.shape[1]).numpy()].astype(np.float64)
        overlap = np.zeros((len(scores), len(scores)))
        for each in np.unique(number).tolist():
            mine = np.flatnonzero(number == each)
            own = Boxes(places[mine], size)
            overlap[np.ix_(mine, mine)] = own.iou(own)
        kept = _kept(overlap, rule)
        limits = [rule.least_score]
        if len(scores) == rule.candidates:
            limits.append(float(scores[-1]))
        if kept.sum() >= rule.detections:
            limits.append(float(scores[np.flatnonzero(kept)[rule.detections - 1]]))
        at_limit = np.abs(scores[:, None] - limits) <= TOLERANCE
        doubtful: Marks = np.asarray(at_limit.any(axis=1), np.bool_)
        # An overlap at the limit counts where the better one is there to suppress.
        near = (np.abs(overlap - rule.iou) <= TOLERANCE) & kept[:, None]
        doubtful |= np.triu(near, 1).any(axis=0)
        ties = (overlap > rule.iou - TOLERANCE) & (np.abs(scores[:, None] - scores) <= _TIE)
        doubtful |= (ties & ~np.eye(len(scores), dtype=np.bool_)).any(axis=0)
        doubtful = _with_those_they_decide(doubtful, overlap, rule)
        return cls(
            given,
            np.array(limits),
            Boxes(places[doubtful], size),
            number[doubtful].astype(np.int64),
            scores[doubtful],
        )

    def among(self, found: Detections, other: Detections) -> Marks:
        """Which detections, of those the ``other`` answer lacks, are doubtful ones.

        All are the network's own candidates, with their scores.
        """
        apart = np.abs(found.boxes.xyxy[:, None] - self.boxes.xyxy[None]).max(axis=2, initial=0.0)
        same = (apart <= BOX_TOLERANCE) & (np.abs(found.scores[:, None] - self.scores) <= TOLERANCE)
        known = (same & (found.classes[:, None] == self.classes)).any(axis=1)
        at_limit = (np.abs(found.scores[:, None] - self.limits) <= TOLERANCE).any(axis=1)
        if len(other) >= self.candidates.rule.detections:
            # The other answer was full before these came: it holds more of the better ones, judged there.
            at_limit |= found.scores <= other.scores.min() + TOLERANCE
        for row in np.flatnonzero(at_limit & ~known).tolist():
            known[row] = self._is_candidate(found, row)
        return np.asarray(known, np.bool_)

    def _is_candidate(self, found: Detections, row: int) -> bool:
        given = self.candidates
        apart = np.abs(given.boxes.numpy() - found.boxes.xyxy[row]).max(axis=1)
        scored = np.abs(given.scores[:, int(found.classes[row])].numpy() - found.scores[row])
        return bool(((apart <= BOX_TOLERANCE) & (scored <= TOLERANCE)).any())


def _kept(overlap: npt.NDArray[np.float64], rule: Suppression) -> Marks:
    """Which candidates, by falling score, survive the suppression."""
    kept = np.ones(len(overlap), np.bool_)
    for row in range(len(overlap)):
        if kept[row]:
            kept[row + 1 :] &= overlap[row, row + 1 :] <= rule.iou
    return kept


def _with_those_they_decide(doubtful: Marks, overlap: npt.NDArray[np.float64], rule: Suppression) -> Marks:
    """``doubtful``, and every worse candidate that one of them would suppress, and so on."""
    reach = np.triu(overlap > rule.iou - TOLERANCE, 1)
    while True:
        more = doubtful | reach[doubtful].any(axis=0)
        if (more == doubtful).all():
            return doubtful
        doubtful = more
