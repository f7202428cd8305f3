"""List, make, trust, untrust and export signing keys."""

from pathlib import Path
from typing import Annotated

import typer

_Fingerprint = Annotated[str, typer.Argument(help="A fingerprint, or the text that keys export printed.")]


def add_to(app: typer.Typer) -> None:
    """``sightline keys``."""
    group = typer.Typer(help=__doc__, no_args_is_help=True)
    for command in (list_keys, make, trust, untrust, export):
        group.command("list" if command is list_keys else command.__name__)(command)
    app.add_typer(group, name="keys")


def list_keys() -> None:
    """List your own key and every trusted one."""
    from sightline.bundle.keys import own_key, trusted_keys
    from sightline.storage.layout import find_workspace

    own = own_key()
    typer.echo(f"own key: {own.fingerprint if own else 'none yet; make one with: sightline keys make'}")
    for key in trusted_keys(find_workspace(Path())):
        typer.echo(f"trusted: {key.fingerprint} ({key.origin}{': ' + key.note if key.note else ''})")


def make() -> None:
    """Make your signing key, if there is none, and trust it."""
    from sightline.bundle.keys import make_key
    from sightline.storage.layout import find_workspace

    typer.echo(make_key(find_workspace(Path())).fingerprint)


def trust(
    fingerprint: _Fingerprint, note: Annotated[str, typer.Option(help="Whose key it is, for you.")] = ""
) -> None:
    """Believe what this key has signed."""
    from sightline.bundle import keys
    from sightline.storage.layout import find_workspace

    typer.echo(f"trusted: {keys.trust(fingerprint, find_workspace(Path()), note)}")


def untrust(fingerprint: _Fingerprint) -> None:
    """Believe this key no longer."""
    from sightline.bundle import keys
    from sightline.storage.layout import find_workspace

    typer.echo(f"no longer trusted: {keys.untrust(fingerprint, find_workspace(Path()))}")


def export() -> None:
    """Print the public half of your key, for those who should trust it."""
    from sightline.bundle.keys import export_key, own_key
    from sightline.errors import InputError

    own = own_key()
    if own is None:
        raise InputError("there is no signing key yet; make one with: sightline keys make")
    typer.echo(export_key(own), nl=False)
