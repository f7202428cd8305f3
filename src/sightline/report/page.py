"""One self-contained page about one build: no script, nothing fetched, made to be read and printed."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sightline.evaluate.gates import explain
from sightline.report import charts, tables, wording
from sightline.values.dataset import SPLITS, AuditReport, Dataset
from sightline.values.evaluation import Calibration, Checkpoint, Comparison, Epoch, EvalReport, Parity
from sightline.values.release import Release

EXAMPLES = 24
"""At most so many example pictures, spread evenly over the classes."""


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything that the page tells.

    ``dataset`` and ``audit`` are absent where a model was made without pictures, ``evaluation`` where
    none were held out, ``comparison`` where there was no production release to compare with.
    ``pictures`` maps a sample's path to a small JPEG (``pictures_wanted`` says which). ``notes`` are
    sentences that the terminal said and the page should keep.
    """

    release: Release
    checkpoint: Checkpoint
    dataset: Dataset | None = None
    audit: AuditReport | None = None
    evaluation: EvalReport | None = None
    calibration: Calibration | None = None
    parity: Parity | None = None
    comparison: Comparison | None = None
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def pictures_wanted(dataset: Dataset, evaluation: EvalReport | None) -> tuple[str, ...]:
    """Paths of the samples whose pictures the page can show: the worst mistakes, and examples by class."""
    mistakes = [mistake.path for mistake in evaluation.worst] if evaluation else []
    examples = [path for paths in _examples(dataset).values() for path in paths]
    return tuple(dict.fromkeys(mistakes + examples))


def render_report(data: ReportData) -> str:
    """The page, as HTML; encode it as UTF-8.

    Every name is escaped, and characters without a visible shape are spelled out.
    """
    evaluation = data.evaluation
    return (
        _templates()
        .get_template("page.html.j2")
        .render(
            data=data,
            recipe=data.checkpoint.recipe,
            splits=SPLITS,
            headlines=tables.headlines(evaluation.headline) if evaluation else (),
            verdict=explain(data.comparison) if data.comparison else "",
            few=tables.FEW_CLASSES,
            pairs=tables.confused_pairs(evaluation) if evaluation else (),
            class_scores=tables.weakest_first(evaluation) if evaluation else (),
            class_counts=tables.class_counts(data.dataset) if data.dataset else (),
            recipe_rows=tables.recipe_rows(data.checkpoint.recipe),
            loss_chart=_loss_chart(data.checkpoint),
            top1_chart=_top1_chart(data.checkpoint),
            examples=_examples(data.dataset) if data.dataset else {},
            sources={path: _data_url(jpeg) for path, jpeg in data.pictures.items()},
        )
    )


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
    )
    environment.globals.update(
        whisker=charts.whisker,
        reliability_diagram=charts.reliability_diagram,
        difference_chart=charts.difference_chart,
    )
    return environment


def _finalize(value: object) -> object:
    """What every expression of a template passes through: plain text becomes visible text."""
    return wording.shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _examples(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """A few test pictures of each class, else any; none where the classes are too many to show."""
    each = min(4, EXAMPLES // len(dataset.classes)) if dataset.classes else 0
    if not each:
        return {}
    found: dict[str, list[str]] = {name: [] for name in dataset.classes}
    for sample in sorted(dataset.samples, key=lambda sample: SPLITS.index(sample.split), reverse=True):
        for label in sample.labels:
            if len(found.setdefault(label, [])) < each:
                found[label].append(sample.path)
    return {name: tuple(paths) for name, paths in found.items() if paths}


def _loss_chart(checkpoint: Checkpoint) -> Markup:
    history = checkpoint.history
    drawn = (
        charts.Curve("one", [(epoch.number, epoch.train_loss) for epoch in history]),
        charts.Curve("two", [(epoch.number, epoch.val_loss) for epoch in history]),
    )
    return charts.curves(drawn, "Loss by epoch", best=_best(history, checkpoint.best_epoch))


def _top1_chart(checkpoint: Checkpoint) -> Markup:
    history = checkpoint.history
    curve = charts.Curve("two", [(epoch.number, epoch.val_top1) for epoch in history])
    best = _best(history, checkpoint.best_epoch)
    return charts.curves((curve,), "Validation top-1 by epoch", share=True, best=best)


def _best(history: tuple[Epoch, ...], best: int) -> float | None:
    return float(best) if any(epoch.number == best for epoch in history) else None


def _data_url(jpeg: bytes) -> Markup:
    return Markup("data:image/jpeg;base64,") + base64.b64encode(jpeg).decode("ascii")
