"""Answer pictures over HTTP with what is released."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.errors import InputError
from sightline.plugins import missing_extra

if TYPE_CHECKING:
    from sightline.serve.following import Source


def add_to(app: typer.Typer) -> None:
    """``sightline serve``."""
    app.command("serve")(serve)


def serve(
    releases: Annotated[
        list[str] | None,
        typer.Argument(
            help="NAME, NAME@VERSION or NAME:STAGE, with /VARIANT or without, or one .sight file; "
            "else all that is in production."
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8080,
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM file, with its chain.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file of the certificate's key.")] = None,
    queue: Annotated[
        int | None, typer.Option(min=1, help="Pictures that may wait; 12 a processor. More are refused.")
    ] = None,
    body_mb: Annotated[float, typer.Option(min=0.001, help="A request's body.")] = 32.0,
    megapixels: Annotated[float, typer.Option(min=0.001, max=100, help="What a picture may have.")] = 32.0,
    deadline: Annotated[float, typer.Option(min=0.001, help="Seconds that a request may take.")] = 10.0,
    batch_wait_ms: Annotated[
        float, typer.Option(min=0, max=1000, help="How long a batch waits to become full.")
    ] = 0.0,
) -> None:
    """Run the server until it is told to stop; a promoted release takes over without a failed request."""
    try:
        from sightline.serve.limits import Limits, usual_queue
        from sightline.serve.recording import Recorder
        from sightline.serve.server import Address
        from sightline.serve.server import serve as run
    except ModuleNotFoundError as error:
        raise missing_extra("serving", error.name or "", "serve") from error
    limits = Limits(
        queue=queue or usual_queue(),
        body_bytes=int(body_mb * 1024**2),
        held_bytes=max(512 * 1024**2, int(body_mb * 1024**2)),
        pixels=int(megapixels * 1e6),
        seconds=deadline,
        batch_wait_ms=batch_wait_ms,
    )
    run(Address(host, port, tls_certificate, tls_key), _source(releases or []), limits, Recorder())


def _source(asked: list[str]) -> "Source":
    from sightline.serve.following import Follower, SealedFile, Shelf
    from sightline.storage.layout import find_workspace
    from sightline.workspace import Workspace

    if any(".sight" in each for each in asked):
        if len(asked) > 1:
            raise InputError("one sealed file can be served alone; releases by their names, several at once")
        path, _, variant = asked[0].partition(".sight/")
        return SealedFile(Path(f"{path.removesuffix('.sight')}.sight"), find_workspace(Path()), variant)
    workspace = Workspace.open()
    return Follower(Shelf(workspace.registry, workspace.layout, asked))
