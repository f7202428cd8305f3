"""Draft a recipe from a dataset and what the user chose, and read one back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from statistics import median
from typing import TypeVar

import torch
from pydantic import TypeAdapter, ValidationError

from sightline.errors import RecipeError
from sightline.settings import instructions
from sightline.train.augmentation import parse_amounts
from sightline.train.batches import CELL
from sightline.train.weights import DETECTOR, InitialWeights
from sightline.values.contract import Fit, PixelRecipe
from sightline.values.dataset import Dataset
from sightline.values.image import Size
from sightline.values.recipe import Choices, Precision, Recipe

T = TypeVar("T")

SMALL = 64
"""Pictures up to this many pixels get the small residual network."""
_LARGEST_RECIPE = 4_000_000


def default_arch(dataset: Dataset) -> str:
    """A detector where there are boxes; else a classifier.

    ``small_resnet`` where half of the pictures have no side above 64 px, else ``mobilenet_v2``.
    """
    if dataset.task == "detection":
        return f"{DETECTOR}/mobilenet_v2"
    sides = [max(s.size.width, s.size.height) for s in dataset.samples]
    return "small_resnet" if sides and median(sides) <= SMALL else "mobilenet_v2"


def draft_recipe(dataset: Dataset, weights: InitialWeights, choices: Choices, threads: int) -> Recipe:
    """A recipe without its number of epochs (0 until planned) and without the initial digest.

    bfloat16 where the processor multiplies it in hardware. What else is left open by ``choices`` comes
    from ``classifier_defaults`` or ``detector_defaults``.
    """
    size = choices.size or _size(dataset, weights)
    pretrained = weights.state is not None
    if dataset.task == "detection":
        usual = detector_defaults(pretrained)
    else:
        usual = classifier_defaults(pretrained, size, len(dataset.part("train")))
    return Recipe(
        task=dataset.task,
        arch=weights.arch,
        dataset_fingerprint=dataset.fingerprint,
        classes=dataset.classes,
        pixels=PixelRecipe(size, choices.fit or usual.fit),
        normalise=weights.normalise,
        weights=weights.origin,
        initial_sha256="",
        epochs=choices.epochs or 0,
        seed=choices.seed,
        batch_size=choices.batch_size or usual.batch_size,
        learning_rate=choices.learning_rate or usual.learning_rate,
        backbone_rate=_given(choices.backbone_rate, usual.backbone_rate),
        weight_decay=choices.weight_decay,
        label_smoothing=choices.label_smoothing if dataset.task == "classification" else 0.0,
        warmup=usual.warmup,
        half_size=_given(choices.half_size, usual.half_size),
        refit=_given(choices.refit, usual.refit),
        frozen_stem=usual.frozen_stem,
        frozen_statistics=usual.frozen_statistics,
        clip_norm=usual.clip_norm,
        patience=choices.patience or 0,
        augment=parse_amounts(choices.augment, dataset.task),
        threads=threads,
        precision=_precision(),
        planned_minutes=0.0 if choices.epochs is not None else choices.minutes,
    )


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a task's recipe has where nobody chose."""

    fit: Fit
    batch_size: int
    learning_rate: float
    backbone_rate: float
    warmup: float
    half_size: float = 0.0
    refit: float = 0.0
    frozen_stem: bool = False
    frozen_statistics: bool = False
    clip_norm: float = 0.0


def classifier_defaults(pretrained: bool, size: Size, train: int) -> Defaults:
    """Batches of 128 for pictures up to 64 px, else of 32, and at least eight a training part.

    Pretrained backbones learn at 0.3 of the head's rate.
    """
    small = max(size.width, size.height) <= SMALL
    return Defaults(
        fit="stretch",
        batch_size=max(4, min(128 if small else 32, train // 8)),
        learning_rate=1e-3 if pretrained else 3e-3,
        backbone_rate=0.3 if pretrained else 1.0,
        warmup=0.15,
    )


def detector_defaults(pretrained: bool) -> Defaults:
    """Batches of 4: a picture has many objects, and on a processor many small steps learn more than few.

    The stem of a pretrained backbone stays as it is: it takes half of a step's time. So do the running
    statistics of all of it: those of four pictures say little about others (He et al. 2016). Four epochs in
    five are at half size, where a step costs a quarter: objects are found sooner there, and placed later.
    A third as many follow that learn from the validation pictures too, which may be a whole group.
    """
    return Defaults(
        fit="letterbox",
        batch_size=4,
        learning_rate=2e-3,
        backbone_rate=0.5 if pretrained else 1.0,
        warmup=0.05,
        half_size=0.8,
        refit=1 / 3,
        frozen_stem=pretrained,
        frozen_statistics=pretrained,
        clip_norm=10.0,
    )


def refitting(recipe: Recipe) -> Recipe:
    """How the validation pictures are learned from too, once a recipe's own epochs are done.

    From there on at full size, at a learning rate that rises to half of what it was and falls again
    (Loshchilov and Hutter 2017).
    """
    return replace(
        recipe,
        epochs=recipe.refit_epochs,
        learning_rate=recipe.learning_rate / 2,
        augment=recipe.augment_at_full_size,
        half_size=0.0,
        refit=0.0,
        patience=0,
    )


def planned(recipe: Recipe, epochs: int, patience: int | None) -> Recipe:
    """The recipe with its epochs; a classifier has patience for a third of them and at least ten."""
    usual = 0 if recipe.task == "detection" else max(10, epochs // 3)
    return replace(recipe, epochs=epochs, patience=_given(patience, usual))


def read_recipe(path: Path) -> Recipe:
    """A recipe from its JSON.

    Raises:
        RecipeError: no such file, or not a recipe; names the field.
    """
    try:
        if path.stat().st_size > _LARGEST_RECIPE:
            raise RecipeError(f"{path.name!r} is too large to be a recipe")
        return TypeAdapter(Recipe).validate_json(path.read_bytes())
    except OSError as error:
        raise RecipeError(f"cannot read recipe {str(path)!r}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RecipeError(
            f"{path.name!r} is not a recipe: {where or 'as a whole'}: {first['msg']}"
        ) from error


def recipe_json(recipe: Recipe) -> bytes:
    """The recipe as readable JSON; equal recipes give equal bytes."""
    return TypeAdapter(Recipe).dump_json(recipe, indent=1) + b"\n"


def check_recipe(recipe: Recipe, dataset: Dataset) -> None:
    """Refuse a recipe made for another dataset.

    Raises:
        RecipeError: classes or fingerprint differ.
    """
    if recipe.classes != dataset.classes:
        raise RecipeError(
            f"the recipe is for classes {_some(recipe.classes)}, the pictures have {_some(dataset.classes)}"
        )
    if recipe.dataset_fingerprint != dataset.fingerprint:
        raise RecipeError(
            f"the recipe was made for dataset {recipe.dataset_fingerprint[:12]}, these pictures are "
            f"{dataset.fingerprint[:12]}: contents, names, splits or options of the import differ"
        )


def described(amounts: Mapping[str, float]) -> str:
    """Augmentations in the form that ``--augment`` takes."""
    return ",".join(f"{name}={amount:g}" for name, amount in sorted(amounts.items())) or "none"


def _size(dataset: Dataset, weights: InitialWeights) -> Size:
    """The architecture's size; where that may vary, the pictures' own, as far as it is sensible."""
    if not dataset.samples:
        return weights.size
    middle = [
        median(side) for side in zip(*((s.size.width, s.size.height) for s in dataset.samples), strict=True)
    ]
    name = weights.arch.partition("/")[0]
    if name == "small_resnet":
        width, height = (max(16, min(SMALL, 8 * round(side / 8))) for side in middle)
        return Size(width, height)
    if name == DETECTOR:
        # Never enlarged; whole cells of the coarsest map.
        scale = min(1.0, max(weights.size.width, weights.size.height) / max(middle))
        width, height = (max(CELL, CELL * ceil(round(side * scale, 3) / CELL)) for side in middle)
        return Size(width, height)
    return weights.size


def _precision() -> Precision:
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    return "bf16-mixed" if instructions() & {"amx_bf16", "avx512_bf16"} else "32-true"


def _given(value: T | None, otherwise: T) -> T:
    return otherwise if value is None else value


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names[:4])) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
