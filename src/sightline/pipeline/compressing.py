"""A smaller and faster variant of a model, and the proof of what it loses."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sightline import __version__
from sightline.bundle.card import card_with_variants
from sightline.bundle.keys import make_key
from sightline.bundle.reference import write_reference
from sightline.bundle.seal import bundle_file_name, seal
from sightline.data.manifest import read_manifest
from sightline.errors import InputError, ParityError
from sightline.evaluate.answers import Answers
from sightline.evaluate.classified import Classified
from sightline.evaluate.gates import compare
from sightline.evaluate.matches import Matches
from sightline.evaluate.measure import measure, metric_of
from sightline.infer.predictor import open_session
from sightline.infer.runtimes import RUNTIMES
from sightline.pipeline.answering import Answered, answer, batch_of
from sightline.pipeline.fitting import Material, gather
from sightline.pipeline.watch import Watcher
from sightline.registry.opening import open_registered
from sightline.registry.releases import Registry
from sightline.storage.layout import Layout
from sightline.values.contract import ModelContract
from sightline.values.dataset import Split
from sightline.values.evaluation import Comparison, VariantParity
from sightline.values.image import Pixels
from sightline.values.recipe import Recipe
from sightline.values.release import Release, Variant

if TYPE_CHECKING:
    from sightline.infer.runtimes.base import Arrays

_ON_VALIDATION = 0.5
"""Share of the budget that the search may use up on validation, so that the test pictures can confirm it."""

_CALIBRATION_PIXELS = 64 * 640 * 640
_MOST_CALIBRATION = 256
_POOL = 4
"""Calibration pictures are chosen among so many times as many."""
_FEW = 8
"""Of them at least so many, in whole batches, show a layer's harm."""


@dataclass(frozen=True)
class Model:
    """The full model that is to be compressed, and the pictures that it was made with."""

    file: bytes
    contract: ModelContract
    recipe: Recipe
    material: Material
    test: Answered
    val: Answered


@dataclass(frozen=True)
class Compressed:
    """A variant that was measured, whether or not it may be published."""

    name: str
    variant: Variant

    @property
    def story(self) -> str:
        """What came out, in one line."""
        parity, compared = self.variant.parity, self.variant.parity.comparison
        loss, most = -100 * compared.difference.value, -100 * compared.lower
        seen = (
            f"{self.name}: {compared.metric} {compared.candidate:.1%}, {compared.incumbent:.1%} of the "
            f"full model on {compared.pictures:,} test pictures, a loss of {loss:+.2f} points and with 95% "
            f"confidence of no more than {most:+.2f}; {len(parity.kept)} of {parity.layers} layers kept"
        )
        allowed = f"{100 * parity.budget:g} points are allowed"
        if parity.verdict == "refused":
            return f"{seen}; refused, {allowed}"
        if parity.verdict == "passes":
            return f"{seen}; passes, {allowed}"
        more = (
            f"about {compared.lacking:,} more pictures are needed" if compared.lacking else "no number helps"
        )
        return f"{seen}; undecided, {allowed}: {more}"


def check_budget(budget: float) -> None:
    """Refuse a budget that is no share.

    Raises:
        InputError: it is not in (0, 1).
    """
    if not 0 < budget < 1:
        raise InputError(f"the budget of a variant's loss is a fraction between 0 and 1, got {budget}")


def check_enough(test: Answered, budget: float) -> None:
    """Refuse test pictures that could not show a loss to be within ``budget`` even if there were none.

    Raises:
        InputError: they are too few; says how many more are needed.
    """
    if not len(test.known):
        return
    same = test.measured
    at_best = _compared(same, same, budget, metric_of(test.task))
    if not at_best.passes:
        more = f"; about {at_best.lacking:,} more would" if at_best.lacking else ""
        raise InputError(
            f"{at_best.pictures:,} test pictures cannot show a loss within the budget of {100 * budget:g} "
            f"points, even where there is none{more}"
        )


def compress(name: str, model: Model, budget: float, watch: Watcher) -> Compressed:
    """Compress ``model`` by the plugin ``name`` and judge what came out on the test pictures.

    Calibration uses training pictures, the search for layers to keep uses validation pictures, and the
    verdict test pictures.

    Raises:
        InputError: labelled pictures of one of the parts are lacking.
        BundleError: nothing in the model can be compressed.
    """
    from sightline.export.compress import COMPRESSORS
    from sightline.export.disagreement import disagreement
    from sightline.export.search import fewest_kept

    calibration = _calibration(model)
    _require_pictures(model, calibration)
    watch.progress(f"calibrate {name}", 0, 1)
    compressible = COMPRESSORS.load(name).prepare(model.file, iter(calibration))
    watch.progress(f"calibrate {name}", 1, 1)
    some = calibration[: -(-_FEW // batch_of(model.recipe))]
    full = _outputs(model.file, some, model.recipe)
    metric = metric_of(model.recipe.task)
    wanted = measure(metric, model.val.measured)

    def loss(file: bytes) -> float:
        return wanted - measure(metric, _answered(file, model, "val", watch).measured)

    def harm(file: bytes) -> float:
        return disagreement(full, _outputs(file, some, model.recipe), model.contract)

    found = fewest_kept(
        compressible,
        loss,
        harm,
        _ON_VALIDATION * budget,
        lambda done, total: watch.progress(f"rank layers for {name}", done, total),
    )
    test = _answered(found.model, model, "test", watch)
    if test.samples != model.test.samples:
        raise InputError("test pictures have gone, so that the loss cannot be measured on the same ones")
    parity = VariantParity(
        comparison=_compared(test.measured, model.test.measured, budget, metric),
        budget=budget,
        layers=len(compressible.layers),
        kept=found.kept,
        validation_loss=found.loss,
        disagreement=harm(found.model),
        calibrated_on=sum(len(batch) for batch in calibration),
    )
    return Compressed(name, Variant(found.model, parity, write_reference(test.reference)))


def compress_release(
    release: Release,
    name: str,
    layout: Layout,
    registry: Registry,
    cache_bytes: int,
    budget: float,
    accept_undecided: bool,
    watch: Watcher,
) -> Release:
    """Add a variant to a release: the next version, a candidate, with the old one as its parent.

    Raises:
        InputError: the pictures that it was made with are lacking, or it has that variant already.
        ParityError: the loss is above ``budget``, or not shown to be within it and not accepted.
    """
    from sightline.export.compress import COMPRESSORS

    check_budget(budget)
    COMPRESSORS.load(name)
    key = make_key(layout)
    bundle = open_registered(release, layout)
    if name in bundle.variants:
        raise InputError(f"{release} has the variant {name!r} already")
    manifest = bundle.manifest
    recipe = manifest.training
    listed = layout.datasets / f"{release.dataset_fingerprint}.json"
    if not listed.is_file():
        raise InputError(
            f"{release} was made with pictures that this workspace does not know (dataset "
            f"{release.dataset_fingerprint[:12]}); a variant is made where the release was"
        )
    dataset = read_manifest(listed)
    material = gather(dataset, recipe, layout.internal / "cache", cache_bytes, watch)
    try:
        session = open_session(bundle, "onnxruntime", recipe.threads)
        test, val = (
            answer(session, material, recipe, split, watch, "judge the full model")
            for split in ("test", "val")
        )
        model = Model(bundle.model, manifest.contract, recipe, material, test, val)
        made = compress(name, model, budget, watch)
    finally:
        material.source.close()
    parity = made.variant.parity
    if parity.verdict == "refused":
        raise ParityError(made.story)
    if parity.verdict == "undecided" and not accept_undecided:
        raise ParityError(f"{made.story}; --accept-undecided publishes it all the same")
    watch.say(made.story)
    accepted = replace(parity, accepted=parity.verdict == "undecided")
    variants = {**bundle.variants, name: replace(made.variant, parity=accepted)}
    next_manifest = replace(
        manifest,
        version=registry.reserve(release.name),
        parents=(str(release),),
        code_version=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    path = layout.models / bundle_file_name(next_manifest)
    sealed = seal(
        path,
        next_manifest,
        model=bundle.model,
        reference=bundle.reference,
        card=card_with_variants(bundle.card, next_manifest, variants),
        key=key,
        variants=variants,
    )
    return registry.add(
        replace(
            release,
            version=next_manifest.version,
            path=path.relative_to(layout.root).as_posix(),
            sha256=sealed.sha256,
            code_version=__version__,
            parent=str(release),
            created=next_manifest.created,
        )
    )


def _require_pictures(model: Model, calibration: Sequence[Pixels]) -> None:
    if isinstance(model.val.measured, Matches) and not _shows_objects(model.val.measured):
        raise InputError("the validation pictures show no object, so no loss can be measured on them")
    counts = {"training": len(calibration), "validation": len(model.val.known), "test": len(model.test.known)}
    lacking = [part for part, count in counts.items() if not count]
    if lacking:
        raise InputError(
            "a variant is calibrated on training pictures, chosen on validation pictures and judged on test "
            f"pictures; there are no labelled ones for {' and '.join(lacking)}"
        )


def _compared(variant: Answers, full: Answers, budget: float, metric: str) -> Comparison:
    if isinstance(variant, Classified) and isinstance(full, Classified):
        return compare(variant, full, -budget, metric)
    if isinstance(variant, Matches) and isinstance(full, Matches):
        if not _shows_objects(full):
            raise InputError("the test pictures show no object, so they show no loss either")
        return compare(variant, full, -budget, metric)
    raise TypeError("answers of two tasks cannot be compared")


def _shows_objects(answers: Matches) -> bool:
    return any(each.objects.any() for each in answers.by_area["all"])


def _answered(file: bytes, model: Model, split: Split, watch: Watcher) -> Answered:
    session = RUNTIMES.load("onnxruntime").load(file, model.recipe.threads)
    return answer(session, model.material, model.recipe, split, watch, "judge the variant")


def _outputs(file: bytes, batches: Sequence[Pixels], recipe: Recipe) -> list["Arrays"]:
    session = RUNTIMES.load("onnxruntime").load(file, recipe.threads)
    return [session.run(batch) for batch in batches]


def _calibration(model: Model) -> list[Pixels]:
    """Training pictures that differ as much as possible, in batches: each the farthest from those before."""
    recipe, source = model.recipe, model.material.source
    count = max(1, min(_MOST_CALIBRATION, _CALIBRATION_PIXELS // recipe.pixels.size.area))
    indices = model.material.indices("train")
    dice = np.random.default_rng(recipe.seed)
    pool = np.sort(dice.permutation(indices)[: _POOL * count])
    session = RUNTIMES.load("onnxruntime").load(model.file, recipe.threads)
    embeddings, usable = [], []
    for part in np.array_split(pool, max(1, len(pool) // batch_of(recipe))):
        pixels, some = source.read(part)
        if len(some):
            embeddings.append(session.run(pixels)["embedding"].astype(np.float64))
            usable.append(some)
    if not usable:
        return []
    chosen = np.concatenate(usable)[spread(np.concatenate(embeddings), count)]
    batches = np.array_split(chosen, max(1, len(chosen) // batch_of(recipe)))
    return [pixels for pixels, _ in map(source.read, batches) if len(pixels)]


def spread(points: npt.NDArray[np.float64], count: int) -> list[int]:
    """Up to ``count`` rows of ``points`` ``[N, D]``, far from each other: greedy k-centre (Gonzalez 1985).

    The first is the row nearest to the mean.
    """
    first = int(np.linalg.norm(points - points.mean(axis=0), axis=1).argmin())
    chosen, nearest = [first], np.linalg.norm(points - points[first], axis=1)
    while len(chosen) < min(count, len(points)):
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return chosen
