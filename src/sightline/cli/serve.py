"""Answer pictures over HTTP with what is released."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.errors import InputError
from sightline.plugins import missing_extra

if TYPE_CHECKING:
    from sightline.registry.access import Access
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
    insecure_no_tokens: Annotated[
        bool, typer.Option("--insecure-no-tokens", help="Let other machines in without a token.")
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A name under which a server without tokens may be asked for; as often as wanted."),
    ] = None,
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
        from sightline.serve.server import Address, Door
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
    source, access = _source(releases or [])
    door = Door(access, insecure_no_tokens, tuple(allow_host or ()))
    run(Address(host, port, tls_certificate, tls_key), door, source, limits, Recorder())


def _source(asked: list[str]) -> "tuple[Source, Access | None]":
    from sightline.serve.following import Follower, SealedFile, Shelf
    from sightline.storage.layout import find_workspace
    from sightline.workspace import Workspace

    if any(".sight" in each for each in asked):
        if len(asked) > 1:
            raise InputError("one sealed file can be served alone; releases by their names, several at once")
        path, _, variant = asked[0].partition(".sight/")
        layout = find_workspace(Path())
        file = SealedFile(Path(f"{path.removesuffix('.sight')}.sight"), layout, variant)
        return file, Workspace(layout).access if layout else None
    workspace = Workspace.open()
    return Follower(Shelf(workspace.registry, workspace.layout, asked)), workspace.access
