"""AdamW over parameter groups, and the learning rate's course."""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import AdamW

from sightline.train.arch.base import Network
from sightline.values.recipe import Recipe


def make_optimiser(network: Network, recipe: Recipe) -> AdamW:
    """AdamW (Loshchilov and Hutter 2019); the backbone's rate is ``recipe.backbone_rate`` times the head's.

    Biases and normalisation parameters are not decayed. What a rate of 0 or ``recipe.frozen_stem``
    freezes needs no gradient afterwards.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.body.named_parameters():
        share = 1.0 if network.is_head(name) else recipe.backbone_rate
        share = 0.0 if recipe.frozen_stem and network.is_stem(name) else share
        decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
        parameter.requires_grad_(share > 0)
        if share > 0:
            groups.setdefault((share, decay), []).append(parameter)
    return AdamW(
        [
            {"params": params, "weight_decay": decay, "share": share}
            for (share, decay), params in groups.items()
        ],
        lr=recipe.learning_rate,
        fused=True,
    )


@dataclass(frozen=True, slots=True)
class Work:
    """What a run's steps cost, in steps at full size; one at half size has a quarter of the pixels."""

    recipe: Recipe
    steps_an_epoch: int

    @property
    def total(self) -> float:
        """All steps."""
        return self.before(self.recipe.epochs * self.steps_an_epoch)

    def before(self, step: int) -> float:
        """The steps before ``step``, which counts from 0."""
        small = self.recipe.half_size_epochs * self.steps_an_epoch
        return min(step, small) / 4 + max(0, step - small)


def set_rate(optimiser: torch.optim.Optimizer, recipe: Recipe, step: int, work: Work) -> float:
    """Linear warm-up over ``recipe.warmup`` of all work, then a cosine to 0; returns the head's rate."""
    done, warm = work.before(step), max(1.0, recipe.warmup * work.total)
    if done < warm:
        course = min(1.0, work.before(step + 1) / warm)
    else:
        course = 0.5 * (1 + math.cos(math.pi * (done - warm) / max(1.0, work.total - warm)))
    rate = recipe.learning_rate * course
    for group in optimiser.param_groups:
        group["lr"] = rate * group["share"]
    return rate


def set_training(network: Network, recipe: Recipe) -> None:
    """Training mode; what is frozen keeps its running statistics too."""
    network.train()
    if recipe.backbone_rate == 0 or recipe.frozen_statistics:
        network.eval()
        for head in network.heads:
            network.body.get_submodule(head).train()
    elif recipe.frozen_stem:
        for part in network.stem:
            network.body.get_submodule(part).eval()
