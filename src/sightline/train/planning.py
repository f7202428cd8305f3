"""Turn minutes into epochs by timing a few steps on a copy of the network."""

import copy
import time
from dataclasses import replace
from statistics import median

import torch

from sightline.errors import TrainingError
from sightline.train.arch.base import Network
from sightline.train.batches import Loader
from sightline.train.optimiser import make_optimiser, set_training
from sightline.train.trainer import Loaders, make_fabric
from sightline.train.validating import validate
from sightline.values.recipe import Recipe

_UNTIMED_STEPS = 3
_TIMED_SECONDS = 6.0
_VALIDATED_BATCHES = 8
_MOST_EPOCHS = 1000


def epochs_for(minutes: float, network: Network, loaders: Loaders, recipe: Recipe) -> int:
    """How many epochs, each with its validation pass, fit into ``minutes`` on this machine: at least 1.

    The network itself is left as it was.

    Raises:
        TrainingError: there are no training pictures.
    """
    twin = copy.deepcopy(network)
    # As the trainer has it: in another layout steps take half as long again.
    twin.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch declares it on tensors only
    fabric = make_fabric(recipe)
    model, optimiser = fabric.setup(twin, make_optimiser(twin, recipe))

    def seconds(sized: Loaders) -> float:
        set_training(twin, recipe)
        taken: list[float] = []
        epoch, before = 0, time.monotonic()
        while sum(taken[_UNTIMED_STEPS:]) < _TIMED_SECONDS:
            epoch += 1
            for batch in sized.train.shuffled(recipe.seed, epoch):
                optimiser.zero_grad()
                fabric.backward(twin.loss(model(batch.images), batch.targets, recipe))
                optimiser.step()
                now = time.monotonic()
                taken.append(now - before)
                before = now
                if sum(taken[_UNTIMED_STEPS:]) >= _TIMED_SECONDS:
                    break
            if not taken:
                raise TrainingError("there are no training pictures that can be read")
        # The median: another process that takes the processor for a moment must not shorten the training.
        return median(taken[_UNTIMED_STEPS:]) * len(sized.train) + _validation_seconds(
            model, twin, sized.val, recipe
        )

    full = seconds(loaders.at(recipe, half=False))
    half = seconds(loaders.at(recipe, half=True)) if recipe.half_size else full
    refitted = full * (1 + len(loaders.val.indices) / len(loaders.train.indices))

    def all_seconds(epochs: int) -> float:
        sized = replace(recipe, epochs=epochs)
        at_full = epochs - sized.half_size_epochs
        return sized.half_size_epochs * half + at_full * full + sized.refit_epochs * refitted

    return max((n for n in range(1, _MOST_EPOCHS + 1) if all_seconds(n) <= 60 * minutes), default=1)


def _validation_seconds(model: Network, network: Network, loader: Loader, recipe: Recipe) -> float:
    """The whole of it: a detector's suppression and AP take as long as its answers where these are small."""
    few = replace(loader, indices=loader.indices[: _VALIDATED_BATCHES * loader.batch_size])
    started = time.monotonic()
    validate(model, network, few, recipe)
    return (time.monotonic() - started) / max(len(few.indices), 1) * len(loader.indices)
