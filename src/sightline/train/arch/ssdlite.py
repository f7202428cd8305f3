"""SSDLite over MobileNetV3-Large (Sandler et al. 2018, Howard et al. 2019), as torchvision writes it."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from sightline.train.arch.base import Detector, Found, Network, Target, no_variant
from sightline.train.hub import HubFile, torch_hub_file
from sightline.train.torchvision_ops import import_torchvision
from sightline.values.contract import Normalise
from sightline.values.dataset import Task
from sightline.values.image import Size
from sightline.values.recipe import Recipe

TASK: Task = "detection"
_HALF = Normalise(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


class SSDLite(Detector):
    """Embedding: the mean of the backbone's last map at stride 32."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__(body, heads=("backbone.extra", "head"))

    def forward(self, images: Tensor) -> Found:
        """Every anchor's box, and its class scores without the background's."""
        body = cast(Any, self.body)  # torchvision's model, whose parts are untyped
        maps = list(body.backbone(images).values())
        outputs: Mapping[str, Tensor] = body.head(maps)
        anchors = self._anchors(images, maps)
        boxes = body.box_coder.decode_single(
            outputs["bbox_regression"].float().flatten(0, 1), anchors.repeat(len(images), 1)
        ).unflatten(0, (len(images), len(anchors)))
        scores = outputs["cls_logits"].float().softmax(dim=2)[..., 1:]
        raw = (outputs["bbox_regression"].float(), outputs["cls_logits"].float(), anchors)
        return Found(boxes, scores, maps[1].mean(dim=(2, 3)), raw)

    def loss(self, answer: Found, targets: Sequence[Target], recipe: Recipe) -> Tensor:  # noqa: ARG002
        """torchvision's: smooth L1 of matched anchors, cross-entropy with hard negatives mined 3 to 1."""
        body = cast(Any, self.body)
        regression, logits, anchors = answer.raw
        from torchvision.ops import boxes as box_operators

        learned = [Target(*(each[~target.ignored] for each in target)) for target in targets]
        matched = []
        for target in learned:
            if len(target.boxes):
                matched.append(body.proposal_matcher(box_operators.box_iou(target.boxes, anchors)))
            else:
                matched.append(torch.full((len(anchors),), -1, dtype=torch.int64, device=anchors.device))
        logits = torch.stack(
            [
                _passed_over(each, anchors, target, owner)
                for each, target, owner in zip(logits, targets, matched, strict=True)
            ]
        )
        losses: Mapping[str, Tensor] = body.compute_loss(
            [{"boxes": target.boxes, "labels": target.classes + 1} for target in learned],
            {"bbox_regression": regression, "cls_logits": logits},
            [anchors] * len(targets),
            matched,
        )
        return torch.stack(list(losses.values())).sum()

    def _anchors(self, images: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """``[A, 4]`` in pixels; the same for every picture of one size."""
        from torchvision.models.detection.image_list import ImageList

        body = cast(Any, self.body)
        # torchvision reckons in the maps' type; in bfloat16 anchors would lie elsewhere than in the export.
        exact = [each.float() for each in maps]
        size = (images.shape[2], images.shape[3])
        anchors: Tensor = body.anchor_generator(ImageList(images[:1], [size]), exact)[0]
        return anchors


def _passed_over(logits: Tensor, anchors: Tensor, target: Target, owner: Tensor) -> Tensor:
    """``logits`` ``[A, C + 1]`` with certain background where an anchor's middle lies in an ignored object.

    Certain negatives have no loss, so none of them is mined and nothing is learned there. Anchors that answer
    for an object, those with an ``owner`` ``[A]`` of 0 and more, go on learning it.
    """
    middle = (anchors[:, :2] + anchors[:, 2:]) / 2
    regions = target.boxes[target.ignored]
    inside = ((middle[:, None] > regions[:, :2]) & (middle[:, None] < regions[:, 2:])).all(dim=2).any(dim=1)
    inside &= owner < 0
    certain = torch.zeros_like(logits)
    certain[:, 0] = 100.0
    return torch.where(inside[:, None], certain, logits)


def build(variant: str, classes: int) -> Network:
    """A fresh SSDLite."""
    no_variant("ssdlite", variant)
    detection = import_torchvision().models.detection
    # Its class 0 is the background.
    return SSDLite(
        detection.ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=classes + 1)
    )


def input_size(variant: str) -> Size:
    """320 x 320."""
    no_variant("ssdlite", variant)
    return Size(320, 320)


def hub(variant: str) -> HubFile | None:
    """torchvision's weights of the whole detector, trained on COCO at 320 x 320."""
    no_variant("ssdlite", variant)
    weights = import_torchvision().models.detection.SSDLite320_MobileNet_V3_Large_Weights.COCO_V1
    return torch_hub_file("ssdlite", weights.url, _HALF)
