"""The page about one build, written beside its run."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from sightline.infer.runtimes import RUNTIMES
from sightline.infer.timing import latencies
from sightline.pipeline.compressing import Compressed
from sightline.pipeline.fitting import Fitted, loader
from sightline.pipeline.judging import Judged
from sightline.pipeline.releasing import Released
from sightline.pipeline.runs import Run
from sightline.pixels.draw import thumbnail_jpeg
from sightline.pixels.isolated import decode
from sightline.report.object_pictures import draw_error, draw_truth
from sightline.report.page import ReportData, VariantRow, errors_wanted, pictures_wanted, render_report
from sightline.storage.files import write_atomic
from sightline.values.dataset import AuditReport, Dataset
from sightline.values.evaluation import DetectionError
from sightline.values.image import Picture, Pixels, Size
from sightline.values.objects import Objects

_LONGEST = 320
_WHOLE = 1280
"""Longer side at which a picture is decoded of which an error's place is shown."""
_AUGMENTED = 8
_TIMED_SECONDS = 3.0


def write_page(
    run: Run,
    fitted: Fitted,
    judged: Judged,
    dataset: Dataset,
    audit: AuditReport,
    released: Released,
    variants: Sequence[Compressed],
) -> Path:
    """Write ``report.html`` and give its path."""
    data = ReportData(
        release=released.release,
        checkpoint=fitted.checkpoint,
        dataset=dataset if dataset.samples else None,
        audit=audit if dataset.samples else None,
        evaluation=judged.evaluation,
        calibration=judged.calibration,
        parity=judged.parity,
        comparison=released.comparison,
        pictures=_thumbnails(dataset, judged),
        errors=_errors(dataset, judged),
        augmented=_augmented(fitted),
        variants=_variants(fitted, judged, variants),
        notes=(released.outcome,),
    )
    write_atomic(run.report, render_report(data).encode())
    return run.report


def _variants(fitted: Fitted, judged: Judged, made: Sequence[Compressed]) -> tuple[VariantRow, ...]:
    """The full model and what was made of it, timed side by side on one picture."""
    pixels, _ = fitted.material.source.read(fitted.material.indices("test")[:1])
    if not made or not len(pixels):
        return ()
    files = {"": judged.model} | {each.name: each.variant.model for each in made}
    engine, threads = RUNTIMES.load("onnxruntime"), fitted.recipe.threads
    sessions = {name: engine.load(file, threads) for name, file in files.items()}
    taken = {name: median(times) for name, times in latencies(sessions, pixels, _TIMED_SECONDS).items()}
    full = VariantRow("", len(judged.model), 1000 * taken[""], threads)
    return (
        full,
        *(
            VariantRow(
                each.name,
                len(each.variant.model),
                1000 * taken[each.name],
                threads,
                each.variant.parity,
                each.variant.parity.verdict == "passes",
            )
            for each in made
        ),
    )


def _thumbnails(dataset: Dataset, judged: Judged) -> dict[str, bytes]:
    samples = {sample.path: sample for sample in dataset.samples}
    pictures = {}
    for path in pictures_wanted(dataset, judged.evaluation):
        pixels = _pixels(dataset, path, _LONGEST)
        if pixels is not None:
            if dataset.task == "detection":
                pixels = draw_truth(pixels, Objects.of(samples[path], dataset.classes))
            pictures[path] = thumbnail_jpeg(pixels, _LONGEST)
    return pictures


def _errors(dataset: Dataset, judged: Judged) -> dict[DetectionError, bytes]:
    samples = {sample.path: sample for sample in dataset.samples}
    found, drawn = judged.found, {}
    for error in errors_wanted(judged.evaluation):
        pixels = _pixels(dataset, error.path, _WHOLE)
        if pixels is not None:
            truth = Objects.of(samples[error.path], dataset.classes)
            view = draw_error(pixels, truth, found[error.path], error, dataset.classes)
            drawn[error] = thumbnail_jpeg(view, max(view.shape))
    return drawn


def _augmented(fitted: Fitted) -> tuple[bytes, ...]:
    """Training pictures as the first steps saw such ones; none where nothing was trained or changed."""
    import torch

    from sightline.train.batches import objects_of

    recipe, material = fitted.recipe, fitted.material
    indices = material.indices("train")[:: max(1, len(material.indices("train")) // _AUGMENTED)][:_AUGMENTED]
    if not fitted.checkpoint.history or not recipe.augment or not len(indices):
        return ()
    pixels, indices = material.source.read(indices)
    changing = loader(material, recipe, "train", augmented=True)
    images, targets = changing.changed(pixels, indices, torch.Generator().manual_seed(recipe.seed))
    shown = (images.clamp(0, 1) * 255).round().permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy()
    if not isinstance(targets, torch.Tensor):
        truths = (objects_of(target, recipe.pixels.size) for target in targets)
        drawn = [draw_truth(each, truth) for each, truth in zip(shown, truths, strict=True)]
    else:
        drawn = list(shown)
    return tuple(thumbnail_jpeg(each, _LONGEST) for each in drawn)


def _pixels(dataset: Dataset, path: str, longest: int) -> Pixels | None:
    try:
        picture = decode((dataset.root / path).read_bytes(), at_least=Size(longest, longest))
    except OSError:
        # It vanished since it was judged; the page says its name without showing it.
        return None
    return picture.pixels if isinstance(picture, Picture) else None
