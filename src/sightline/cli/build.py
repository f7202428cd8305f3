"""Pictures in, a sealed release and a one-page report out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sightline.cli._compressing import Budget
from sightline.cli._gate import Margin
from sightline.cli._pictures import (
    Format,
    GroupBy,
    Include,
    Meta,
    MetaFromName,
    Seed,
    Split,
    StratifyBy,
    Unlabelled,
    import_options,
)
from sightline.errors import InputError
from sightline.evaluate.gates import BUDGET, MARGIN

if TYPE_CHECKING:
    from sightline.pipeline.build import Built
    from sightline.values.contract import Normalise
    from sightline.values.image import Size
    from sightline.workspace import Workspace

Name = Annotated[str, typer.Option(help="Name of the model; from the folder's name if not given.")]
Minutes = Annotated[float, typer.Option(min=0.01, max=100_000, help="How long to train.")]
Epochs = Annotated[int | None, typer.Option(min=0, help="Instead of minutes; 0 takes weights as given.")]
Arch = Annotated[str, typer.Option(help="NAME or NAME/VARIANT: mobilenet_v2, timm/resnet18, …")]
Weights = Annotated[str, typer.Option(help="auto, none, a .safetensors, .pth or .pt file, or a hub name.")]
Scaling = Annotated[
    str, typer.Option("--normalise", help="imagenet, or mean and std: six numbers with commas.")
]
Classes = Annotated[Path | None, typer.Option(help="A list of class names in the order of the outputs.")]
InputSize = Annotated[str, typer.Option("--size", help="Model input, WIDTHxHEIGHT or one number.")]
InputFit = Annotated[
    Literal["auto", "stretch", "letterbox", "crop"],
    typer.Option("--fit", help="How a picture fills the input; auto: stretch, letterbox with boxes."),
]
Augment = Annotated[str, typer.Option(help="basic, none, or NAME=AMOUNT with commas.")]
BatchSize = Annotated[int | None, typer.Option(min=2, help="Pictures a step.")]
LearningRate = Annotated[float | None, typer.Option(min=1e-8, help="The highest of the course.")]
BackboneRate = Annotated[float | None, typer.Option(min=0, help="Its share of the rate; 0 freezes it.")]
Patience = Annotated[int | None, typer.Option(min=0, help="Epochs without progress; 0 never stops early.")]
HalfSize = Annotated[
    float | None,
    typer.Option(min=0, max=0.99, help="Share of the epochs at half size; detectors: 0.8."),
]
Pictures = Annotated[
    Path | None, typer.Argument(help="One folder of pictures per class, or pictures with boxes.")
]
Refit = Annotated[
    float | None,
    typer.Option(
        min=0, max=10, help="Epochs after them, as a share, that learn from validation too; detectors: 1/3."
    ),
]
Precision = Annotated[
    float | None,
    typer.Option(
        min=0.01, max=1, help="Aim the operating thresholds at this precision, instead of the best F1."
    ),
]
RecipeFile = Annotated[
    Path | None, typer.Option("--recipe", help="recipe.json of an earlier run; nothing is measured again.")
]
Cache = Annotated[float, typer.Option(min=0, max=1e6, help="GB of decoded pictures kept on disk.")]
Variants = Annotated[str, typer.Option(help="Compressed variants to make: int8, or none.")]


def add_to(app: typer.Typer) -> None:
    """``sightline build``."""
    app.command("build")(build)


def build(
    pictures: Pictures = None,
    name: Name = "",
    minutes: Minutes = 5.0,
    epochs: Epochs = None,
    arch: Arch = "",
    weights: Weights = "auto",
    normalise: Scaling = "",
    classes: Classes = None,
    size: InputSize = "",
    fit: InputFit = "auto",
    augment: Augment = "basic",
    batch_size: BatchSize = None,
    learning_rate: LearningRate = None,
    backbone_rate: BackboneRate = None,
    patience: Patience = None,
    half_size: HalfSize = None,
    refit: Refit = None,
    precision: Precision = None,
    seed: Seed = 0,
    recipe: RecipeFile = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    cache: Cache = 4.0,
    margin: Margin = MARGIN,
    variants: Variants = "int8",
    budget: Budget = BUDGET,
    include: Include = "*",
    meta: Meta = None,
    meta_from_name: MetaFromName = "",
    group_by: GroupBy = "",
    stratify_by: StratifyBy = "",
    split: Split = None,
    unlabelled: Unlabelled = "refuse",
    form: Format = "auto",
) -> None:
    """Audit, split, train, judge, export, seal and release a folder of pictures."""
    from sightline.cli._opening import open_or_make
    from sightline.cli._terminal import Terminal
    from sightline.pipeline import build as job
    from sightline.values.recipe import Choices

    choices = Choices(
        size=_size(size),
        fit=None if fit == "auto" else fit,
        epochs=epochs,
        minutes=minutes,
        seed=seed,
        batch_size=batch_size,
        learning_rate=learning_rate,
        backbone_rate=backbone_rate,
        patience=patience,
        half_size=half_size,
        refit=refit,
        precision=precision,
        augment=augment,
    )
    imports = import_options(
        include, meta, meta_from_name, group_by, stratify_by, split, unlabelled, classes, seed, form
    )
    with Terminal() as terminal:
        options = job.BuildOptions(
            name=name or _name(pictures, weights),
            imports=imports,
            choices=choices,
            arch=arch,
            weights=weights,
            normalise=_normalise(normalise),
            recipe=recipe,
            resume=resume,
            cache_bytes=int(cache * 1e9),
            margin=margin,
            variants=() if variants == "none" else tuple(variants.split(",")),
            budget=budget,
            watch=terminal,
        )
        imported = job.read_pictures(pictures, options)
        workspace = open_or_make(terminal)
        built = job.build(imported, options, workspace.layout, workspace.registry)
    _tell(built, workspace)


def _tell(built: "Built", workspace: "Workspace") -> None:
    release = built.released.release
    typer.echo(f"release: {release} ({release.stage})")
    typer.echo(f"model: {workspace.root / release.path}")
    typer.echo(f"report: {built.report}")


def _name(pictures: Path | None, weights: str) -> str:
    """A release name out of a folder's or file's name."""
    stem = pictures.resolve().name if pictures else Path(weights).stem
    name = "".join(c if c.isascii() and c.isalnum() else "-" for c in stem.lower()).strip("-")[:64]
    if not name:
        raise InputError(f"no name for the model can be made of {stem!r}; give --name")
    return name


def _size(text: str) -> "Size | None":
    from sightline.values.image import Size

    if not text:
        return None
    width, by, height = text.partition("x")
    try:
        size = Size(int(width), int(height if by else width))
    except ValueError:
        raise InputError(f"--size takes WIDTHxHEIGHT or one number, got {text!r}") from None
    if max(size.width, size.height) > 4096:
        raise InputError(f"--size goes up to 4096, got {text!r}")
    return size


def _normalise(text: str) -> "Normalise | None":
    from sightline.values.contract import Normalise

    if not text:
        return None
    if text == "imagenet":
        return Normalise(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    try:
        m0, m1, m2, s0, s1, s2 = (float(part) for part in text.split(","))
        return Normalise(mean=(m0, m1, m2), std=(s0, s1, s2))
    except ValueError as error:
        raise InputError(
            f"--normalise takes imagenet or six numbers (mean, then positive std), got {text!r}"
        ) from error
