"""List, import, compare, promote, roll back and archive releases."""

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli._gate import Margin
from sightline.cli._pictures import Format, Include, Split, Unlabelled
from sightline.evaluate.gates import MARGIN

_Reference = Annotated[str, typer.Argument(help="NAME, NAME@VERSION or NAME:STAGE.")]


def add_to(app: typer.Typer) -> None:
    """``sightline registry``."""
    group = typer.Typer(help=__doc__, no_args_is_help=True)
    names = {list_releases: "list", import_model: "import"}
    for command in (list_releases, show, import_model, compare, promote, rollback, archive):
        group.command(names.get(command, command.__name__))(command)
    app.add_typer(group, name="registry")


def list_releases(name: Annotated[str | None, typer.Argument(help="Only this model's.")] = None) -> None:
    """List releases, oldest first."""
    from sightline.workspace import Workspace

    releases = Workspace.open().releases(name)
    if not releases:
        typer.echo(f"no releases of {name!r}" if name else "no releases yet", err=True)
    for release in releases:
        typer.echo(f"{release!s:<32} {release.stage:<10} {release.created}  {release.path}")


def show(release: _Reference) -> None:
    """Show a release: where it comes from, its figures, its history."""
    from sightline.values.recipe import Recipe
    from sightline.workspace import Workspace

    workspace = Workspace.open()
    found = workspace.registry.get(release)
    bundle = workspace.bundle(str(found))
    recipe = bundle.manifest.recipe
    rows = {
        "release": f"{found} ({found.stage})",
        "file": found.path,
        "sha256": found.sha256,
        "signed by": bundle.signer,
        "parent": found.parent or "none",
        "dataset": found.dataset_fingerprint or "none: no pictures",
        "recipe": found.recipe_sha256,
        "made by": f"sightline {found.code_version}, {found.created}",
    }
    if isinstance(recipe, Recipe):
        rows["architecture"] = recipe.arch
        rows["initial weights"] = " ".join(filter(None, (recipe.weights.kind, recipe.weights.name)))
    else:
        rows["imported from"] = f"{recipe.file}, SHA-256 {recipe.sha256}"
    for label, value in rows.items():
        typer.echo(f"{label:<17} {value}")
    for metric, figure in bundle.manifest.metrics.items():
        typer.echo(f"{metric:<17} {figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})")
    for event in workspace.registry.history(found.name):
        displaced = f", displaced @{event.displaced}" if event.displaced else ""
        why = f": {event.why}" if event.why else ""
        typer.echo(f"{event.at} {event.name}@{event.version} {event.action} by {event.who}{displaced}{why}")


def import_model(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    description: Annotated[Path, typer.Argument(help="The YAML file that says what it takes and gives.")],
    name: Annotated[str, typer.Option(help="What the model is called; default: as the file.")] = "",
    reference: Annotated[
        Path | None, typer.Option(help=".npz of pictures and of what the model gave for them elsewhere.")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Labelled pictures that it did not learn from, to judge it on.")
    ] = None,
    include: Include = "*",
    split: Split = None,
    unlabelled: Unlabelled = "refuse",
    form: Format = "auto",
    margin: Margin = MARGIN,
) -> None:
    """Make a release of a model that was trained elsewhere."""
    from sightline.cli._terminal import Terminal
    from sightline.data.importing import ImportOptions
    from sightline.pipeline.importing import ForeignOptions
    from sightline.workspace import Workspace

    imports = ImportOptions(
        include=include, split_csv=split, unlabelled=unlabelled, format=None if form == "auto" else form
    )
    with Terminal() as terminal:
        options = ForeignOptions(name or model.stem, reference, pictures, imports, margin, terminal)
        Workspace.open().import_model(model, description, options)


def compare(release: _Reference, margin: Margin = MARGIN) -> None:
    """Compare it with the one in production, on its own test pictures."""
    from sightline.cli._terminal import Terminal
    from sightline.evaluate.gates import explain
    from sightline.workspace import Workspace

    with Terminal() as terminal:
        comparison = Workspace.open().compare(release, margin, terminal)
    typer.echo(
        explain(comparison) if comparison else f"{release}: nothing else is in production to compare with"
    )


def promote(
    release: _Reference,
    margin: Margin = MARGIN,
    force: Annotated[str, typer.Option(help="Overrule the gate; the text is recorded as the reason.")] = "",
) -> None:
    """Put a release into production, if the gate lets it pass."""
    from sightline.cli._terminal import Terminal
    from sightline.workspace import Workspace

    with Terminal() as terminal:
        promoted = Workspace.open().promote(release, force=force, margin=margin, watch=terminal)
    typer.echo(f"{promoted} is in production")


def rollback(name: Annotated[str, typer.Argument(help="The model's name.")]) -> None:
    """Put the release back that was in production before."""
    from sightline.workspace import Workspace

    typer.echo(f"{Workspace.open().rollback(name)} is in production again")


def archive(release: _Reference) -> None:
    """Take a candidate out of the way; its file stays."""
    from sightline.workspace import Workspace

    registry = Workspace.open().registry
    found = registry.get(release)
    typer.echo(f"{registry.archive(found.name, found.version)} is archived")
