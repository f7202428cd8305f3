"""Two releases on the same held-out pictures."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import numpy.typing as npt

from sightline.bundle.keys import trusted
from sightline.bundle.verify import open_bundle
from sightline.data.manifest import read_manifest
from sightline.errors import DamagedBundle, RegistryError
from sightline.evaluate.gates import MARGIN, compare
from sightline.infer.predictor import Predictor
from sightline.pipeline.watch import Watcher
from sightline.pixels.model_input import model_input
from sightline.settings import settings
from sightline.storage.files import sha256_bytes
from sightline.storage.layout import Layout
from sightline.values.dataset import Dataset, Sample
from sightline.values.evaluation import Comparison
from sightline.values.image import Pixels, Undecodable
from sightline.values.release import Bundle, Release

_BATCH = 64


def compare_releases(
    candidate: Release, incumbent: Release, layout: Layout, watch: Watcher, margin: float = MARGIN
) -> Comparison:
    """Both answer the labelled test pictures of the candidate's dataset, each through its own pixel recipe.

    Raises:
        RegistryError: their classes differ, or the pictures are not there as they were.
        BundleError: one of them cannot be opened.
    """
    dataset = read_manifest(layout.datasets / f"{candidate.dataset_fingerprint}.json")
    one, other = (Predictor(open_registered(each, layout)) for each in (candidate, incumbent))
    classes = one.manifest.contract.classes
    if classes != other.manifest.contract.classes:
        raise RegistryError(
            f"{candidate} and {incumbent} have different classes, so they cannot be compared in pairs"
        )
    seen = _learned_from(incumbent, layout)
    labelled = [sample for sample in dataset.part("test") if sample.labels]
    samples = [sample for sample in labelled if sample.sha256 not in seen]
    if len(samples) < len(labelled):
        watch.say(
            f"compare: {len(labelled) - len(samples):,} of {len(labelled):,} test pictures are left out, "
            f"because {incumbent} learned from them"
        )
    if not samples:
        raise RegistryError(f"{candidate} has no labelled test pictures that {incumbent} did not learn from")
    truth = np.array([classes.index(sample.labels[0]) for sample in samples], dtype=np.int64)
    answers = [_probabilities(each, dataset, samples, watch) for each in (one, other)]
    return compare(truth, answers[0], answers[1], margin)


def _learned_from(release: Release, layout: Layout) -> frozenset[str]:
    """Digests of the pictures that a release was trained or tuned on, as far as its manifest is here."""
    path = layout.datasets / f"{release.dataset_fingerprint}.json"
    if not path.is_file():
        return frozenset()
    dataset = read_manifest(path)
    return frozenset(sample.sha256 for sample in dataset.samples if sample.split != "test")


def open_registered(release: Release, layout: Layout) -> Bundle:
    """The verified bundle of a registered release.

    Raises:
        BundleError: it is refused, or is another sealed file than the one that was registered.
    """
    bundle = open_bundle(layout.root / release.path, trusted(layout))
    if bundle.sha256 != release.sha256:
        raise DamagedBundle(
            f"{release.path} is a sealed file, but not the one that was registered as {release}"
        )
    return bundle


def _probabilities(
    predictor: Predictor, dataset: Dataset, samples: list[Sample], watch: Watcher
) -> npt.NDArray[np.float32]:
    rows = []
    with ThreadPoolExecutor(settings().threads, thread_name_prefix="decode") as pool:
        for start in range(0, len(samples), _BATCH):
            part = samples[start : start + _BATCH]
            pixels = np.stack(list(pool.map(partial(_input, predictor, dataset), part)))
            rows.append(predictor.probabilities(pixels))
            watch.progress(f"{predictor.release} answers", start + len(part), len(samples))
    return np.concatenate(rows)


def _input(predictor: Predictor, dataset: Dataset, sample: Sample) -> Pixels:
    try:
        data = (dataset.root / sample.path).read_bytes()
    except OSError as error:
        raise RegistryError(f"test picture {sample.path!r} cannot be read: {error.strerror}") from error
    if sha256_bytes(data) != sample.sha256:
        raise RegistryError(f"test picture {sample.path!r} has changed since the candidate was judged on it")
    made = model_input(data, predictor.manifest.contract.pixels)
    if isinstance(made, Undecodable):
        raise RegistryError(f"test picture {sample.path!r}: {made.reason}")
    return made.pixels
