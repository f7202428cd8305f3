"""Does an exported detector find what the trained network finds, on the same pixels?

Rounding moves a score or a box by a little, and a detection that lies at a threshold may then appear or
vanish: one whose score is at the least one, or at one of the two cuts, or whose overlap with a better one is
at the limit. Of two with equal scores that overlap too much, either may suppress the other. Where such a one
goes, those that it suppressed come back. All these are counted apart, as borderline; any other detection that
the other side lacks is a difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sightline.errors import ParityError
from sightline.evaluate.average_precision import average_precision
from sightline.export.classifier_parity import largest
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

TOLERANCE, BOX_TOLERANCE = 1e-4, 0.05
"""Largest differences of a score, and of a side in pixels, that rounding may explain."""

_TIE = 1e-5
"""Scores that differ by less may change places."""

_SAME_BOX, _SAME_SCORE = 1.0, 0.01
"""Within these two detections are taken for the same one, so that what differs more is seen, not hidden."""
_BATCH = 8

Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Detections of one picture by both: those that are the same, as rows ``[K]`` of each."""

    ours: npt.NDArray[np.int64]
    theirs: npt.NDArray[np.int64]


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
        theirs = [each or _nothing(model.size) for each in detections(answer, classes, model.size)]
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            pairs = pair(one, other)
            total += len(one) + len(other) - len(pairs.ours)
            matched += len(pairs.ours)
            if len(pairs.ours):
                scored = one.scores[pairs.ours] - other.scores[pairs.theirs]
                boxed = one.boxes.xyxy[pairs.ours] - other.boxes.xyxy[pairs.theirs]
                worst_score, worst_box = max(worst_score, largest(scored)), max(worst_box, largest(boxed))
            if not len(pairs.ours) == len(one) == len(other):
                doubts = Doubts.of(boxes[number], scores[number], rule)
                borderline += doubts.holds(one, pairs.ours) + doubts.holds(other, pairs.theirs)
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


def pair(one: Detections, other: Detections) -> Pairs:
    """The same detections of two answers about one picture, nearest first; each stands in one pair."""
    apart = np.abs(one.boxes.xyxy[:, None] - other.boxes.xyxy[None]).max(axis=2, initial=0.0)
    scored = np.abs(one.scores[:, None] - other.scores[None])
    same = (one.classes[:, None] == other.classes[None]) & (apart <= _SAME_BOX) & (scored <= _SAME_SCORE)
    rows, columns = np.nonzero(same)
    order = np.argsort(apart[rows, columns] + scored[rows, columns], kind="stable")
    ours: dict[int, int] = {}
    taken: set[int] = set()
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in ours and column not in taken:
            ours[row] = column
            taken.add(column)
    return Pairs(np.array(list(ours), np.int64), np.array(list(ours.values()), np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Doubts:
    """The candidates of one picture about which rounding may decide either way."""

    boxes: Boxes
    classes: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]

    @classmethod
    def of(cls, boxes: Tensor, scores: Tensor, rule: Suppression) -> "Doubts":
        """From the candidates ``[A, 4]`` and ``[A, C]`` of the trained network."""
        ranked, pairs = scores.flatten().sort(descending=True)
        # A few beyond the cut too: the other side may have taken them instead.
        count = int((ranked > rule.least_score - TOLERANCE).sum())
        count = min(count, int((ranked > ranked[min(rule.candidates, len(ranked)) - 1] - TOLERANCE).sum()))
        value = ranked[:count].numpy().astype(np.float64)
        place, number = (pairs[:count] // scores.shape[1]).numpy(), (pairs[:count] % scores.shape[1]).numpy()
        size = Size(1, 1)  # of no importance: nothing is cut
        all_boxes = Boxes(boxes.numpy()[place].astype(np.float64), size)
        doubtful = np.abs(value - rule.least_score) <= TOLERANCE
        if count >= rule.candidates:
            doubtful |= np.abs(value - value[rule.candidates - 1]) <= TOLERANCE
        overlap = np.zeros((count, count))
        for each in np.unique(number).tolist():
            mine = np.flatnonzero(number == each)
            own = Boxes(all_boxes.xyxy[mine], size)
            overlap[np.ix_(mine, mine)] = own.iou(own)
        kept = _kept(overlap, rule)
        survivors = np.flatnonzero(kept)
        if len(survivors) >= rule.detections:
            doubtful |= np.abs(value - value[survivors[rule.detections - 1]]) <= TOLERANCE
        # An overlap at the limit counts where the better one is there to suppress.
        near = (np.abs(overlap - rule.iou) <= TOLERANCE) & kept[:, None]
        doubtful |= np.triu(near, 1).any(axis=0)
        ties = (overlap > rule.iou - TOLERANCE) & (np.abs(value[:, None] - value) <= _TIE)
        doubtful |= (ties & ~np.eye(count, dtype=np.bool_)).any(axis=0)
        doubtful = _with_those_they_decide(doubtful, overlap, rule)
        return cls(Boxes(all_boxes.xyxy[doubtful], size), number[doubtful].astype(np.int64), value[doubtful])

    def holds(self, found: Detections, matched: npt.NDArray[np.int64]) -> int:
        """How many detections of ``found`` outside ``matched`` are among the doubtful."""
        left = np.setdiff1d(np.arange(len(found)), matched)
        apart = np.abs(found.boxes.xyxy[left][:, None] - self.boxes.xyxy[None]).max(axis=2, initial=0.0)
        scored = np.abs(found.scores[left][:, None] - self.scores[None])
        same = (apart <= BOX_TOLERANCE) & (scored <= TOLERANCE)
        same &= found.classes[left][:, None] == self.classes[None]
        return int(same.any(axis=1).sum())


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


def _nothing(size: Size) -> Detections:
    """For an answer whose numbers make no sense: what it lacks is then a difference."""
    return Detections(Boxes(np.empty((0, 4)), size), np.empty(0, np.int64), np.empty(0))
