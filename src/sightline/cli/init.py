"""Make a workspace here, and a signing key where there is none."""

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """``sightline init``."""
    app.command("init")(init)


def init(
    folder: Annotated[Path, typer.Argument(help="Where; it is made if it is not there.")] = Path(),
) -> None:
    """Make a workspace: the folder in which models, runs and the catalogue lie."""
    from sightline.workspace import Workspace

    workspace = Workspace.init(folder)
    typer.echo(f"workspace: {workspace.root}")
    typer.echo(f"signing key: {workspace.key.fingerprint} (yours, trusted here)")
