"""SqueezeNet 1.1 (Iandola et al. 2016), as torchvision writes it."""

from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from sightline.train.arch.base import IMAGENET, Answer, Classifier, Network, no_variant
from sightline.train.hub import HubFile, torch_hub_file
from sightline.train.torchvision_ops import import_torchvision
from sightline.values.dataset import Task
from sightline.values.image import Size

TASK: Task = "classification"


class SqueezeNet(Classifier):
    """Embedding: the 512 feature maps that the classifying convolution reads, averaged."""

    def forward(self, images: Tensor) -> Answer:
        """Logits and embedding."""
        maps = self.part("features", images)
        logits = self.part("classifier", maps).flatten(1)
        return Answer(logits, adaptive_avg_pool2d(maps, 1).flatten(1))


def build(variant: str, classes: int) -> Network:
    """A fresh SqueezeNet 1.1."""
    no_variant("squeezenet", variant)
    return SqueezeNet(import_torchvision().models.squeezenet1_1(num_classes=classes), heads=("classifier",))


def input_size(variant: str) -> Size:
    """224 x 224."""
    no_variant("squeezenet", variant)
    return Size(224, 224)


def hub(variant: str) -> HubFile | None:
    """torchvision's ImageNet weights."""
    no_variant("squeezenet", variant)
    weights = import_torchvision().models.SqueezeNet1_1_Weights.IMAGENET1K_V1
    return torch_hub_file("squeezenet", weights.url, IMAGENET)
