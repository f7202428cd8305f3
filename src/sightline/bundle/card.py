"""``card.md``: what a person should know before relying on a model (Mitchell et al., 2019).

Every sentence is made from a value that was measured or recorded. Where something was not measured the
card says so; it never holds a line for somebody to fill in.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from sightline.values.dataset import SPLITS, AuditReport, Dataset, Task
from sightline.values.evaluation import (
    ClassificationReport,
    ClassScores,
    DetectionParity,
    DetectionReport,
    EvalReport,
    ObjectScores,
    Parity,
)
from sightline.values.foreign import ImportRecipe
from sightline.values.recipe import Recipe, WeightsOrigin
from sightline.values.release import Manifest, Variant

_FEW = 20
"""With fewer test pictures, or objects, than this, a class's own figures say little."""
_MOST_ROWS = 1_000
_MOST_FINDINGS = 20
_USE_TITLE, _VARIANTS_TITLE, _LIMITS_TITLE = "## What it is for", "## Variants", "## Known limits"
"""Between these lies what a new variant changes."""
_SPECIAL = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]<>|#"})


def model_card(
    manifest: Manifest,
    dataset: Dataset | None = None,
    evaluation: EvalReport | None = None,
    audit: AuditReport | None = None,
    variants: Mapping[str, Variant] = MappingProxyType({}),
) -> str:
    """The card in markdown.

    ``dataset``, ``evaluation`` and ``audit`` add counts, figures for each class and findings. Names of
    classes and files come from strangers: they are escaped and shown on one line.
    """
    sections = (
        _head(manifest),
        _use(manifest),
        _data(manifest, dataset),
        _training(manifest.recipe) if isinstance(manifest.recipe, Recipe) else _origins(manifest.recipe),
        _quality(manifest, evaluation),
        _answers(manifest),
        *([_variants(variants)] if variants else []),
        _limits(manifest, dataset, evaluation, audit),
        _licences(manifest),
    )
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def card_with_variants(card: str, manifest: Manifest, variants: Mapping[str, Variant]) -> str:
    """The ``card`` of a release as that of the next one, which has the same model and these variants."""
    _, _, rest = card.partition(_USE_TITLE)
    told, _, after = rest.partition(_LIMITS_TITLE)
    before, _, _ = told.partition(_VARIANTS_TITLE)
    head, section = ("\n".join(lines) for lines in (_head(manifest), _variants(variants)))
    return f"{head}\n\n{_USE_TITLE}{before}{section}\n\n{_LIMITS_TITLE}{after}"


def _head(manifest: Manifest) -> Iterator[str]:
    contract = manifest.contract
    yield f"# {_plain(manifest.name)}, version {manifest.version}"
    yield ""
    count = _classes(len(contract.classes))
    if contract.task == "detection":
        yield f"A detector that draws boxes around objects of {count}:"
    else:
        yield f"A classifier that tells {count} of pictures apart:"
    yield f"{_listed(contract.classes)}."
    yield ""
    yield f"Made {_plain(manifest.created)} by sightline, code version {_plain(manifest.code_version)}."
    if manifest.parents:
        yield f"It follows {_listed(manifest.parents)}."


def _use(manifest: Manifest) -> Iterator[str]:
    contract = manifest.contract
    recipe = contract.pixels
    yield _USE_TITLE
    yield ""
    yield from _USE[contract.task]
    yield "It was not judged for decisions about people's rights, health or safety."
    yield ""
    yield f"Any upright picture is brought to {recipe.size} pixels ({_FITTED[recipe.fit]}), 8-bit RGB;"
    inside = "the choice among boxes" if contract.task == "detection" else "calibration"
    yield f"everything after that, normalisation and {inside} too, happens inside `model.onnx`."
    chosen = contract.suppression
    if chosen:
        yield ""
        yield f"Of boxes of one class that overlap by more than {chosen.iou:g} (IoU) only the best is given,"
        yield f"and at most {chosen.detections} boxes of a picture: objects of one class that cover each"
        yield "other more than that can be lost."


_USE: dict[Task, tuple[str, ...]] = {
    "classification": (
        "It says which of the classes above a picture shows, for pictures made like those that it learned",
        "from: the same kind of camera, distance, light and objects. It always names one of its classes,",
        "also for a picture that shows none of them; an answer below its class's threshold is marked as not",
        "accepted.",
    ),
    "detection": (
        "It says where objects of the classes above are, for pictures made like those that it learned from:",
        "the same kind of camera, distance, light and objects. Boxes whose score is below their class's",
        "threshold are not given; a picture without a box is no proof that nothing is there.",
    ),
}


_FITTED = {
    "stretch": "resized without keeping its proportions",
    "letterbox": "resized keeping its proportions, and padded",
    "crop": "resized keeping its proportions, and its middle cut out",
}


def _data(manifest: Manifest, dataset: Dataset | None) -> Iterator[str]:
    yield "## Data"
    yield ""
    yield f"Dataset fingerprint: `{manifest.recipe.dataset_fingerprint or 'none: no pictures'}`"
    if dataset is None:
        return
    counts = ", ".join(f"{len(dataset.part(split))} {split}" for split in SPLITS)
    yield ""
    yield f"{len(dataset.samples)} pictures ({counts}). Split: {_plain(dataset.split_origin)}."
    if dataset.set_aside:
        yield f"Files set aside as unusable: {len(dataset.set_aside)}."
    yield ""
    if dataset.task == "detection":
        empty = sum(sample.boxes is not None and not len(sample.boxes) for sample in dataset.samples)
        yield f"Pictures annotated as showing no object: {empty}. Boxes by class:"
        yield ""
    yield from _table(("class", *SPLITS), _class_counts(dataset))


def _class_counts(dataset: Dataset) -> Iterator[tuple[object, ...]]:
    counted = Counter((label, sample.split) for sample in dataset.samples for label in sample.labels)
    for name in dataset.classes[:_MOST_ROWS]:
        yield name, *(counted[name, split] for split in SPLITS)


def _training(recipe: Recipe) -> Iterator[str]:
    yield "## Training"
    yield ""
    yield from _table(
        ("", ""),
        (
            ("architecture", recipe.arch),
            ("initial weights", _origin(recipe.weights)),
            ("epochs", f"{recipe.epochs}, {recipe.half_size_epochs} of them at half size"),
            ("epochs after them, with validation pictures too", recipe.refit_epochs),
            ("batch size", recipe.batch_size),
            ("learning rate", f"{recipe.learning_rate:g}, backbone times {recipe.backbone_rate:g}"),
            ("weight decay", f"{recipe.weight_decay:g}"),
            ("label smoothing", f"{recipe.label_smoothing:g}"),
            ("augmentation", _pairs(recipe.augment.items()) or "none"),
            ("seed, threads", f"{recipe.seed}, {recipe.threads}"),
        ),
    )


def _origins(recipe: ImportRecipe) -> Iterator[str]:
    model, taken = recipe.model, recipe.model.input
    values = "as they are"
    if taken.scale is not None:
        values = f"(value * {taken.scale:g} - {_numbers(taken.mean)}) / {_numbers(taken.std)}"
    yield "## Where it comes from"
    yield ""
    yield "It was trained elsewhere and imported as a file; how it was trained is not known here."
    yield ""
    yield from _table(
        ("", ""),
        (
            ("file", f"{recipe.file}, SHA-256 {recipe.sha256}"),
            ("source", model.source or "not stated"),
            ("input", f"{taken.name}, {taken.layout}, {taken.channels}, {values}"),
            ("outputs", ", ".join(f"{ours}: {theirs}" for ours, theirs in sorted(model.outputs.items()))),
            ("embedding", "yes" if "embedding" in model.outputs else "none, so less of it can be monitored"),
        ),
    )


def _numbers(values: Iterable[float]) -> str:
    return f"({', '.join(f'{each:g}' for each in values)})"


def _origin(weights: WeightsOrigin) -> str:
    words = {"scratch": "from scratch", "file": "file", "hub": "hub", "cache": "local cache"}[weights.kind]
    licence = f"licence {weights.licence}" if weights.licence else ""
    digest = f"SHA-256 {weights.sha256}" if weights.sha256 else ""
    return ", ".join(
        part for part in (f"{words} {weights.name}".strip(), licence, digest, weights.why) if part
    )


def _quality(manifest: Manifest, evaluation: EvalReport | None) -> Iterator[str]:
    yield "## How good it is"
    yield ""
    if not manifest.metrics:
        why = "Nothing was held out"
        if evaluation:
            why = f"The {evaluation.pictures} {evaluation.split} pictures show no object"
        yield f"{why}, so nothing is claimed about how good its answers are."
        return
    pictures = f"{evaluation.pictures} {evaluation.split} pictures" if evaluation else "held-out pictures"
    if isinstance(evaluation, DetectionReport):
        pictures += f" with {evaluation.objects} objects"
    trained_here = isinstance(manifest.recipe, Recipe)
    unseen = "were never trained on" if trained_here else "were given when it was imported"
    yield f"On {pictures} that {unseen}, with bootstrap intervals:"
    yield ""
    rows = (
        (name, f"{number.value:.4f}", f"{number.low:.4f} to {number.high:.4f} ({number.level:.0%})")
        for name, number in sorted(manifest.metrics.items())
        if not math.isnan(number.value)  # as where there is no object of that size
    )
    yield from _table(("figure", "value", "interval"), rows)
    if isinstance(evaluation, ClassificationReport):
        yield ""
        yield from _table(
            ("class", "pictures", "precision", "recall", "F1"),
            (
                (one.name, one.support, f"{one.precision:.3f}", f"{one.recall:.3f}", f"{one.f1:.3f}")
                for one in evaluation.per_class[:_MOST_ROWS]
            ),
        )
    if isinstance(evaluation, DetectionReport):
        yield ""
        yield "By class; precision and recall are those at its threshold and an overlap (IoU) of 0.5:"
        yield ""
        yield from _table(
            ("class", "objects", "AP", "AP50", "precision", "recall"),
            (_object_row(one) for one in evaluation.per_class[:_MOST_ROWS]),
        )


def _object_row(one: ObjectScores) -> tuple[object, ...]:
    if not one.objects:
        return one.name, 0, *("no object" for _ in range(4))
    precision = f"{one.precision:.3f}" if one.found else "no box"
    return one.name, one.objects, f"{one.ap:.3f}", f"{one.ap50:.3f}", precision, f"{one.recall:.3f}"


def _answers(manifest: Manifest) -> Iterator[str]:
    calibration, parity = manifest.calibration, manifest.parity
    yield "## Scores, thresholds, parity"
    yield ""
    if calibration:
        yield f"Scores are calibrated with temperature {calibration.temperature:.4g}, fitted on"
        yield f"{calibration.pictures} validation pictures (mean negative log-likelihood"
        yield f"{calibration.nll_before:.4f} before, {calibration.nll_after:.4f} after)."
    else:
        yield "Scores are not calibrated: a score of 0.9 need not mean right nine times in ten."
    yield ""
    if parity:
        rival = "the trained network" if isinstance(manifest.recipe, Recipe) else "the original"
        if isinstance(parity, DetectionParity):
            yield from _parity_of_boxes(parity, rival)
        else:
            yield from _parity(parity, rival)
        if any(tensor.name == "embedding" for tensor in manifest.contract.outputs):
            yield f"Embeddings differed by at most {parity.max_embedding_difference:.2g}."
    else:
        rival = (
            "the trained network's" if isinstance(manifest.recipe, Recipe) else "those of where it was made"
        )
        yield f"Its answers were not compared with {rival}."
    if manifest.thresholds:
        yield ""
        rows = ((name, f"{score:.3f}") for name, score in list(manifest.thresholds.items())[:_MOST_ROWS])
        kept = "given" if manifest.contract.task == "detection" else "accepted"
        yield from _table(("class", f"{kept} from score"), rows)


def _parity(parity: Parity, rival: str) -> Iterator[str]:
    yield f"On {parity.pictures} pictures ({_plain(parity.source)}) this file gave the same class as"
    yield f"{rival} {parity.same_label} times; scores differed by at most"
    yield f"{parity.max_score_difference:.2g} (allowed: {parity.tolerance:.2g})."


def _parity_of_boxes(parity: DetectionParity, rival: str) -> Iterator[str]:
    yield f"On {parity.pictures} pictures ({_plain(parity.source)}) this file and {rival} gave"
    yield f"{parity.detections} boxes; {parity.matched} have a partner of the same class in the other's"
    yield f"answer, {parity.borderline} more lie within rounding of a threshold. Scores differed by at most"
    yield f"{parity.max_score_difference:.2g} (allowed: {parity.tolerance:.2g}), boxes by at most"
    yield f"{parity.max_box_difference:.2g} pixels (allowed: {parity.box_tolerance:.2g})."
    if parity.ap_difference is not None:
        yield f"Its AP differs from that of {rival} by {100 * parity.ap_difference:+.2f} points."


def _variants(variants: Mapping[str, Variant]) -> Iterator[str]:
    yield _VARIANTS_TITLE
    yield ""
    yield "Compressed forms of the same model, compared with it on the same test pictures. The loss is in"
    yield "points of the metric; with 95 % confidence it is no more than what stands beside it."
    yield ""
    yield from _table(
        (
            "variant",
            "MB",
            "metric",
            "full",
            "variant",
            "loss",
            "at most",
            "allowed",
            "layers left as they were",
        ),
        (_variant_row(name, each) for name, each in sorted(variants.items())),
    )
    for name, each in sorted(variants.items()):
        if each.parity.verdict == "undecided":
            yield ""
            yield f"Too few test pictures show that the loss of {_plain(name)} is within what was allowed; it"
            yield "was published because its user accepted that."


def _variant_row(name: str, variant: Variant) -> tuple[object, ...]:
    parity, compared = variant.parity, variant.parity.comparison
    return (
        name,
        f"{len(variant.model) / 1e6:.1f}",
        compared.metric,
        f"{compared.incumbent:.4f}",
        f"{compared.candidate:.4f}",
        f"{-100 * compared.difference.value:+.2f}",
        f"{-100 * compared.lower:+.2f}",
        f"{100 * parity.budget:g}",
        f"{len(parity.kept)} of {parity.layers}",
    )


def _limits(
    manifest: Manifest, dataset: Dataset | None, evaluation: EvalReport | None, audit: AuditReport | None
) -> Iterator[str]:
    yield _LIMITS_TITLE
    yield ""
    yield "- Pictures unlike those that it learned from, or of a class that it does not have, can get"
    yield "  confident answers too."
    recipe = manifest.recipe
    if isinstance(recipe, Recipe) and recipe.weights.kind == "scratch" and dataset:
        yield f"- It learned from {len(dataset.part('train'))} pictures alone, without pretrained weights."
    if not manifest.metrics:
        yield "- How good it is was not measured."
    if isinstance(evaluation, ClassificationReport | DetectionReport):
        few = [one.name for one in evaluation.per_class if _examples(one) < _FEW]
        if few:
            what = "objects" if isinstance(evaluation, DetectionReport) else "pictures"
            yield f"- Fewer than {_FEW} test {what}, so their figures say little: {_listed(few)}."
        weakest = _weakest(evaluation.per_class)
        if weakest:
            yield f"- It does worst on {_plain(weakest.name)}: it finds {weakest.recall:.0%} of them."
    if audit:
        grave = [finding for finding in audit.findings if finding.severity != "note"]
        for finding in grave[:_MOST_FINDINGS]:
            yield f"- The audit of the data found: {_plain(finding.message)}"
        if len(grave) > _MOST_FINDINGS:
            yield f"- The audit found {len(grave) - _MOST_FINDINGS} things more; the report lists them."


def _examples(one: ClassScores | ObjectScores) -> int:
    return one.objects if isinstance(one, ObjectScores) else one.support


def _weakest(per_class: Sequence[ClassScores | ObjectScores]) -> ClassScores | ObjectScores | None:
    judged = [one for one in per_class if _examples(one) >= _FEW and one.recall < 1]
    return min(judged, key=lambda one: one.recall, default=None)


def _licences(manifest: Manifest) -> Iterator[str]:
    yield "## Licences"
    yield ""
    if manifest.licences:
        yield from (
            f"- {_plain(what)}: {_plain(licence)}" for what, licence in sorted(manifest.licences.items())
        )
    else:
        yield "No licence was recorded for what went into it."


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    yield from (f"| {' | '.join(_plain(cell) for cell in row)} |" for row in rows)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_ROWS} more" if len(names) > _MOST_ROWS else ""
    return ", ".join(_plain(name) for name in names[:_MOST_ROWS]) + more


def _classes(count: int) -> str:
    return "1 class" if count == 1 else f"{count} classes"


def _pairs(items: Iterable[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {amount:g}" for name, amount in sorted(items))


def _plain(text: object) -> str:
    """``text`` on one line, with nothing in it that markdown or HTML would take as a sign."""
    line = " ".join(str(text).split())
    return "".join(mark if mark.isprintable() else "�" for mark in line).translate(_SPECIAL)
