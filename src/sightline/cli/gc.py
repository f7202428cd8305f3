"""Free the space of what nothing in the workspace refers to."""

from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """``sightline gc``."""
    app.command("gc")(gc)


def gc(
    hours: Annotated[float, typer.Option(min=0, help="What is younger stays: it may be in progress.")] = 24.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Free what nothing in the workspace refers to."""
    from sightline.workspace import Workspace

    workspace = Workspace.open()
    found = workspace.gc(hours, dry_run=dry_run)
    for each in found:
        typer.echo(f"{each.size / 1e6:>9.1f} MB  {each.path.relative_to(workspace.root)}  ({each.why})")
    told = f"{len(found)} of {sum(each.size for each in found) / 1e6:,.1f} MB"
    typer.echo(f"would free {told}" if dry_run else f"freed {told}")
