"""Any classifier of timm (ResNet, EfficientNet, MobileNet, ViT, …): ``timm/NAME``, as timm names it."""

import difflib

from torch import Tensor, nn

from sightline.errors import InputError
from sightline.train.arch.base import IMAGENET, Answer, Network
from sightline.train.hub import HubFile, hugging_face_file
from sightline.train.torchvision_ops import import_timm
from sightline.values.contract import Normalise
from sightline.values.image import Size


class TimmClassifier(Network):
    """Embedding: what timm's head gives before its last linear layer."""

    def forward(self, images: Tensor) -> Answer:
        """Logits and embedding."""
        embedding = self.body.forward_head(self.body.forward_features(images), pre_logits=True)
        return Answer(self.body.get_classifier()(embedding), embedding)


def build(variant: str, classes: int) -> Network:
    """A fresh network. Raises InputError for a name that timm does not know."""
    timm = import_timm()
    _check(variant)
    body: nn.Module = timm.create_model(variant, pretrained=False, num_classes=classes)
    head = body.default_cfg.get("classifier") if isinstance(body.default_cfg, dict) else None
    if not isinstance(head, str) or not isinstance(body.get_submodule(head), nn.Linear):
        raise InputError(f"timm/{variant} does not end in one linear layer, so it gives no embedding")
    return TimmClassifier(body, head=head)


def input_size(variant: str) -> Size:
    """The size of its pretrained configuration."""
    _check(variant)
    _, height, width = _configuration(variant).get("input_size", (3, 224, 224))
    return Size(width, height)


def hub(variant: str) -> HubFile | None:
    """Its weights on the Hugging Face hub, where timm names a repository."""
    _check(variant)
    configuration = _configuration(variant)
    repository = configuration.get("hf_hub_id")
    if not repository:
        return None
    mean = configuration.get("mean", IMAGENET.mean)
    std = configuration.get("std", IMAGENET.std)
    normalise = Normalise(mean=(mean[0], mean[1], mean[2]), std=(std[0], std[1], std[2]))
    tag = configuration.get("tag") or ""
    name = repository if not repository.endswith("/") else f"{repository}{variant.split('.')[0]}.{tag}".rstrip(".")
    return hugging_face_file(name, normalise, licence=configuration.get("license") or "")


def _check(variant: str) -> None:
    timm = import_timm()
    if not variant:
        raise InputError("architecture 'timm' needs a name, as in timm/resnet18")
    if not timm.is_model(variant):
        near = difflib.get_close_matches(variant, timm.list_models(), n=3)
        hint = f"; near are {', '.join('timm/' + name for name in near)}" if near else ""
        raise InputError(f"timm has no classifier {variant!r}{hint}")


def _configuration(variant: str) -> dict[str, object]:
    found = import_timm().get_pretrained_cfg(variant)
    return dict(found.to_dict()) if found is not None else {}
