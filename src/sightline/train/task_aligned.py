"""Which candidate answers for which object, and what is wrong with its answer.

Task alignment (Feng et al. 2021, *TOOD*): a candidate stands for the object inside which it lies and for
which ``score^alpha * IoU^beta`` is highest, so that classification and localisation come to agree on the same
candidates. Boxes are learned by complete IoU (Zheng et al. 2020), scores by binary cross-entropy towards the
normalised alignment, places without an object weighing the less the surer they are (Zhang et al. 2021,
*VarifocalNet*). Other than in TOOD an object's best place is to score the square root of its IoU: a small
object, whose box is hard to meet to the pixel, must not come after what only looks like an object.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from sightline.train.arch.base import Target

ALPHA, BETA, TOP = 0.5, 6.0, 10
BOX_WEIGHT = 5.0
_NEGATIVE, _FOCUS = 0.75, 2.0
_TINY = 1e-9


@dataclass(frozen=True)
class Places:
    """The A places of a picture: ``points`` ``[A, 2]`` in pixels, and each one's ``strides`` ``[A]``."""

    points: Tensor
    strides: Tensor


@dataclass(frozen=True)
class Assigned:
    """For one picture: the object that each place answers for (-1: none) and how well, both ``[A]``."""

    objects: Tensor
    quality: Tensor


@torch.no_grad()
def assign(scores: Tensor, boxes: Tensor, places: Places, target: Target) -> Assigned:
    """The places of one picture that answer for its objects.

    Args:
        scores: ``[A, C]`` in [0, 1].
        boxes: ``[A, 4]``.
        places: where the candidates lie.
        target: M objects.

    Every object gets up to ``TOP`` places inside it; a place inside several objects goes to the one that
    it overlaps most. The best place of an object has the quality of its IoU's square root.
    """
    count, objects = len(boxes), len(target.boxes)
    nobody = torch.full((count,), -1, dtype=torch.int64, device=boxes.device)
    if not objects:
        return Assigned(nobody, boxes.new_zeros(count))
    points, gaps = places.points[:, None], target.boxes[None]
    sides = torch.cat([points - gaps[..., :2], gaps[..., 2:] - points], dim=2)
    inside = sides.amin(dim=2) > 0
    middle = (target.boxes[:, :2] + target.boxes[:, 2:]) / 2
    distance = (points - middle).norm(dim=2)
    # An object between the places, as small ones can be, has the nearest.
    missed = ~inside.any(dim=0)
    inside[distance.argmin(dim=0)[missed], missed.nonzero()[:, 0]] = True
    overlap = iou(boxes[:, None], gaps)
    alignment = scores[:, target.classes] ** ALPHA * overlap**BETA * inside
    # Before anything is learned no box overlaps: then the places nearest to the middle are as good as any.
    away = distance / places.strides[:, None]
    ranked = alignment + _TINY * inside / (1 + away)
    value, best = ranked.topk(min(TOP, count), dim=0)
    chosen = torch.zeros_like(inside).scatter_(0, best, value > 0)
    contested = torch.where(chosen, overlap, -1.0)
    highest, owner = contested.max(dim=1)
    owner = torch.where(highest >= 0, owner, nobody)
    return Assigned(owner, _quality(ranked, overlap, owner, objects))


def _quality(alignment: Tensor, overlap: Tensor, owner: Tensor, objects: int) -> Tensor:
    """Alignment scaled so that each object's best place has the square root of its places' highest IoU."""
    mine = owner >= 0
    rows, columns = mine.nonzero()[:, 0], owner[mine]
    own, lap = alignment[rows, columns], overlap[rows, columns]
    nothing = alignment.new_zeros(objects)
    most = nothing.scatter_reduce(0, columns, own, "amax")
    top = nothing.scatter_reduce(0, columns, lap, "amax")
    quality = alignment.new_zeros(len(owner))
    quality[rows] = own / (most[columns] + _TINY * _TINY) * top[columns].sqrt()
    return quality


def detection_loss(logits: Tensor, boxes: Tensor, places: Places, targets: Sequence[Target]) -> Tensor:
    """The loss of a batch: classes and boxes, both relative to the quality in all.

    Where a place answers for an object all classes weigh alike, the wrong ones too: with a light weight on
    those every class gets a middling score there, and it takes long to tell them apart.

    Args:
        logits: ``[N, A, C]``, before the sigmoid.
        boxes: ``[N, A, 4]``.
        places: where the candidates lie.
        targets: N pictures' objects.
    """
    wanted = torch.zeros_like(logits)
    scores = logits.detach().sigmoid()
    weight = _NEGATIVE * scores**_FOCUS
    box_loss = logits.sum() * 0
    total = 0.0
    for number, target in enumerate(targets):
        learned = Target(*(each[~target.ignored] for each in target))
        found = assign(scores[number], boxes[number], places, learned)
        rows = (found.objects >= 0).nonzero()[:, 0]
        _pass_over(weight[number], places, target)
        if not len(rows):
            continue
        owner, quality = found.objects[rows], found.quality[rows]
        wanted[number, rows, learned.classes[owner]] = quality
        weight[number, rows] = 1.0
        truth = learned.boxes[owner]
        total += float(quality.sum())
        box_loss = box_loss + ((1 - complete_iou(boxes[number, rows], truth)) * quality).sum()
    class_loss = binary_cross_entropy_with_logits(logits, wanted, weight, reduction="sum")
    return (class_loss + BOX_WEIGHT * box_loss) / max(total, 1.0)


def _pass_over(weight: Tensor, places: Places, target: Target) -> None:
    """Nothing is learned from places inside ignored objects."""
    for x0, y0, x1, y1 in target.boxes[target.ignored].tolist():
        x, y = places.points.unbind(dim=1)
        weight[(x > x0) & (x < x1) & (y > y0) & (y < y1)] = 0.0


def iou(one: Tensor, other: Tensor) -> Tensor:
    """Intersection over union of boxes ``[..., 4]``, broadcast."""
    low = torch.maximum(one[..., :2], other[..., :2])
    high = torch.minimum(one[..., 2:], other[..., 2:])
    shared = (high - low).clamp(min=0).prod(dim=-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(dim=-1) for boxes in (one, other)]
    return shared / (areas[0] + areas[1] - shared + _TINY)


def complete_iou(one: Tensor, other: Tensor) -> Tensor:
    """IoU less the distance of the middles and the difference of the shapes, ``[K]`` for ``[K, 4]`` each."""
    overlap = iou(one, other)
    hull = torch.maximum(one[:, 2:], other[:, 2:]) - torch.minimum(one[:, :2], other[:, :2])
    apart = ((one[:, :2] + one[:, 2:] - other[:, :2] - other[:, 2:]) ** 2).sum(dim=1) / 4
    (w1, h1), (w2, h2) = ((box[:, 2:] - box[:, :2]).unbind(dim=1) for box in (one, other))
    shape = (torch.atan(w2 / (h2 + _TINY)) - torch.atan(w1 / (h1 + _TINY))) ** 2 * (4 / math.pi**2)
    with torch.no_grad():
        weight = shape / (1 - overlap + shape + _TINY)
    return overlap - apart / ((hull**2).sum(dim=1) + _TINY) - weight * shape
