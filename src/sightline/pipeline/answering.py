"""A model file's answers to one part of the pictures, ready to be judged."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sightline.bundle.reference import Reference
from sightline.errors import TrainingError
from sightline.evaluate.answers import Answers
from sightline.evaluate.classified import Classified
from sightline.evaluate.detection import evaluate_detections
from sightline.evaluate.judge import evaluate
from sightline.evaluate.matching import match
from sightline.infer.outputs.detection import in_pictures
from sightline.pipeline.fitting import Material, class_numbers, say_set_aside
from sightline.pipeline.watch import Watcher
from sightline.pixels.picture_statistics import COLUMNS, picture_statistics
from sightline.values.contract import PixelRecipe
from sightline.values.dataset import Sample, Split, Task
from sightline.values.evaluation import EvalReport
from sightline.values.image import Pixels
from sightline.values.objects import Detections, Objects
from sightline.values.recipe import Recipe

if TYPE_CHECKING:
    from sightline.infer.runtimes.base import Arrays, Session

Floats = npt.NDArray[np.float32]

_BATCH_PIXELS = 4 * 640 * 640
_LARGEST_BATCH = 64


@dataclass(frozen=True, eq=False)
class Answered:
    """N pictures of one part and what a model said about them.

    ``scores`` float32 ``[N, C]``: a classifier's probabilities, or the highest score that a detector gave to
    each class, 0 for none. ``found``: what a detector found, in pixels of the upright pictures; None for a
    classifier. ``embeddings`` ``[N, D]`` and ``statistics`` ``[N, S]`` are float32.
    """

    classes: tuple[str, ...]
    samples: list[Sample]
    scores: Floats
    embeddings: Floats
    statistics: Floats
    found: list[Detections] | None

    @property
    def task(self) -> Task:
        """What the model does."""
        return "classification" if self.found is None else "detection"

    @property
    def truth(self) -> npt.NDArray[np.int64]:
        """The class of each picture, ``[N]``; -1 where it is unknown or not a single one."""
        if self.found is not None:
            return np.full(len(self.samples), -1, np.int64)
        return class_numbers(self.samples, self.classes)

    @property
    def known(self) -> npt.NDArray[np.intp]:
        """Which pictures have a truth to be judged by."""
        return np.flatnonzero([bool(each.labels) or each.boxes is not None for each in self.samples])

    @property
    def measured(self) -> Answers:
        """The pictures with a truth, as metrics take them."""
        known = self.known
        if self.found is None:
            return Classified.of(self.truth[known], self.scores[known])
        truth = [Objects.of(self.samples[n], self.classes) for n in known.tolist()]
        return match(truth, [self.found[n] for n in known.tolist()], len(self.classes))

    def evaluate(self, thresholds: Mapping[str, float], seed: int = 0) -> EvalReport | None:
        """Every figure of these test pictures; None where none has a truth.

        A detector's ``thresholds`` decide what counts as found; ``seed`` is the bootstrap's.
        """
        known = self.known.tolist()
        if not known:
            return None
        paths = [self.samples[n].path for n in known]
        if self.found is None:
            return evaluate(self.truth[known], self.scores[known], self.classes, paths, "test", seed=seed)
        truth = [Objects.of(self.samples[n], self.classes) for n in known]
        found = [self.found[n] for n in known]
        return evaluate_detections(truth, found, self.classes, paths, "test", thresholds, seed=seed)

    @property
    def reference(self) -> Reference:
        """What monitoring compares against."""
        return Reference(self.scores, self.embeddings, self.statistics, self.truth, COLUMNS)


def answer(
    session: "Session", material: Material, recipe: Recipe, split: Split, watch: Watcher, stage: str = "judge"
) -> Answered:
    """What the model in ``session`` says about one part; ``stage`` is what the job is called.

    Raises:
        TrainingError: a detector's numbers make no sense.
    """
    width = next(int(tensor.shape[-1]) for tensor in session.outputs if tensor.name == "embedding")
    batches = _sweep(session, material, recipe, split, watch, f"{stage} on {split}")
    answered = gather_answers(recipe.task, recipe.classes, recipe.pixels, width, batches)
    say_set_aside(material, watch)
    return answered


def gather_answers(
    task: Task,
    classes: tuple[str, ...],
    recipe: PixelRecipe,
    embedding: int,
    batches: Iterable[tuple[list[Sample], Pixels, "Arrays"]],
) -> Answered:
    """The answers in ``batches``: samples, their pixels as the model's input, and its outputs.

    ``embedding`` is its length, 0 for a model that gives none.

    Raises:
        TrainingError: a detector's numbers make no sense.
    """
    samples: list[Sample] = []
    found: list[Detections] = []
    scores, embeddings, statistics = [], [], []
    for batch, pixels, outputs in batches:
        samples += batch
        statistics.append(np.stack([picture_statistics(each) for each in pixels]))
        if embedding:
            embeddings.append(outputs["embedding"].astype(np.float32))
        if task == "classification":
            scores.append(outputs["probabilities"].astype(np.float32))
        else:
            located = _located(outputs, batch, classes, recipe)
            found += located
            scores.append(_highest(located, len(classes)))
    return Answered(
        classes,
        samples,
        _rows(scores, len(classes)),
        _rows(embeddings, embedding) if embedding else np.empty((len(samples), 0), np.float32),
        _rows(statistics, len(COLUMNS)),
        None if task == "classification" else found,
    )


def batch_of(recipe: Recipe) -> int:
    """Pictures a batch, so that their activations stay small."""
    return max(1, min(_LARGEST_BATCH, _BATCH_PIXELS // recipe.pixels.size.area))


def _sweep(
    session: "Session", material: Material, recipe: Recipe, split: Split, watch: Watcher, stage: str
) -> Iterator[tuple[list[Sample], Pixels, "Arrays"]]:
    """Samples, pixels and the model's outputs, batch by batch over one split."""
    indices = material.indices(split)
    batch = batch_of(recipe)
    for start in range(0, len(indices), batch):
        pixels, some = material.source.read(indices[start : start + batch])
        if len(some):
            yield material.some(some), pixels, session.run(pixels)
        watch.progress(stage, min(start + batch, len(indices)), len(indices))


def _located(
    outputs: "Arrays", batch: list[Sample], classes: tuple[str, ...], recipe: PixelRecipe
) -> list[Detections]:
    sizes = [sample.size for sample in batch]
    found = []
    read = in_pictures(outputs, len(classes), recipe, sizes)
    for sample, each in zip(batch, read, strict=True):
        if each is None:
            raise TrainingError(f"the model gave numbers that make no sense for {sample.path!r}")
        found.append(each)
    return found


def _highest(found: list[Detections], classes: int) -> Floats:
    best = np.zeros((len(found), classes), np.float32)
    for row, each in zip(best, found, strict=True):
        np.maximum.at(row, each.classes, each.scores.astype(np.float32))
    return best


def _rows(parts: list[Floats], width: int) -> Floats:
    """The parts as one array ``[N, width]``."""
    return np.concatenate(parts).astype(np.float32) if parts else np.empty((0, width), np.float32)
