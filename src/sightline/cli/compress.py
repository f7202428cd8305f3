"""A release with a compressed variant of its model."""

from typing import Annotated

import typer

from sightline.cli._compressing import Budget
from sightline.evaluate.gates import BUDGET


def add_to(app: typer.Typer) -> None:
    """``sightline compress``."""
    app.command("compress")(compress)


def compress(
    release: Annotated[str, typer.Argument(help="NAME, NAME@VERSION or NAME:STAGE.")],
    how: Annotated[str, typer.Option("--variant", help="The way to compress: int8.")] = "int8",
    budget: Budget = BUDGET,
    accept_undecided: Annotated[
        bool,
        typer.Option(
            "--accept-undecided", help="Publish it although too few test pictures show the loss to be small."
        ),
    ] = False,
    cache: Annotated[float, typer.Option(min=0, max=1e6, help="GB of decoded pictures kept on disk.")] = 4.0,
) -> None:
    """Compress a release: its next version, with a variant that loses little on its test pictures."""
    from sightline.cli._terminal import Terminal
    from sightline.workspace import Workspace

    with Terminal() as terminal:
        made = Workspace.open().compress(
            release,
            how,
            budget=budget,
            accept_undecided=accept_undecided,
            cache_bytes=int(cache * 1e9),
            watch=terminal,
        )
    typer.echo(f"release: {made} ({made.stage})")
    typer.echo(f"to use it: sightline predict {made} PICTURES --variant {how}")
