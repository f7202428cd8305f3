"""Write the files that run a server elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from sightline.deploy import TARGETS

_NAMES = ", ".join(TARGETS.names())


def add_to(app: typer.Typer) -> None:
    """``sightline deploy``."""
    app.command("deploy")(deploy)


def deploy(
    target: Annotated[str, typer.Argument(help=f"Where it is to run: {_NAMES}.")],
    releases: Annotated[
        list[str] | None, typer.Argument(help="As serve takes them; else all that is in production.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The files' folder; else deploy/TARGET.")] = None,
    name: Annotated[str, typer.Option(help="What everything is called.")] = "sightline",
    image: Annotated[str, typer.Option(help="The image; else sightline-serve and the version.")] = "",
    processors: Annotated[int, typer.Option(min=1, help="That a server may use.")] = 2,
    memory_mb: Annotated[int, typer.Option(min=256, help="That a server may use.")] = 2000,
    port: Annotated[int, typer.Option(min=1024, max=65535, help="Where it listens.")] = 8080,
    replicas: Annotated[int, typer.Option(min=1, help="Servers at least.")] = 1,
    most_replicas: Annotated[int | None, typer.Option(min=1, help="Servers at most.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that were changed.")] = False,
) -> None:
    """Write the files that run a server elsewhere; nothing is run."""
    from sightline.pipeline.deploying import DeployOptions
    from sightline.workspace import Workspace

    options = DeployOptions(
        releases=tuple(releases or ()),
        name=name,
        image=image,
        processors=processors,
        memory_mb=memory_mb,
        port=port,
        replicas=(replicas, most_replicas or replicas),
        force=force,
    )
    written = Workspace.open().deploy(target, options, out)
    for path in written.files:
        typer.echo(path)
    for note in written.notes:
        typer.echo(note, err=True)
