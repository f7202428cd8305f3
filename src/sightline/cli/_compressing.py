"""The option of every command that makes variants."""

from typing import Annotated

import typer

Budget = Annotated[
    float,
    typer.Option(min=0.0001, max=0.99, help="Loss of the task's metric that a variant may have, a fraction."),
]
