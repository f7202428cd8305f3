"""From a dataset to a trained network: initial weights, recipe, pixels in memory, training."""

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError, RecipeError
from sightline.pipeline.runs import Run
from sightline.pipeline.watch import Watcher
from sightline.pixels.model_input import placed
from sightline.report.wording import duration
from sightline.settings import settings
from sightline.storage.files import make_folder, write_atomic
from sightline.values.contract import Normalise
from sightline.values.dataset import SPLITS, Dataset, Sample, Split
from sightline.values.evaluation import VALIDATION_METRIC, Checkpoint, Epoch
from sightline.values.objects import Objects
from sightline.values.recipe import Choices, Recipe, WeightsOrigin

if TYPE_CHECKING:
    from sightline.train.arch.base import Network
    from sightline.train.batches import Loader, Truth
    from sightline.train.pixel_cache import PixelSource
    from sightline.train.trainer import Loaders


@dataclass(frozen=True)
class Material:
    """All pictures of a dataset as model input, train before val before test."""

    samples: tuple[Sample, ...]
    source: "PixelSource"
    truth: "Truth"

    def indices(self, split: Split) -> npt.NDArray[np.int64]:
        """Usable pictures of one split."""
        usable = self.source.usable
        return usable[[self.samples[index].split == split for index in usable.tolist()]]

    def some(self, indices: npt.NDArray[np.int64]) -> list[Sample]:
        """The samples at ``indices``."""
        return [self.samples[index] for index in indices.tolist()]


@dataclass(frozen=True)
class Fitted:
    """A network ready to be judged. The checkpoint's history is empty where nothing was trained.

    ``validated`` is the network that never learned from the validation pictures: the same one, unless it was
    refitted.
    """

    network: "Network"
    validated: "Network"
    recipe: Recipe
    material: Material
    checkpoint: Checkpoint


def check_choices(arch: str, weights: str, augment: str, variants: Iterable[str]) -> None:
    """Refuse an architecture, weights and the like that do not exist, before any picture is read.

    Raises:
        InputError, UnknownPlugin: says which there are.
    """
    from sightline.export.compress import COMPRESSORS
    from sightline.train.arch import ARCHITECTURES
    from sightline.train.augmentation import check_amounts
    from sightline.train.weights import check_weights, split_arch

    check_amounts(augment)
    if arch:
        ARCHITECTURES.load(split_arch(arch)[0])
    check_weights(weights)
    for variant in variants:
        COMPRESSORS.load(variant)


def start_network(
    dataset: Dataset, weights: str, arch: str, normalise: Normalise | None, choices: Choices
) -> tuple["Network", Recipe]:
    """A network with its initial weights, and its recipe, still without a number of epochs."""
    from sightline.train.recipes import default_arch, draft_recipe
    from sightline.train.weights import check_arch, find_weights, load_weights, weights_digest

    may_decide = weights not in ("auto", "none")
    arch = arch or ("" if may_decide else default_arch(dataset))
    initial = find_weights(weights, arch, normalise, dataset.task)
    check_arch(dataset.task, initial.arch)
    recipe = draft_recipe(dataset, initial, choices, settings().threads)
    network = fresh_network(recipe)
    _require_size(network, recipe)
    origin = load_weights(network, initial)
    if choices.epochs == 0:
        _require_whole(origin, recipe, initial.classes)
    return network, replace(recipe, weights=origin, initial_sha256=weights_digest(network))


def _require_size(network: "Network", recipe: Recipe) -> None:
    """A blank picture of each size through the network.

    So a size that it cannot take is found before any picture is decoded.
    """
    import torch

    from sightline.train.batches import CELL

    whole = recipe.pixels.size
    sizes = {whole: "choose another --size"}
    if recipe.half_size:
        sizes.setdefault(whole.halved(CELL), "choose another --size, or --half-size 0")
    network.eval()
    for size, way_out in sizes.items():
        try:
            with torch.inference_mode():
                network(torch.zeros(1, 3, size.height, size.width))
        except (RuntimeError, AssertionError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise InputError(f"{recipe.arch} cannot take pictures of {size}: {reason}; {way_out}") from error


def _require_whole(origin: WeightsOrigin, recipe: Recipe, named: tuple[str, ...]) -> None:
    """Without training, weights drawn by the seed would be released as they are."""
    if origin.kind == "scratch":
        raise InputError(
            f"--epochs 0 releases given weights, but {recipe.arch} would start from scratch "
            f"({origin.why}); give --weights FILE"
        )
    if origin.fresh:
        raise InputError(
            f"--epochs 0 releases {origin.name!r} as it is, but it does not fit {recipe.arch} with "
            f"{len(recipe.classes):,} classes: {', '.join(origin.fresh[:4])} would be random; give "
            "--classes with one name for each of its outputs, or train some epochs"
        )
    if named and named != recipe.classes:
        ours, theirs = next((a, b) for a, b in zip_longest(recipe.classes, named) if a != b)
        raise InputError(
            f"--epochs 0 releases {origin.name!r} as it is, but its card names other classes, or in another "
            f"order: {theirs!r} where --classes has {ours!r}"
        )


def fresh_network(recipe: Recipe) -> "Network":
    """The recipe's network with the weights that its seed gives."""
    import torch

    from sightline.train.arch import ARCHITECTURES
    from sightline.train.weights import split_arch

    name, variant = split_arch(recipe.arch)
    torch.manual_seed(recipe.seed)
    return ARCHITECTURES.load(name).build(variant, len(recipe.classes))


def network_of(recipe: Recipe, initial: Path) -> "Network":
    """The network of a finished recipe; its initial weights are the seed's or those in ``initial``.

    Raises:
        RecipeError: the initial weights are missing or are not those of the recipe.
    """
    from safetensors.torch import load_file

    from sightline.train.weights import weights_digest

    network = fresh_network(recipe)
    if recipe.weights.kind != "scratch":
        if not initial.is_file():
            raise RecipeError(
                f"the recipe starts from {recipe.weights.name!r}; {initial.name} must lie beside it"
            )
        network.load_state_dict(load_file(initial))
    if weights_digest(network) != recipe.initial_sha256:
        raise RecipeError(
            "the initial weights are not those of the recipe: another version of torch or of the "
            "architecture's library gives others for the same seed"
        )
    return network


def keep_plan(run: Run, network: "Network", recipe: Recipe) -> Run:
    """Record the recipe, and the initial weights where they are not the seed's, before training."""
    from safetensors.torch import save

    from sightline.train.recipes import recipe_json

    if recipe.weights.kind != "scratch":
        state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
        write_atomic(run.initial, save(state))
    write_atomic(run.recipe, recipe_json(recipe))
    return run.at("planned")


def gather(dataset: Dataset, recipe: Recipe, cache: Path, limit_bytes: int, watch: Watcher) -> Material:
    """All pictures as model input; what cannot be read any more is said."""
    from sightline.train.pixel_cache import PictureReader, open_pixels

    samples = tuple(sample for split in SPLITS for sample in dataset.part(split))
    reader = PictureReader(dataset.root, samples, recipe.pixels)
    source = open_pixels(
        reader, cache, limit_bytes, recipe.threads, lambda done, total: watch.progress("decode", done, total)
    )
    watch.say(f"pixels: {source.note}")
    material = Material(samples, source, _truth(samples, recipe))
    say_set_aside(material, watch)
    return material


def say_set_aside(material: Material, watch: Watcher) -> None:
    """Say which pictures turned out unreadable since this was last done."""
    for gone in material.source.newly_set_aside():
        watch.say(f"set aside: {gone.path!r}: {gone.reason}")


def _truth(samples: tuple[Sample, ...], recipe: Recipe) -> "Truth":
    """What is true of every picture, as the network is to learn it."""
    from sightline.train.batches import AllObjects, Labels

    if recipe.task == "classification":
        return Labels(class_numbers(samples, recipe.classes))
    objects = (Objects.of(sample, recipe.classes) for sample in samples)
    return AllObjects(tuple(placed(each, recipe.pixels) for each in objects), recipe.pixels.fill / 255)


def class_numbers(samples: Iterable[Sample], classes: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Numbers ``[N]`` of the classes of pictures that show one each, -1 where it is unknown."""
    number = {name: index for index, name in enumerate(classes)}
    return np.array([number[each.labels[0]] if each.labels else -1 for each in samples], dtype=np.int64)


def loader(material: Material, recipe: Recipe, split: Split, *, augmented: bool) -> "Loader":
    """Batches of one split."""
    from sightline.train.augmentation import Augmenter
    from sightline.train.batches import Loader, Scaling
    from sightline.train.trainer import make_fabric

    scaling = Scaling(recipe.normalise, make_fabric(recipe).device)
    augmenter = Augmenter.of(recipe.augment if augmented else {}, recipe.task)
    indices = material.indices(split)
    return Loader(material.source, material.truth, indices, recipe.batch_size, scaling, augmenter)


def _loaders(material: Material, recipe: Recipe) -> "Loaders":
    from sightline.train.trainer import Loaders

    train = loader(material, recipe, "train", augmented=True)
    if not len(train.indices):
        raise InputError("there are no training pictures; --epochs 0 releases the given weights as they are")
    return Loaders(train, loader(material, recipe, "val", augmented=False))


def plan_epochs(
    network: "Network", material: Material, recipe: Recipe, choices: Choices, watch: Watcher
) -> Recipe:
    """The recipe with its number of epochs, measured from the minutes where none was asked for."""
    from sightline.train.planning import epochs_for
    from sightline.train.recipes import planned

    if choices.epochs is not None:
        return planned(recipe, choices.epochs, choices.patience)
    loaders = _loaders(material, recipe)
    epochs = epochs_for(choices.minutes, network, loaders, recipe)
    watch.say(f"plan: {epochs} epochs in {choices.minutes:g} minutes")
    return planned(recipe, epochs, choices.patience)


def fit(
    network: "Network", material: Material, recipe: Recipe, run: Run, watch: Watcher, *, resume: bool
) -> Fitted:
    """Train as the recipe says; with no epochs the initial weights are the result."""
    from sightline.train.trainer import Watch, train

    if recipe.epochs == 0:
        return Fitted(network, network, recipe, material, Checkpoint(run.initial, recipe, (), 0, 0.0))
    loaders = _loaders(material, recipe)
    checkpoint = train(network, loaders, recipe, run.folder, Watch(*_reports(recipe, watch)), resume)
    asked = f" (planned: {duration(recipe.planned_minutes * 60)})" if recipe.planned_minutes else ""
    watch.say(
        f"trained: {len(checkpoint.history)} of {recipe.epochs} epochs in "
        f"{duration(checkpoint.train_seconds)}{asked}; "
        f"kept epoch {checkpoint.best_epoch}"
    )
    say_set_aside(material, watch)
    if not recipe.refit_epochs or not len(loaders.val.indices):
        return Fitted(network, network, recipe, material, checkpoint)
    validated = copy.deepcopy(network)
    _refit(network, loaders, recipe, run, watch, resume)
    say_set_aside(material, watch)
    return Fitted(network, validated, recipe, material, checkpoint)


def _refit(
    network: "Network", loaders: "Loaders", recipe: Recipe, run: Run, watch: Watcher, resume: bool
) -> None:
    """Go on with the validation pictures among those that are learned from."""
    from sightline.train.recipes import refitting
    from sightline.train.trainer import Loaders, Watch, train

    train_and_val = np.concatenate([loaders.train.indices, loaders.val.indices])
    all_of_them = Loaders(
        replace(loaders.train, indices=train_and_val), replace(loaders.val, indices=loaders.val.indices[:0])
    )
    again = refitting(recipe)
    folder = run.folder / "refit"
    make_folder(folder)
    done = train(network, all_of_them, again, folder, Watch(*_reports(again, watch, "refit")), resume)
    watch.say(
        f"refitted: {again.epochs} epochs with the {len(loaders.val.indices):,} validation pictures too, in "
        f"{duration(done.train_seconds)}"
    )


def _reports(
    recipe: Recipe, watch: Watcher, what: str = "train"
) -> tuple[Callable[[int, int, float], None], Callable[[Epoch], None]]:
    note, metric = "", VALIDATION_METRIC[recipe.task]

    def step(done: int, total: int, loss: float) -> None:
        watch.progress(what, done, total, f"loss {loss:.3f}{note}")

    def epoch(done: Epoch) -> None:
        nonlocal note
        reached = "" if math.isnan(done.val_metric) else f", {metric} {done.val_metric:.1%}"
        note = f", epoch {done.number}/{recipe.epochs}{reached}"

    return step, epoch
