"""The command line: one file a command, imported only when it is called."""

import ast
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sightline import __version__
from sightline.errors import SightlineError
from sightline.plugins import Folder

if TYPE_CHECKING:
    from sightline.cli.base import Command

COMMANDS: Folder["Command"] = Folder("sightline.cli", "Command")
_ABOUT = "From a folder of pictures to a vision model that stays right."


def main() -> None:
    """Run the command in ``sys.argv``; an error is one line on stderr and an exit status."""
    try:
        application(sys.argv[1:])(prog_name="sightline")
    except SightlineError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail("stopped", 130)
    except BrokenPipeError:
        # Whoever read the output has enough.
        sys.exit(141)
    except MemoryError:
        _fail("there is not enough memory for this", 1)
    except OSError as error:
        # A full disk or a file that vanished, met where nobody could say more about it.
        from sightline.storage.files import refused

        refusal = (
            refused("use", Path(error.filename), error) if error.filename else refused("go on", None, error)
        )
        _fail(str(refusal), refusal.exit_code)


def application(arguments: list[str]) -> typer.Typer:
    """The application for ``arguments``: the one command that they name, or all of them by their help.

    Only the named command's file is imported, so that help is quick and no command pays for another.
    """
    app = typer.Typer(
        help=_ABOUT,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_root)
    wanted = next((each for each in arguments if not each.startswith("-")), "")
    names = COMMANDS.names()
    for name in (wanted,) if wanted in names else names:
        if name == wanted:
            COMMANDS.load(name).add_to(app)
        else:
            app.command(name, help=_first_line(name))(_never_called)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sightline {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", help="Print the version and leave.", is_eager=True, callback=_print_version
    ),
) -> None:
    """Takes what stands before a command."""


def _never_called() -> None:
    """Stands for a command whose file was not imported."""


def _first_line(name: str) -> str:
    """The first line of a command's docstring, read without importing the file."""
    spec = find_spec("sightline.cli")
    folder = Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else Path()
    file = folder / f"{name}.py"
    if not file.is_file():
        return "(added by another package)"
    return (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0]


def _fail(text: str, status: int) -> None:
    # A name with a line break must not make a second line.
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    sys.stderr.write(f"sightline: {line.encode('utf-8', 'backslashreplace').decode()}\n")
    sys.exit(status)
