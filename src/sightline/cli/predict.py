"""Answer pictures with a release or a sealed file; needs no torch."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer


def add_to(app: typer.Typer) -> None:
    """``sightline predict``."""
    app.command("predict")(predict)


def predict(
    release: Annotated[str, typer.Argument(help="NAME, NAME@VERSION, NAME:STAGE, or a .sight file.")],
    pictures: Annotated[list[Path], typer.Argument(help="Pictures and folders of them.")],
    form: Annotated[
        Literal["jsonl", "csv", "pictures"],
        typer.Option("--format", help="pictures: copies with the answer drawn."),
    ] = "jsonl",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File, or folder for pictures; else stdout.")
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(min=1, help="Most labels or boxes an answer lists; a classifier's 5, a detector's all."),
    ] = None,
    variant: Annotated[str, typer.Option(help="A compressed form to answer with, such as int8.")] = "",
) -> None:
    """One answer a picture, in order; files that cannot be answered are listed and do not stop the rest."""
    from sightline.cli._terminal import Terminal
    from sightline.errors import InputError
    from sightline.infer.drawing import draw_into
    from sightline.infer.offline import predict_paths
    from sightline.infer.predictor import Predictor
    from sightline.infer.writing import write_text
    from sightline.workspace import open_release

    if form == "pictures" and out is None:
        raise InputError("--format pictures needs a folder: --out FOLDER")
    predictor = Predictor(open_release(release), top=top, variant=variant)
    with Terminal() as terminal:
        answers = predict_paths(
            predictor, pictures, lambda done, total: terminal.progress("predict", done, total or done)
        )
        if form == "pictures" and out is not None:
            tally = draw_into(answers, out, predictor.manifest.contract.classes)
        else:
            text: Literal["csv", "jsonl"] = "csv" if form == "csv" else "jsonl"
            task = predictor.manifest.contract.task
            tally = write_text(answers, text, out or sys.stdout.buffer, task=task)
        terminal.say(
            f"{tally.answered:,} answered, {tally.unanswered:,} could not be" + (f"; {out}" if out else "")
        )
    if tally.total and not tally.answered:
        raise InputError("none of the files could be answered; the output says why for each")
