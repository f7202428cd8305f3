"""What a command's file gives."""

from typing import Protocol

import typer


class Command(Protocol):
    """One command, or a group of them, named as its file. The file's docstring is its one-line help."""

    def add_to(self, app: typer.Typer) -> None:
        """Add it to the application."""
