"""Remove an answer that a server kept, for good."""

from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """``sightline forget``."""
    app.command("forget")(forget)


def forget(ids: Annotated[list[str], typer.Argument(help="As in the answers: their id.")]) -> None:
    """Remove answers, their pictures and what people said about them; servers may write meanwhile."""
    from sightline.workspace import Workspace

    log = Workspace.open().predictions
    for each in ids:
        log.forget(each)
        typer.echo(f"{each} is forgotten")
