"""Answer pictures over HTTP with what is released."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.errors import InputError
from sightline.plugins import missing_extra
from sightline.values.captured import CapturePolicy

if TYPE_CHECKING:
    from sightline.serve.following import Source
    from sightline.workspace import Workspace


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
    capture: Annotated[
        CapturePolicy | None,
        typer.Option(
            help="Keep answers in the workspace before they are given (required, the default there), or "
            "give them also where they cannot be kept."
        ),
    ] = None,
    capture_pictures: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the pictures that are kept with their answers.")
    ] = 0.0,
    capture_unsure: Annotated[
        float, typer.Option(min=0, max=1, help="The same of those whose best label has a score below 0.6.")
    ] = 0.0,
    capture_gb: Annotated[float, typer.Option(min=0.001, help="The oldest answers go above that.")] = 10.0,
    capture_days: Annotated[float, typer.Option(min=0.01, help="And those that are older.")] = 90.0,
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
        from sightline.monitor.capture import Sampling
        from sightline.monitor.trimming import Bounds
        from sightline.serve.limits import Limits, usual_queue
        from sightline.serve.recording import Keeping
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
    source, workspace = _source(releases or [])
    door = Door(workspace.access if workspace else None, insecure_no_tokens, tuple(allow_host or ()))
    keeping = None
    if capture not in (None, "off") and workspace is None:
        raise InputError("answers are kept in a workspace, and this is none; make one with: sightline init")
    if capture != "off" and workspace is not None:
        keeping = Keeping(
            workspace.layout.predictions,
            required=capture != "best-effort",
            bounds=Bounds(int(capture_gb * 1024**3), capture_days * 86_400),
            sampling=Sampling(capture_pictures, capture_unsure),
        )
    run(Address(host, port, tls_certificate, tls_key), door, source, limits, keeping)


def _source(asked: list[str]) -> "tuple[Source, Workspace | None]":
    from sightline.serve.following import Follower, SealedFile, Shelf
    from sightline.storage.layout import find_workspace
    from sightline.workspace import Workspace

    if any(".sight" in each for each in asked):
        if len(asked) > 1:
            raise InputError("one sealed file can be served alone; releases by their names, several at once")
        path, _, variant = asked[0].partition(".sight/")
        layout = find_workspace(Path())
        file = SealedFile(Path(f"{path.removesuffix('.sight')}.sight"), layout, variant)
        return file, Workspace(layout) if layout else None
    workspace = Workspace.open()
    return Follower(Shelf(workspace.registry, workspace.layout, asked)), workspace
