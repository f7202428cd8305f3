"""Make, list and revoke the tokens that open a server."""

from typing import Annotated

import typer

from sightline.values.access import Role


def add_to(app: typer.Typer) -> None:
    """``sightline token``."""
    group = typer.Typer(help=__doc__, no_args_is_help=True)
    for command in (make, list_tokens, revoke):
        group.command("list" if command is list_tokens else command.__name__)(command)
    app.add_typer(group, name="token")


def make(
    name: Annotated[str, typer.Argument(help="Whose it is, for you.")],
    role: Annotated[
        Role,
        typer.Option(help="viewer looks, predictor sends pictures, operator does both, admin everything."),
    ] = "predictor",
    days: Annotated[float | None, typer.Option(help="How long it is valid; else until revoked.")] = None,
) -> None:
    """Make a token; its text is printed once and kept nowhere."""
    from sightline.workspace import Workspace

    token, text = Workspace.open().access.make(name, role, days)
    typer.echo(text)
    until = f"until {token.expires:%Y-%m-%d %H:%M} UTC" if token.expires else "until it is revoked"
    typer.echo(f"token {token.id}, {name}: {role}, {until}; keep it safe, it is not shown again", err=True)


def list_tokens() -> None:
    """List all tokens, oldest first; never their secrets."""
    from datetime import UTC, datetime

    from sightline.workspace import Workspace

    now = datetime.now(UTC)
    tokens = Workspace.open().access.all()
    if not tokens:
        typer.echo("no tokens yet; make one with: sightline token make NAME", err=True)
    for each in tokens:
        until = f"until {each.expires:%Y-%m-%d %H:%M}" if each.expires else "for good"
        typer.echo(
            f"{each.id}  {each.name:<20} {each.role:<10} {each.state(now):<8} "
            f"made {each.made:%Y-%m-%d %H:%M} by {each.made_by}, {until}"
        )


def revoke(token: Annotated[str, typer.Argument(help="Its id or its name.")]) -> None:
    """Make a token open nothing any more; servers know in seconds."""
    from sightline.workspace import Workspace

    revoked = Workspace.open().access.revoke(token)
    typer.echo(f"{revoked.id}, {revoked.name}, opens nothing any more")
