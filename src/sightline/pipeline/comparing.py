"""Two releases on the same held-out pictures."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from sightline.data.manifest import read_manifest
from sightline.errors import BundleError, InputError, RegistryError, StorageError
from sightline.evaluate.classified import Classified
from sightline.evaluate.gates import MARGIN, compare
from sightline.evaluate.matches import Matches
from sightline.evaluate.matching import match
from sightline.infer.outputs.detection import in_pictures
from sightline.infer.predictor import Predictor
from sightline.infer.runtimes.base import Arrays
from sightline.pipeline.fitting import class_numbers
from sightline.pipeline.held_out import held_out_answers
from sightline.pipeline.watch import Watcher
from sightline.registry.opening import open_registered
from sightline.storage.layout import Layout
from sightline.values.dataset import Dataset, Sample
from sightline.values.evaluation import Comparison
from sightline.values.objects import Detections, Objects
from sightline.values.release import Release

INCOMPARABLE = (BundleError, InputError, RegistryError, StorageError)
"""What ``compare_releases`` raises where something is wrong with releases, their files or pictures."""


def compare_releases(
    candidate: Release, incumbent: Release, layout: Layout, watch: Watcher, margin: float = MARGIN
) -> Comparison:
    """Both answer the labelled test pictures of the candidate's dataset, each through its own pixel recipe.

    Raises:
        RegistryError: their classes differ, or the pictures are not there as they were.
        BundleError: one of them is refused.
        InputError, StorageError: one of their files, or the list of pictures, is not there or cannot be read.
    """
    if not candidate.dataset_fingerprint:
        raise RegistryError(f"{candidate} was imported without pictures, so there are none to compare it on")
    dataset = read_manifest(layout.datasets / f"{candidate.dataset_fingerprint}.json")
    one, other = (Predictor(open_registered(each, layout)) for each in (candidate, incumbent))
    classes, task = one.manifest.contract.classes, one.manifest.contract.task
    if task != other.manifest.contract.task:
        raise RegistryError(f"{candidate} and {incumbent} have different tasks, so they cannot be compared")
    if classes != other.manifest.contract.classes:
        raise RegistryError(
            f"{candidate} and {incumbent} have different classes, so they cannot be compared in pairs"
        )
    seen = _learned_from(incumbent, layout)
    labelled = [each for each in dataset.part("test") if each.labels or each.boxes is not None]
    samples = [sample for sample in labelled if sample.sha256 not in seen]
    if len(samples) < len(labelled):
        watch.say(
            f"compare: {len(labelled) - len(samples):,} of {len(labelled):,} test pictures are left out, "
            f"because {incumbent} learned from them"
        )
    if not samples:
        raise RegistryError(f"{candidate} has no labelled test pictures that {incumbent} did not learn from")
    if task == "detection":
        boxes, rival_boxes = (_located(each, dataset, samples, watch) for each in (one, other))
        if not any(each.objects.any() for each in boxes.by_area["all"]):
            raise RegistryError(f"the test pictures of {candidate} show no object, so they compare nothing")
        return compare(boxes, rival_boxes, margin)
    labels, rival_labels = (_classified(each, dataset, samples, watch) for each in (one, other))
    return compare(labels, rival_labels, margin)


def _learned_from(release: Release, layout: Layout) -> frozenset[str]:
    """Digests of the pictures that a release was trained or tuned on, as far as its manifest is here."""
    path = layout.datasets / f"{release.dataset_fingerprint}.json"
    if not path.is_file():
        return frozenset()
    dataset = read_manifest(path)
    return frozenset(sample.sha256 for sample in dataset.samples if sample.split != "test")


def _classified(predictor: Predictor, dataset: Dataset, samples: list[Sample], watch: Watcher) -> Classified:
    classes = predictor.manifest.contract.classes
    parts = [outputs["probabilities"] for _, outputs in _answers(predictor, dataset, samples, watch)]
    return Classified.of(class_numbers(samples, classes), np.concatenate(parts))


def _located(predictor: Predictor, dataset: Dataset, samples: list[Sample], watch: Watcher) -> Matches:
    contract = predictor.manifest.contract
    classes = contract.classes
    found: list[Detections] = []
    for batch, outputs in _answers(predictor, dataset, samples, watch):
        sizes = [sample.size for sample in batch]
        read = in_pictures(outputs, len(classes), contract.pixels, sizes)
        for sample, each in zip(batch, read, strict=True):
            if each is None:
                raise RegistryError(
                    f"{predictor.release} gave numbers that make no sense for {sample.path!r}"
                )
            found.append(each)
    return match([Objects.of(sample, classes) for sample in samples], found, len(classes))


def _answers(
    predictor: Predictor, dataset: Dataset, samples: list[Sample], watch: Watcher
) -> Iterator[tuple[list[Sample], Arrays]]:
    recipe, stage = predictor.manifest.contract.pixels, f"{predictor.release} answers"
    for batch, _, outputs in held_out_answers(
        predictor.run, recipe, dataset, samples, predictor.batch_size, partial(watch.progress, stage)
    ):
        yield batch, outputs
