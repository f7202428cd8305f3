"""The training loop."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from sightline.errors import Interrupted, NotFinite
from sightline.train.arch.base import Network
from sightline.train.augmentation import Augmenter
from sightline.train.batches import Batch, Loader
from sightline.train.checkpoint import Progress, load_checkpoint, save_checkpoint
from sightline.train.event_file import EventFile
from sightline.train.optimiser import Work, make_optimiser, set_rate, set_training
from sightline.train.quickening import quickened
from sightline.train.validating import Validation, better, validate
from sightline.values.evaluation import Checkpoint, Epoch
from sightline.values.recipe import Recipe

LAST, BEST = "last.safetensors", "best.safetensors"
_CURVES = ("train_loss", "val_loss", "val_metric", "learning_rate", "seconds")


@dataclass(frozen=True)
class Loaders:
    """What is learned from and what decides when to stop."""

    train: Loader
    val: Loader

    def at(self, recipe: Recipe, *, half: bool) -> "Loaders":
        """The same pictures at half or at full size; validation too, which would cost more than the steps."""
        amounts = recipe.augment if half else recipe.augment_at_full_size
        train = replace(self.train, half=half, augmenter=Augmenter.of(amounts, recipe.task))
        return Loaders(train, replace(self.val, half=half))


@dataclass(frozen=True)
class Watch:
    """Called after every step with (work done, all work, loss), work in steps at full size, and after every
    epoch.
    """

    step: Callable[[int, int, float], None] = lambda done, total, loss: None  # noqa: ARG005
    epoch: Callable[[Epoch], None] = lambda epoch: None  # noqa: ARG005


def train(
    network: Network, loaders: Loaders, recipe: Recipe, folder: Path, watch: Watch, resume: bool
) -> Checkpoint:
    """Train ``network`` as ``recipe`` says; state goes to ``folder`` after every epoch.

    Seed and epoch number decide every random choice of an epoch, so a resumed run continues as the
    uninterrupted one would have.

    Raises:
        NotFinite: the loss is not a number; names the batch.
        Interrupted: Ctrl-C; finished epochs are kept, ``resume`` goes on from them.
    """
    fabric = make_fabric(recipe)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch declares it on tensors only
    optimiser = make_optimiser(network, recipe)
    progress = Progress((), 0, 0, 0.0)
    if resume and (folder / LAST).is_file():
        progress = load_checkpoint(folder / LAST, network, optimiser)
    model, optimiser = fabric.setup(network, optimiser)
    history, step, best = list(progress.history), progress.step, progress.best_epoch
    work = Work(recipe, len(loaders.train))
    with EventFile(folder / "tensorboard") as board, _interruptible(history, recipe), quickened(network):
        for number in range(len(history) + 1, recipe.epochs + 1):
            if _stop_early(history, best, recipe):
                break
            started, losses, rate = time.monotonic(), [], 0.0
            torch.manual_seed(recipe.seed * 1_000_003 + number)
            set_training(network, recipe)
            sized = loaders.at(recipe, half=number <= recipe.half_size_epochs)
            for batch in sized.train.shuffled(recipe.seed, number):
                rate = set_rate(optimiser, recipe, step, work)
                optimiser.zero_grad()
                loss = network.loss(model(batch.images), batch.targets, recipe)
                losses.append(_finite(loss.item(), batch, loaders.train, number))
                fabric.backward(loss)
                if recipe.clip_norm:
                    torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip_norm)
                optimiser.step()
                step += 1
                watch.step(round(work.before(step)), round(work.total), losses[-1])
            val = validate(model, network, sized.val, recipe)
            if len(loaders.val.indices) and not math.isfinite(val.loss):
                raise NotFinite(
                    f"the validation loss became {val.loss} after epoch {number}; "
                    "try a smaller --learning-rate"
                )
            seconds = time.monotonic() - started
            epoch = Epoch(number, float(np.mean(losses)), val.loss, val.metric, rate, seconds)
            # What was found at half size says nothing about the whole one.
            first = number in (1, recipe.half_size_epochs + 1)
            improved = first or better(recipe, val, _validation(history[best - 1]))
            history.append(epoch)
            best = number if improved else best
            board.add(number, {name: getattr(epoch, name) for name in _CURVES})
            seconds = sum(each.seconds for each in history)
            progress = Progress(tuple(history), best, step, seconds)
            if improved:
                save_checkpoint(folder / BEST, network, None, progress)
            save_checkpoint(folder / LAST, network, optimiser.optimizer, progress)
            watch.epoch(epoch)
    load_checkpoint(folder / BEST, network)
    return Checkpoint(folder / BEST, recipe, tuple(history), best, sum(each.seconds for each in history))


def make_fabric(recipe: Recipe) -> Fabric:
    """One device, the recipe's precision and number of threads."""
    torch.set_num_threads(recipe.threads)
    # Its advice is about clusters and goes to stderr.
    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
    return Fabric(accelerator="auto", devices=1, precision=recipe.precision)


def _validation(epoch: Epoch) -> Validation:
    return Validation(epoch.val_loss, epoch.val_metric)


@contextmanager
def _interruptible(history: list[Epoch], recipe: Recipe) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            f"stopped after {len(history)} of {recipe.epochs} epochs; the same command with --resume goes on"
        ) from None


def _stop_early(history: list[Epoch], best: int, recipe: Recipe) -> bool:
    at_full_size = len(history) > recipe.half_size_epochs
    return recipe.patience > 0 and at_full_size and len(history) - best >= recipe.patience


def _finite(loss: float, batch: Batch, loader: Loader, epoch: int) -> float:
    if math.isfinite(loss):
        return loss
    names = [loader.source.reader.samples[index].path for index in batch.indices[:4].tolist()]
    raise NotFinite(
        f"the loss became {loss} in epoch {epoch}, in the batch of {len(batch.indices)} "
        f"pictures that begins with "
        f"{', '.join(map(repr, names))}; try a smaller --learning-rate"
    )
