"""Training from a folder of files against the same training on pictures in memory.

Data: CIFAR-10 as JPEG (``cifar10.tar`` of the shared data), the network and augmentation of
``cifar10.py``. The two ways take turns, and the ratio of their medians is printed. Wanted: throughput at
least 0.9 of that in memory, and the loader alone at least 3 times faster than the trainer.
"""

import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch

from setting import data
from sightline.data.importing import ImportOptions, import_folder
from sightline.pipeline.fitting import fresh_network, gather, loader
from sightline.pipeline.watch import Unwatched
from sightline.train.augmentation import Augmenter, apply_changes
from sightline.train.batches import Batch, Labels, Loader
from sightline.train.optimiser import make_optimiser
from sightline.train.recipes import draft_recipe
from sightline.train.trainer import make_fabric
from sightline.train.weights import find_weights
from sightline.values.recipe import Choices, Recipe

STEPS, ROUNDS = 40, 5


def in_memory(load: Loader, recipe: Recipe) -> Iterator[Batch]:
    """What a loop over tensors that are all in memory does, written as plainly as possible."""
    pixels = torch.from_numpy(load.source.cache.copy())
    if not isinstance(load.truth, Labels):
        raise TypeError("this is about classes")
    targets = torch.from_numpy(load.truth.numbers)
    augmenter, dice = Augmenter.of(recipe.augment, recipe.task), torch.Generator().manual_seed(0)
    while True:
        for indices in torch.split(torch.randperm(len(load.indices)), recipe.batch_size):
            images = pixels[indices].permute(0, 3, 1, 2).float().div_(255)
            drawn = augmenter.draw(len(images), recipe.pixels.size, dice)
            yield Batch(load.scaling(apply_changes(images, drawn)), targets[indices], indices.numpy())


def from_files(load: Loader) -> Iterator[Batch]:
    """The product's own loader, epoch after epoch."""
    epoch = 0
    while True:
        epoch += 1
        yield from load.shuffled(0, epoch)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        with tarfile.open(data("cifar10.tar")) as tar:
            tar.extractall(name, filter="data")
        dataset = import_folder(Path(name, "cifar10"), ImportOptions()).dataset
        choices = Choices(augment="flip,crop=0.125")
        initial = find_weights("none", "small_resnet", None, "classification")
        recipe = draft_recipe(dataset, initial, choices, torch.get_num_threads())
        recipe = replace(recipe, epochs=1)
        material = gather(dataset, recipe, Path(name, "cache"), 4 * 10**9, Unwatched())
        load = loader(material, recipe, "train", augmented=True)
        fabric, network = make_fabric(recipe), fresh_network(recipe)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as in the trainer
        model, optimiser = fabric.setup(network, make_optimiser(network, recipe))

        def train(batches: Iterator[Batch], steps: int) -> float:
            """Pictures a second."""
            started, pictures = time.perf_counter(), 0
            for _ in range(steps):
                batch = next(batches)
                optimiser.zero_grad()
                fabric.backward(network.loss(model(batch.images), batch.targets, recipe))
                optimiser.step()
                pictures += len(batch.targets)
            return pictures / (time.perf_counter() - started)

        ways = {"files": from_files(load), "memory": in_memory(load, recipe)}
        for batches in ways.values():
            train(batches, 5)
        rates: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, batches in ways.items():
                rates[way].append(train(batches, STEPS))
        alone = []
        for epoch in range(1, 4):
            started = time.perf_counter()
            pictures = sum(len(batch.targets) for batch in load.shuffled(0, epoch))
            alone.append(pictures / (time.perf_counter() - started))
        files, memory = (median(rates[way]) for way in ("files", "memory"))
        print(
            f"training: {files:,.0f} pictures/s from files, {memory:,.0f} in memory; "
            f"ratio {files / memory:.3f}, wanted 0.9"
        )
        print(
            f"loader alone: {median(alone):,.0f} pictures/s, "
            f"{median(alone) / files:.1f} times the trainer; wanted 3"
        )


if __name__ == "__main__":
    main()
