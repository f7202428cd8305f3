"""A few small pictures that a network can tell apart, and what training needs around them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sightline.train.augmentation import Augmenter
from sightline.train.batches import Labels, Loader, Scaling
from sightline.train.pixel_cache import PictureReader, PixelSource, open_pixels
from sightline.train.trainer import Loaders
from sightline.values.contract import Normalise, PixelRecipe
from sightline.values.dataset import Sample, Split
from sightline.values.image import Size
from sightline.values.recipe import Recipe, WeightsOrigin

CLASSES = ("dark", "bright")
HALF = Normalise((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@dataclass(frozen=True)
class Bench:
    """Everything that a small training run needs."""

    recipe: Recipe
    source: PixelSource
    loaders: Loaders


def draw_samples(root: Path, count: int, size: int = 16) -> tuple[Sample, ...]:
    """``count`` noisy PNG files, every second bright, three quarters of them to train on."""
    dice = np.random.default_rng(0)
    samples = []
    for number in range(count):
        label = CLASSES[number % 2]
        noise = dice.integers(0, 110, (size, size, 3)) + (120 if label == "bright" else 20)
        path = root / f"{number:03}.png"
        Image.fromarray(noise.astype(np.uint8)).save(path)
        split: Split = "train" if number < 0.75 * count else "val"
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        samples.append(Sample(path.name, digest, Size(size, size), (label,), split))
    return tuple(samples)


def make_bench(
    root: Path, count: int = 48, epochs: int = 3, limit_bytes: int = 10**8, side: int = 16, **changes: object
) -> Bench:
    """A bench over drawn pictures."""
    samples = draw_samples(root, count, side)
    pixels = PixelRecipe(Size(side, side))
    values: dict[str, object] = {
        "task": "classification",
        "arch": "small_resnet/8",
        "dataset_fingerprint": "f" * 64,
        "classes": CLASSES,
        "pixels": pixels,
        "normalise": HALF,
        "weights": WeightsOrigin("scratch"),
        "initial_sha256": "",
        "epochs": epochs,
        "batch_size": 8,
        "augment": {"flip": 0.5, "crop": 0.1, "colour": 0.1},
        **changes,
    }
    recipe = Recipe(**values)  # type: ignore[arg-type]  # tests choose fields by name
    source = open_pixels(PictureReader(root, samples, pixels), root / "cache", limit_bytes, 2)
    truth = Labels(np.array([CLASSES.index(s.labels[0]) for s in samples]))
    scaling = Scaling(HALF, torch.device("cpu"))
    parts = [np.array([i for i, s in enumerate(samples) if s.split == split]) for split in ("train", "val")]
    train, val = (
        Loader(source, truth, part, 8, scaling, Augmenter.of(recipe.augment if n == 0 else {}, recipe.task))
        for n, part in enumerate(parts)
    )
    return Bench(recipe, source, Loaders(train, val))
