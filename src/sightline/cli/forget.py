"""Remove an answer that a server kept, its picture, and what people said about it."""

from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """``sightline forget``."""
    app.command("forget")(forget)


def forget(ids: Annotated[list[str], typer.Argument(help="As in the answers: their id.")]) -> None:
    """Remove answers from the log of predictions for good, also while servers are writing to it."""
    from sightline.workspace import Workspace

    log = Workspace.open().predictions
    for each in ids:
        log.forget(each)
        typer.echo(f"{each} is forgotten")
