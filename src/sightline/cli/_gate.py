"""The option of every command that asks the gate."""

from typing import Annotated

import typer

Margin = Annotated[
    float,
    typer.Option(
        min=-0.99, max=0.99, help="Gate: least difference to production, a fraction; negative allows a loss."
    ),
]
