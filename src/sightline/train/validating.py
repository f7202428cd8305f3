"""How good a network is so far, on pictures it does not learn from."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from sightline.evaluate.average_precision import average_precision
from sightline.train.arch.base import Network
from sightline.train.batches import Batch, Loader, objects_of
from sightline.train.suppression import suppress
from sightline.values.contract import Suppression
from sightline.values.objects import Detections, Objects
from sightline.values.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Validation:
    """Mean loss over pictures, and top-1 or COCO's AP; not-a-number where there is nothing to validate on."""

    loss: float
    metric: float


@dataclass(frozen=True)
class Answers:
    """A classifier's: ``logits`` float32 ``[N, C]``, ``embeddings`` ``[N, D]``, targets and indices."""

    logits: npt.NDArray[np.float32]
    embeddings: npt.NDArray[np.float32]
    targets: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int64]


def validate(model: torch.nn.Module, network: Network, loader: Loader, recipe: Recipe) -> Validation:
    """Judge ``network``, which ``model`` is or wraps, on all pictures of ``loader``."""
    # A classifier's loss is the plain cross-entropy, whatever the recipe smooths.
    plain = replace(recipe, label_smoothing=0.0)
    total, pictures, right = 0.0, 0, 0
    truths: list[Objects] = []
    found: list[Detections] = []
    for batch, answer in _answered(model, loader):
        count = len(batch.indices)
        total += float(network.loss(answer, batch.targets, plain)) * count
        pictures += count
        if isinstance(batch.targets, torch.Tensor):
            right += int((answer.logits.argmax(1) == batch.targets).sum())
        else:
            truths += [objects_of(target, loader.size) for target in batch.targets]
            found += suppress(answer, loader.size, Suppression())
    if not pictures:
        return Validation(math.nan, math.nan)
    is_detector = recipe.task == "detection"
    metric = average_precision(truths, found, len(recipe.classes)) if is_detector else right / pictures
    return Validation(total / pictures, metric)


def better(recipe: Recipe, new: Validation, best: Validation) -> bool:
    """Whether ``new`` is worth keeping in place of ``best``.

    A classifier by its loss. A detector's weights are best when the learning rate has come down, and AP on a
    few validation pictures moves more than that: the last are kept, as usual for detectors. Where a
    patience is asked for, so that there may be no such end, they are those with the highest AP, and of
    equally good ones those with the lowest loss.
    """
    if recipe.task == "classification":
        return not new.loss >= best.loss
    if not recipe.patience or math.isnan(new.metric):
        return True
    return (new.metric, -new.loss) > (best.metric, -best.loss)


def answer(model: torch.nn.Module, loader: Loader) -> Answers:
    """A classifier's answers to every picture of ``loader``, in order."""
    logits, embeddings, targets, indices = [], [], [], []
    for batch, answers in _answered(model, loader):
        logits.append(answers.logits.float().cpu().numpy())
        embeddings.append(answers.embedding.float().cpu().numpy())
        targets.append(torch.as_tensor(batch.targets).cpu().numpy())
        indices.append(batch.indices)
    if not logits:
        empty = np.empty((0, 0), dtype=np.float32)
        return Answers(empty, empty, np.empty(0, np.int64), np.empty(0, np.int64))
    return Answers(*map(np.concatenate, (logits, embeddings, targets, indices)))


def _answered(model: torch.nn.Module, loader: Loader) -> Iterator[tuple[Batch, Any]]:
    model.eval()
    with torch.inference_mode():
        for batch in loader.in_order():
            yield batch, model(batch.images)
