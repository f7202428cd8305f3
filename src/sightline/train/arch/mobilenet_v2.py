"""MobileNetV2, width 1.0 (Sandler et al. 2018), as torchvision writes it."""

from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from sightline.train.arch.base import IMAGENET, Answer, Classifier, Network, no_variant
from sightline.train.hub import HubFile, torch_hub_file
from sightline.train.torchvision_ops import import_torchvision
from sightline.values.dataset import Task
from sightline.values.image import Size

TASK: Task = "classification"


class MobileNetV2(Classifier):
    """Embedding: the 1,280 pooled features."""

    def forward(self, images: Tensor) -> Answer:
        """Logits and embedding."""
        embedding = adaptive_avg_pool2d(self.part("features", images), 1).flatten(1)
        return Answer(self.part("classifier", embedding), embedding)


def build(variant: str, classes: int) -> Network:
    """A fresh MobileNetV2."""
    no_variant("mobilenet_v2", variant)
    return MobileNetV2(import_torchvision().models.mobilenet_v2(num_classes=classes), heads=("classifier",))


def input_size(variant: str) -> Size:
    """224 x 224."""
    no_variant("mobilenet_v2", variant)
    return Size(224, 224)


def hub(variant: str) -> HubFile | None:
    """torchvision's ImageNet weights."""
    no_variant("mobilenet_v2", variant)
    weights = import_torchvision().models.MobileNet_V2_Weights.IMAGENET1K_V2
    return torch_hub_file("mobilenet_v2", weights.url, IMAGENET)
