"""From a detector's candidates to detections: what the exported graph does, as torch does it."""

import numpy as np
import torch
from torch import Tensor

from sightline.train.arch.base import Found
from sightline.train.torchvision_ops import nms
from sightline.values.boxes import Boxes
from sightline.values.contract import Suppression
from sightline.values.image import Size
from sightline.values.objects import Detections


def suppress(found: Found, size: Size, rule: Suppression) -> list[Detections]:
    """Non-maximum suppression of a batch, class by class; boxes in pixels of the input, of ``size``."""
    boxes, scores = clipped(found.boxes, size).cpu(), found.scores.float().cpu()
    return [_one(box, score, size, rule) for box, score in zip(boxes, scores, strict=True)]


def clipped(boxes: Tensor, size: Size) -> Tensor:
    """``[..., 4]`` cut to the picture."""
    limit = boxes.new_tensor([size.width, size.height] * 2)
    return torch.minimum(boxes.clamp(min=0.0), limit)


def candidates(scores: Tensor, rule: Suppression) -> tuple[Tensor, Tensor, Tensor]:
    """Score, place and class of the best pairs of place and class of ``[A, C]``, by falling score."""
    value, pair = scores.flatten().topk(min(rule.candidates, scores.numel()))
    kept = value > rule.least_score
    return value[kept], pair[kept] // scores.shape[1], pair[kept] % scores.shape[1]


def _one(boxes: Tensor, scores: Tensor, size: Size, rule: Suppression) -> Detections:
    value, place, number = candidates(scores, rule)
    kept = []
    for each in sorted(set(number.tolist())):
        mine = (number == each).nonzero()[:, 0]
        kept.append(mine[nms(boxes[place[mine]], value[mine], rule.iou)[: rule.detections]])
    # Ascending again, and so by falling score.
    rows = torch.cat(kept).sort().values[: rule.detections] if kept else torch.empty(0, dtype=torch.int64)
    return Detections(
        Boxes(boxes[place[rows]].numpy().astype(np.float64), size),
        number[rows].numpy(),
        value[rows].numpy().astype(np.float64),
    )
