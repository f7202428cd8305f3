"""Any classifier of timm (ResNet, EfficientNet, MobileNet, ViT, …): ``timm/NAME``, as timm names it."""

import difflib
from typing import Protocol, cast

from torch import Tensor, nn

from sightline.errors import InputError
from sightline.train.arch.base import Answer, Classifier, Network
from sightline.train.hub import HubFile, hugging_face_file
from sightline.train.torchvision_ops import import_timm
from sightline.values.contract import Normalise
from sightline.values.dataset import Task
from sightline.values.image import Size

TASK: Task = "classification"


class _Body(Protocol):
    """What every classifier of timm can do."""

    def forward_features(self, images: Tensor) -> Tensor: ...
    def forward_head(self, features: Tensor, *, pre_logits: bool) -> Tensor: ...


class TimmClassifier(Classifier):
    """Embedding: what timm's head gives before its last linear layer."""

    def forward(self, images: Tensor) -> Answer:
        """Logits and embedding."""
        body = cast(_Body, self.body)
        embedding = body.forward_head(body.forward_features(images), pre_logits=True)
        return Answer(self.part(self.heads[0], embedding), embedding)


def build(variant: str, classes: int) -> Network:
    """A fresh network. Raises InputError for a name that timm does not know."""
    timm = import_timm()
    _check(variant)
    body: nn.Module = timm.create_model(variant, pretrained=False, num_classes=classes)
    head = _configuration(variant).classifier
    if not isinstance(head, str) or not isinstance(body.get_submodule(head), nn.Linear):
        raise InputError(f"timm/{variant} does not end in one linear layer, so it gives no embedding")
    return TimmClassifier(body, heads=(head,))


def input_size(variant: str) -> Size:
    """The size of its pretrained configuration."""
    _check(variant)
    _, height, width = _configuration(variant).input_size
    return Size(width, height)


def hub(variant: str) -> HubFile | None:
    """Its weights on the Hugging Face hub, where timm names a repository."""
    _check(variant)
    configuration = _configuration(variant)
    if not configuration.hf_hub_id:
        return None
    normalise = Normalise(configuration.mean, configuration.std)
    return hugging_face_file(configuration.hf_hub_id, normalise, configuration.license or "")


def _check(variant: str) -> None:
    timm = import_timm()
    if not variant:
        raise InputError("architecture 'timm' needs a name, as in timm/resnet18")
    if not timm.is_model(variant):
        near = difflib.get_close_matches(variant, timm.list_models(), n=3)
        hint = f"; near are {', '.join('timm/' + name for name in near)}" if near else ""
        raise InputError(f"timm has no classifier {variant!r}{hint}")


class _Configuration(Protocol):
    """What timm knows of a model's pretrained weights."""

    hf_hub_id: str | None
    license: str | None
    input_size: tuple[int, int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    classifier: str | None


def _configuration(variant: str) -> _Configuration:
    timm = import_timm()
    found = timm.get_pretrained_cfg(variant)
    return cast(_Configuration, found if found is not None else timm.models.PretrainedCfg())
