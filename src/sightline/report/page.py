"""One self-contained page about one build: no script, nothing fetched, made to be read and printed."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sightline.evaluate.gates import explain
from sightline.pixels.draw_boxes import class_colour
from sightline.report import charts, tables, wording
from sightline.values.dataset import SPLITS, AuditReport, Dataset, Sample
from sightline.values.evaluation import (
    VALIDATION_METRIC,
    Calibration,
    Checkpoint,
    ClassificationReport,
    Comparison,
    DetectionError,
    DetectionParity,
    DetectionReport,
    Epoch,
    EvalReport,
    Parity,
    VariantParity,
)
from sightline.values.release import Release

EXAMPLES = 24
"""At most so many example pictures, spread evenly over the classes."""

BOXED_EXAMPLES = 12
"""At most so many of a detector's: one picture shows several classes, and is shown larger."""

ERRORS = 24
"""At most so many missed objects, and so many false finds, are shown as pictures."""


@dataclass(frozen=True, slots=True)
class VariantRow:
    """One file's size, and its median time for one picture with so many ``threads``.

    Without a ``parity`` it is the full model, which has no name.
    """

    name: str
    size: int
    milliseconds: float
    threads: int
    parity: VariantParity | None = None
    published: bool = True


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything that the page tells.

    ``dataset`` and ``audit`` are absent where a model was made without pictures, ``evaluation`` where
    none were held out, ``comparison`` where there was no production release to compare with.
    ``pictures`` maps a sample's path to a small JPEG (``pictures_wanted`` says which), a detector's with
    its true boxes drawn. ``errors`` maps an error to a JPEG of its place (``errors_wanted`` says which);
    ``augmented`` are JPEGs of pictures as training saw them; ``variants`` the full model and what was made of
    it, if anything. ``notes`` are sentences that the terminal
    said and the page should keep.
    """

    release: Release
    checkpoint: Checkpoint
    dataset: Dataset | None = None
    audit: AuditReport | None = None
    evaluation: EvalReport | None = None
    calibration: Calibration | None = None
    parity: Parity | DetectionParity | None = None
    comparison: Comparison | None = None
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    errors: Mapping[DetectionError, bytes] = field(default_factory=dict)
    augmented: tuple[bytes, ...] = ()
    variants: tuple[VariantRow, ...] = ()
    notes: tuple[str, ...] = ()


def pictures_wanted(dataset: Dataset, evaluation: EvalReport | None) -> tuple[str, ...]:
    """Paths of the samples whose pictures the page can show: a classifier's worst mistakes, and examples."""
    worst = evaluation.worst if isinstance(evaluation, ClassificationReport) else ()
    examples = [path for paths in _examples(dataset).values() for path in paths]
    return tuple(dict.fromkeys([mistake.path for mistake in worst] + examples))


def errors_wanted(evaluation: EvalReport | None) -> tuple[DetectionError, ...]:
    """The errors of a detector that the page can show as pictures."""
    if not isinstance(evaluation, DetectionReport):
        return ()
    return (*evaluation.missed[:ERRORS], *evaluation.false_finds[:ERRORS])


def render_report(data: ReportData) -> str:
    """The page, as HTML; encode it as UTF-8.

    Every name is escaped, and characters without a visible shape are spelled out.
    """
    evaluation, recipe = data.evaluation, data.checkpoint.recipe
    return (
        _templates()
        .get_template("page.html.j2")
        .render(
            data=data,
            recipe=recipe,
            metric=VALIDATION_METRIC[recipe.task],
            splits=SPLITS,
            headlines=tables.headlines(evaluation.headline) if evaluation else (),
            verdict=explain(data.comparison) if data.comparison else "",
            few=tables.FEW_CLASSES,
            class_counts=tables.class_counts(data.dataset) if data.dataset else (),
            footers=tables.footers(data.dataset) if data.dataset else (),
            recipe_rows=tables.recipe_rows(recipe),
            loss_chart=_loss_chart(data.checkpoint),
            metric_chart=_metric_chart(data.checkpoint),
            examples=_examples(data.dataset) if data.dataset else {},
            sources={path: _data_url(jpeg) for path, jpeg in data.pictures.items()},
            augmented=[_data_url(jpeg) for jpeg in data.augmented],
            **_of_task(data),
        )
    )


def _of_task(data: ReportData) -> dict[str, object]:
    """What only the page about a classifier, or about a detector, shows."""
    evaluation = data.evaluation
    if isinstance(evaluation, ClassificationReport):
        return {
            "pairs": tables.confused_pairs(evaluation),
            "class_scores": tables.weakest_first(evaluation),
        }
    if isinstance(evaluation, DetectionReport):
        shown = errors_wanted(evaluation)
        return {
            "class_scores": tables.worst_found_first(evaluation),
            "missed": [error for error in evaluation.missed if error in shown],
            "false_finds": [error for error in evaluation.false_finds if error in shown],
            "error_sources": {error: _data_url(jpeg) for error, jpeg in data.errors.items()},
        }
    return {}


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("sightline.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters.update(
        moment=wording.moment,
        percent=wording.percent,
        points=wording.points,
        duration=wording.duration,
        weights_story=wording.weights_story,
        missed_story=wording.missed_story,
        false_story=wording.false_story,
    )
    environment.tests["detection"] = lambda value: isinstance(value, DetectionReport | DetectionParity)
    environment.globals.update(
        whisker=charts.whisker,
        reliability_diagram=charts.reliability_diagram,
        difference_chart=charts.difference_chart,
        precision_recall=charts.precision_recall,
        class_colour=_css_colour,
    )
    return environment


def _finalize(value: object) -> object:
    """What every expression of a template passes through: plain text becomes visible text."""
    return wording.shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _examples(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """Paths of test pictures to show, else of any others: by class, or all under "" for a detector."""
    samples = sorted(dataset.samples, key=lambda sample: SPLITS.index(sample.split), reverse=True)
    return _boxed_examples(samples) if dataset.task == "detection" else _by_class(dataset, samples)


def _by_class(dataset: Dataset, samples: Sequence[Sample]) -> dict[str, tuple[str, ...]]:
    """A few pictures of each class; none where the classes are too many to show."""
    each = min(4, EXAMPLES // len(dataset.classes)) if dataset.classes else 0
    if not each:
        return {}
    found: dict[str, list[str]] = {name: [] for name in dataset.classes}
    for sample in samples:
        for label in sample.labels:
            if len(found.setdefault(label, [])) < each:
                found[label].append(sample.path)
    return {name: tuple(paths) for name, paths in found.items() if paths}


def _boxed_examples(samples: Sequence[Sample]) -> dict[str, tuple[str, ...]]:
    """First pictures that show a class not seen yet, then any others with an object."""
    seen: set[str] = set()
    new: list[str] = []
    others: list[str] = []
    for sample in samples:
        if sample.labels:
            (others if seen.issuperset(sample.labels) else new).append(sample.path)
            seen.update(sample.labels)
    paths = tuple((new + others)[:BOXED_EXAMPLES])
    return {"": paths} if paths else {}


def _css_colour(number: int) -> str:
    return "#{:02x}{:02x}{:02x}".format(*class_colour(number))


def _loss_chart(checkpoint: Checkpoint) -> Markup:
    history = checkpoint.history
    drawn = (
        charts.Curve("one", [(epoch.number, epoch.train_loss) for epoch in history]),
        charts.Curve("two", [(epoch.number, epoch.val_loss) for epoch in history]),
    )
    return charts.curves(drawn, "Loss by epoch", best=_best(history, checkpoint.best_epoch))


def _metric_chart(checkpoint: Checkpoint) -> Markup:
    history = checkpoint.history
    curve = charts.Curve("two", [(epoch.number, epoch.val_metric) for epoch in history])
    best = _best(history, checkpoint.best_epoch)
    title = f"Validation {VALIDATION_METRIC[checkpoint.recipe.task]} by epoch"
    return charts.curves((curve,), title, share=True, best=best)


def _best(history: tuple[Epoch, ...], best: int) -> float | None:
    return float(best) if any(epoch.number == best for epoch in history) else None


def _data_url(jpeg: bytes) -> Markup:
    return Markup("data:image/jpeg;base64,") + base64.b64encode(jpeg).decode("ascii")
